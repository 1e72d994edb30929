"""A movement that was asked for and refused: it leaves a row and is told. Cash never fails."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from clinic_web.audit import api as audit
from clinic_web.events.payments import PaymentFailed
from clinic_web.kernel import bus, clock, ids, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.money import ZERO
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments.access import payment_for
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import CASH, FAILED, METHODS, RECEIPT, Payment, PaymentTransaction
from clinic_web.payments.service.movements import check_amount


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What was asked for, and why it was refused. ``key`` tells one try from the next."""

    payment_id: UUID
    amount: Decimal
    method: str
    reason: str
    key: str
    provider_transaction_id: str | None = None
    card_last_four: str | None = None


def note_failure(actor: Actor, refusal: Refusal) -> UUID | None:
    """Record a refused movement and tell it; return its id, None when the same ``key`` was recorded before.

    The payment stays as it is. Raises RuleBroken (422) for cash or a wrong sum, NotFound (404).
    """
    if refusal.method not in METHODS or refusal.method == CASH:
        raise RuleBroken(N_("Only what a provider moves can fail."), field="method")
    check_amount(refusal.amount, "amount")
    with transaction():
        payment = payment_for(actor, refusal.payment_id)
        transaction_id = _write(actor, payment, refusal)
        if transaction_id is None:
            return None
        audit.saw(actor, "payment.fail", "payment", payment.id)
        bus.publish(
            PaymentFailed(
                organization_id=payment.organization_id,
                payment_id=payment.id,
                transaction_id=transaction_id,
                patient_id=payment.patient_id,
                amount=refusal.amount,
                currency=payment.currency,
                method=refusal.method,
                reason=refusal.reason,
                visit_id=payment.visit_id,
            ),
            actor,
        )
        push.changed(payments_topic(payment.clinic_id))
        return transaction_id


def _write(actor: Actor, payment: Payment, refusal: Refusal) -> UUID | None:
    now = clock.now()
    row = {
        "id": ids.new_id(),
        "organization_id": payment.organization_id,
        "facility_id": payment.facility_id,
        "payment_id": payment.id,
        "patient_id": payment.patient_id,
        "payment_number": ids.dated_number("FAIL", now.date()),
        "kind": RECEIPT,
        "payment_date": now,
        "payment_method": refusal.method,
        "amount": refusal.amount,
        "applied_amount": ZERO,
        "balance_after": payment.left,
        "currency": payment.currency,
        "doctor_share": ZERO,
        "center_share": ZERO,
        "reason": refusal.reason,
        "provider_transaction_id": refusal.provider_transaction_id,
        "card_last_four": refusal.card_last_four,
        "status": FAILED,
        "processed_by": actor.user_id,
        "processed_by_name": actor.name or None,
        "idempotency_key": f"failed:{refusal.key}",
        "created_at": now,
    }
    made = (
        insert(PaymentTransaction)
        .values(row)
        .on_conflict_do_nothing(index_elements=["organization_id", "idempotency_key"])
        .returning(PaymentTransaction.id)
    )
    written: UUID | None = db.session.scalar(made)
    return written
