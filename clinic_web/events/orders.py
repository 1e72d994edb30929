"""What orders tells: an order, the steps it asks for, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """``item_id`` is a medication or a laboratory test of the catalogue, by the order's type."""

    line_id: UUID
    item_id: UUID
    quantity: Decimal


@dataclass(frozen=True, kw_only=True)
class _OfOrder:
    """``order_type`` is PRESCRIPTION or LAB."""

    AGGREGATE: ClassVar[tuple[str, str]] = ("order", "order_id")
    organization_id: UUID
    facility_id: UUID
    order_id: UUID
    order_type: str
    patient_id: UUID


@dataclass(frozen=True, kw_only=True)
class OrderCreated(_OfOrder):
    """Reserve the stock, or hold the slots: all lines or none. Told again when no answer comes."""

    TOPIC: ClassVar[str] = "order.created"
    clinic_id: UUID
    doctor_id: UUID
    lines: tuple[OrderLine, ...]
    priority: str = "ROUTINE"
    visit_id: UUID | None = None
    preferred_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class BillingRequested(_OfOrder):
    """Bill the lines by the charge master, once per order. Told again when no answer comes."""

    TOPIC: ClassVar[str] = "order.billing_requested"
    clinic_id: UUID
    doctor_id: UUID
    lines: tuple[OrderLine, ...]
    visit_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class NotificationRequested(_OfOrder):
    """Tell the patient that it is ready, or when the laboratory expects them (``starts_at``)."""

    TOPIC: ClassVar[str] = "order.notification_requested"
    starts_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CompensationRequested(_OfOrder):
    """Undo one step, RESERVE or BILL, also one whose request has not been heard yet; answered in any case.

    ``attempt`` counts how often it was asked for: each is an event of its own.
    """

    TOPIC: ClassVar[str] = "order.compensation_requested"
    step: str
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class _OrderEnded(_OfOrder):
    doctor_id: UUID
    visit_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class OrderCompleted(_OrderEnded):
    """Reserved or scheduled, billed, and the patient's message queued (or given up)."""

    TOPIC: ClassVar[str] = "order.completed"


@dataclass(frozen=True, kw_only=True)
class OrderFailed(_OrderEnded):
    """A step failed and whatever had been done is undone. ``reason`` is a code of the step that failed."""

    TOPIC: ClassVar[str] = "order.failed"
    step: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderCancelled(_OrderEnded):
    """A person cancelled it and whatever had been done is undone."""

    TOPIC: ClassVar[str] = "order.cancelled"
