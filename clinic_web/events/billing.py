"""What billing tells."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class _OfInvoice:
    """An invoice is of one visit or of one order; money for it moves on ``payment_id``."""

    AGGREGATE: ClassVar[tuple[str, str]] = ("invoice", "invoice_id")
    organization_id: UUID
    facility_id: UUID
    invoice_id: UUID
    payment_id: UUID
    patient_id: UUID
    visit_id: UUID | None = None
    order_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class BillGenerated(_OfInvoice):
    TOPIC: ClassVar[str] = "bill.generated"
    total_amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class BillVoided(_OfInvoice):
    """Nothing is owed any more. ``refund_due``: what was paid and waits for a person to give it back."""

    TOPIC: ClassVar[str] = "bill.voided"
    refund_due: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class _OfOrder:
    AGGREGATE: ClassVar[tuple[str, str]] = ("order", "order_id")
    organization_id: UUID
    order_id: UUID


@dataclass(frozen=True, kw_only=True)
class OrderBilled(_OfOrder):
    TOPIC: ClassVar[str] = "order.billed"
    invoice_id: UUID
    payment_id: UUID
    total_amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class OrderBillingFailed(_OfOrder):
    """Nothing is billed. ``reason``: NO_PRICE or CANCELLED; the line, where there is one."""

    TOPIC: ClassVar[str] = "order.billing_failed"
    reason: str
    line_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class OrderUnbilled(_OfOrder):
    """The answer to a compensation: nothing is billed, nor will be. ``refund_due`` as in BillVoided."""

    TOPIC: ClassVar[str] = "order.unbilled"
    refund_due: Decimal
