"""Receipts: what was handed over for one movement of money, as it was printed the first time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.money import ZERO
from clinic_web.payments.access import payments_of
from clinic_web.payments.models import COMPLETED, REFUND, Payment, PaymentTransaction


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """One movement of money.

    ``change`` is what was given back in cash, ``left_to_pay`` what was owed after it, ``credit`` what of it
    was kept for the patient because it was more than owed.
    """

    transaction_id: UUID
    payment_id: UUID
    kind: str
    payment_number: str
    receipt_number: str | None
    reason: str | None
    reverses_id: UUID | None
    replaces_id: UUID | None
    amount: Decimal
    currency: str
    method: str
    handed_over: Decimal | None
    change: Decimal
    credit: Decimal
    left_to_pay: Decimal
    doctor_share: Decimal
    center_share: Decimal
    taken_at: datetime
    taken_by: str | None
    total_amount: Decimal
    visit_id: UUID | None
    patient_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID | None
    payable: str
    reference: str | None
    ticket: str | None

    @property
    def number(self) -> str:
        """What the receipt is called by; receipts from before receipts were counted have only the other."""
        return self.receipt_number or self.payment_number

    @property
    def is_refund(self) -> bool:
        return self.kind == REFUND

    @property
    def is_settled(self) -> bool:
        return self.left_to_pay == 0


def receipt(actor: Actor, transaction_id: UUID) -> Receipt:
    """Return the receipt of one movement; NotFound (404) if it is not the actor's to see."""
    found = payments_of(actor).join(PaymentTransaction, PaymentTransaction.payment_id == Payment.id)
    row = db.session.execute(
        found.add_columns(PaymentTransaction).where(
            PaymentTransaction.id == transaction_id, PaymentTransaction.status == COMPLETED
        )
    ).first()
    if row is None:
        raise NotFound(N_("This receipt is not here (any more)."))
    return receipt_of(*row)


def receipt_of(payment: Payment, movement: PaymentTransaction) -> Receipt:
    handed_over = movement.handed_over
    return Receipt(
        transaction_id=movement.id,
        payment_id=payment.id,
        kind=movement.kind,
        payment_number=movement.payment_number,
        receipt_number=movement.receipt_number,
        reason=movement.reason,
        reverses_id=movement.reverses_id,
        replaces_id=movement.replaces_id,
        amount=movement.amount,
        currency=movement.currency,
        method=movement.payment_method,
        handed_over=handed_over,
        change=ZERO if handed_over is None else handed_over - movement.amount,
        credit=movement.credit_amount,
        left_to_pay=movement.balance_after,
        doctor_share=movement.doctor_share,
        center_share=movement.center_share,
        taken_at=movement.payment_date,
        taken_by=movement.processed_by_name,
        total_amount=payment.total_amount,
        visit_id=payment.visit_id,
        patient_id=payment.patient_id,
        clinic_id=payment.clinic_id,
        doctor_id=payment.doctor_id,
        service_id=payment.service_id,
        payable=payment.payable,
        reference=payment.reference,
        ticket=payment.ticket,
    )
