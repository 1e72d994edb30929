"""What payments tell."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class PaymentReceived:
    """One movement of money came in."""

    TOPIC: ClassVar[str] = "payment.received"
    AGGREGATE: ClassVar[tuple[str, str]] = ("payment", "payment_id")
    organization_id: UUID
    payment_id: UUID
    transaction_id: UUID
    patient_id: UUID
    amount: Decimal
    currency: str
    method: str
    visit_id: UUID | None = None
    facility_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentCompleted:
    """The payment is PAID now."""

    TOPIC: ClassVar[str] = "payment.completed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("payment", "payment_id")
    organization_id: UUID
    payment_id: UUID
    patient_id: UUID
    total_amount: Decimal
    currency: str
    visit_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentRefunded:
    """One movement of money went out.

    ``is_whole``: nothing of the payment is kept. ``corrects_id`` names the receipt that was a mistake; where
    another takes its place, PaymentReceived follows.
    """

    TOPIC: ClassVar[str] = "payment.refunded"
    AGGREGATE: ClassVar[tuple[str, str]] = ("payment", "payment_id")
    organization_id: UUID
    payment_id: UUID
    transaction_id: UUID
    patient_id: UUID
    amount: Decimal
    currency: str
    method: str
    is_whole: bool
    corrects_id: UUID | None = None
    visit_id: UUID | None = None
    facility_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentVoided:
    """The claim was given up by hand: nothing is owed any more."""

    TOPIC: ClassVar[str] = "payment.voided"
    AGGREGATE: ClassVar[tuple[str, str]] = ("payment", "payment_id")
    organization_id: UUID
    payment_id: UUID
    patient_id: UUID
    visit_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentReopened:
    """The claim stands again: taken up by hand, or because the patient came after all."""

    TOPIC: ClassVar[str] = "payment.reopened"
    AGGREGATE: ClassVar[tuple[str, str]] = ("payment", "payment_id")
    organization_id: UUID
    payment_id: UUID
    patient_id: UUID
    visit_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentFailed:
    """A movement of money was asked for and refused, by a provider for example; nothing moved.

    ``reason`` is the provider's code or a word of ours, never a person's data.
    """

    TOPIC: ClassVar[str] = "payment.failed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("payment", "payment_id")
    organization_id: UUID
    payment_id: UUID
    transaction_id: UUID
    patient_id: UUID
    amount: Decimal
    currency: str
    method: str
    reason: str
    visit_id: UUID | None = None
