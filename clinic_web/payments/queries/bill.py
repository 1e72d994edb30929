"""One bill: what is owed for, what was paid of it and how, and how the next money will be shared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.db import db
from clinic_web.kernel.money import ZERO
from clinic_web.payments.models import (
    REFUND,
    Payment,
    PaymentTransaction,
)
from clinic_web.payments.shares import (
    ShareRule,
    Shares,
    split,
)

# Bank notes and bundles of them, in any currency's own unit.
FAR = Decimal("2.5")  # nobody hands over more than so many times the sum
NOTES = [Decimal(note) for note in (50, 100, 500, 1000, 5000, 10000, 50000, 100000)]


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One line under the bill: what came in (or went back), how, when and through whom.

    ``corrected_by`` is the movement that took it back as a mistake, ``reverses_id`` which one this took back.
    """

    id: UUID
    kind: str
    amount: Decimal
    applied_amount: Decimal
    credit_amount: Decimal
    method: str
    at: datetime
    by: str | None
    payment_number: str
    receipt_number: str | None
    reason: str | None
    reverses_id: UUID | None
    replaces_id: UUID | None
    corrected_by: UUID | None
    doctor_share: Decimal
    center_share: Decimal
    unassigned_share: Decimal

    @property
    def is_refund(self) -> bool:
        return self.kind == REFUND

    @property
    def is_correction(self) -> bool:
        """Whether it belongs to a correction: taken back, or the taking back itself."""
        return bool(self.reverses_id or self.corrected_by)


@dataclass(frozen=True, kw_only=True)
class Bill:
    """A payment as the panel shows it. The shares are those of everything, once all is paid."""

    id: UUID
    visit_id: UUID | None
    patient_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID | None
    payable: str
    reference: str | None
    ticket: str | None
    currency: str
    total_amount: Decimal
    amount_paid: Decimal
    left: Decimal
    status: str
    share_percent: Decimal
    is_share_open: bool
    amount_refunded: Decimal
    kept: Decimal
    may_be_voided: bool
    doctor_share: Decimal
    center_share: Decimal
    unassigned_share: Decimal
    opened_at: datetime
    paid_at: datetime | None
    void_reason: str | None
    movements: list[Movement]

    @property
    def is_owing(self) -> bool:
        return self.left > 0

    @property
    def shares_of_left(self) -> Shares:
        """How what is left will be divided, if it is paid at once."""
        return split(
            self.left,
            paid_before=self.amount_paid,
            doctor_before=self.doctor_share,
            percent=self.share_percent,
        )

    @property
    def round_sums(self) -> list[Decimal]:
        """The sums that people are likely to hand over for what is left, besides the exact one."""
        rounded = {(self.left / note).to_integral_value(ROUND_CEILING) * note for note in NOTES}
        return sorted(each for each in rounded if self.left < each <= self.left * FAR)[:2]


def bill_of(payment: Payment, rule: ShareRule | None) -> Bill:
    """Return the bill of a payment, which is shared by ``rule``; without one it waits for a doctor."""
    return Bill(
        id=payment.id,
        visit_id=payment.visit_id,
        patient_id=payment.patient_id,
        clinic_id=payment.clinic_id,
        doctor_id=payment.doctor_id,
        service_id=payment.service_id,
        payable=payment.payable,
        reference=payment.reference,
        ticket=payment.ticket,
        currency=payment.currency,
        total_amount=payment.total_amount,
        amount_paid=payment.amount_paid,
        left=payment.left,
        status=payment.status,
        share_percent=rule.percent if rule else ZERO,
        is_share_open=rule is None,
        amount_refunded=payment.amount_refunded,
        kept=payment.kept,
        may_be_voided=payment.may_be_voided,
        doctor_share=payment.doctor_share,
        center_share=payment.center_share,
        unassigned_share=payment.unassigned_share,
        opened_at=payment.opened_at,
        paid_at=payment.paid_at,
        void_reason=payment.void_reason,
        movements=movements_of(payment.id),
    )


def movements_of(payment_id: UUID) -> list[Movement]:
    """Return every movement of a payment, the oldest first."""
    made = PaymentTransaction
    found = select(made).where(made.payment_id == payment_id, made.status == "COMPLETED")
    rows = db.session.execute(found.order_by(made.payment_date, made.id)).scalars().all()
    corrected = {row.reverses_id: row.id for row in rows if row.reverses_id}
    return [_movement(row, corrected.get(row.id)) for row in rows]


def _movement(row: PaymentTransaction, corrected_by: UUID | None) -> Movement:
    return Movement(
        id=row.id,
        kind=row.kind,
        amount=row.amount,
        applied_amount=row.applied_amount,
        credit_amount=row.credit_amount,
        method=row.payment_method,
        at=row.payment_date,
        by=row.processed_by_name,
        payment_number=row.payment_number,
        receipt_number=row.receipt_number,
        reason=row.reason,
        reverses_id=row.reverses_id,
        replaces_id=row.replaces_id,
        corrected_by=corrected_by,
        doctor_share=row.doctor_share,
        center_share=row.center_share,
        unassigned_share=row.unassigned_share,
    )
