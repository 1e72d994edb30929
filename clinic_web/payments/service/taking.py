"""Taking money: one press, one movement, one receipt."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from clinic_web.audit import api as audit
from clinic_web.events.payments import PaymentCompleted, PaymentReceived
from clinic_web.kernel import bus, clock, idempotency, ids, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.money import CENT, LARGEST, ZERO
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.payments.access import payment_for
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import (
    CASH,
    DESK_METHODS,
    PAID,
    RECEIPT,
    Payment,
    PaymentTransaction,
    ShareRule,
    Shares,
)
from clinic_web.payments.queries.receipts import Receipt, receipt, receipt_of
from clinic_web.payments.service import ledger

ACTION = "payments.take"


def take(
    actor: Actor,
    *,
    payment_id: UUID,
    amount: Decimal,
    method: str,
    handed_over: Decimal | None = None,
    key: str | None,
) -> Receipt:
    """Take ``amount`` for a payment; return the receipt, the first one again for the same ``key`` and values.

    ``handed_over`` is for cash only: what the patient gave before the change. Raises BadRequest (400) without
    a key; RuleBroken (422) with the field for a wrong method or amount, for more than is owed, and for a key
    used with other values; StaleScreen (409) when it is paid or void by now; NotFound (404).
    """
    check_sums(amount, method, handed_over)
    asked = Taking(payment_id, amount.quantize(CENT), method, handed_over, f"{actor.user_id}:{key}")
    with transaction():
        claim = idempotency.claim(actor, ACTION, key, asdict(asked))
        if claim.answer is not None:
            return receipt(actor, UUID(claim.answer["transaction_id"]))
        payment = payment_for(actor, payment_id, lock=True)
        movement = _move(actor, payment, asked)
        claim.keep({"transaction_id": str(movement["id"])})
        return receipt_of(payment, PaymentTransaction(**movement))


@dataclass(frozen=True)
class Taking:
    """What one press of the button asks for."""

    payment_id: UUID
    amount: Decimal
    method: str
    handed_over: Decimal | None
    idempotency_key: str


def check_sums(amount: Decimal, method: str, handed_over: Decimal | None) -> None:
    """Raise RuleBroken (422) with the field, unless this is a sum that a desk can take in this way."""
    if method not in DESK_METHODS:
        raise RuleBroken(N_("Choose cash, card or bank transfer."), field="method")
    _check_amount(amount, "amount")
    if handed_over is None:
        return
    _check_amount(handed_over, "handed_over")
    if method != CASH:
        raise RuleBroken(N_("Only cash is handed over and gives change."), field="handed_over")
    if handed_over < amount:
        raise RuleBroken(N_("This is less than the amount to take."), field="handed_over")


def _check_amount(amount: Decimal, field: str) -> None:
    if not amount.is_finite():
        raise RuleBroken(N_("This is not an amount. Write it as 400 or 400.50."), field=field)
    if amount <= 0:
        raise RuleBroken(N_("Enter an amount above zero."), field=field)
    if amount > LARGEST:
        raise RuleBroken(N_("This amount is too large."), field=field)
    if amount != amount.quantize(CENT):
        raise RuleBroken(N_("An amount has two decimals at most."), field=field)


def share_rule(actor: Actor, payment: Payment) -> ShareRule:
    """Return the rule by which the next money is shared: the frozen one, or the one that stands now.

    A service that is no longer offered leaves the rule with which the payment was opened.
    """
    as_opened = ShareRule(payment.share_percent, payment.share_rule_version)
    if payment.shares_frozen_at is not None or payment.service_id is None:
        return as_opened
    try:
        terms = organization.terms(actor, payment.service_id, payment.doctor_id)
    except NotFound:
        return as_opened
    return ShareRule(terms.share_percent, terms.share_rule_version)


def _move(actor: Actor, payment: Payment, asked: Taking) -> dict[str, Any]:
    """Change the payment, write the movement with legs, audit and events; return the movement's row."""
    now = clock.now()
    old = payment.as_audited()
    shares = payment.receive(asked.amount, rule=share_rule(actor, payment), at=now)
    payment.updated_by = actor.user_id
    movement = _row(actor, payment, asked, shares) | {"payment_date": now, "created_at": now}
    db.session.execute(insert(PaymentTransaction), movement)
    ledger.enter(list(ledger.legs_of(movement, payment.doctor_id)))
    failpoint("payments.take.after_ledger")
    audit.saw(actor, ACTION, "payment", payment.id)
    audit.changed(actor, ACTION, "payment", payment.id, old=old, new=_audited(payment, movement))
    _tell(actor, payment, movement)
    return movement


def _row(actor: Actor, payment: Payment, asked: Taking, shares: Shares) -> dict[str, Any]:
    return {
        "id": ids.new_id(),
        "organization_id": payment.organization_id,
        "facility_id": payment.facility_id,
        "payment_id": payment.id,
        "patient_id": payment.patient_id,
        "payment_number": ids.dated_number("PAY", clock.today(_timezone(payment))),
        "kind": RECEIPT,
        "payment_method": asked.method,
        "amount": asked.amount,
        "applied_amount": asked.amount,
        "credit_amount": ZERO,
        "handed_over": asked.handed_over,
        "balance_after": payment.left,
        "currency": payment.currency,
        "doctor_share": shares.doctor,
        "center_share": shares.center,
        "status": "COMPLETED",
        "processed_by": actor.user_id,
        "processed_by_name": actor.name or None,
        "idempotency_key": asked.idempotency_key,
    }


def _timezone(payment: Payment) -> str:
    facility = organization.directory(payment.organization_id).facilities.get(payment.facility_id)
    return facility.timezone if facility else "UTC"


def _audited(payment: Payment, movement: dict[str, Any]) -> dict[str, Any]:
    return payment.as_audited() | {
        "payment_number": movement["payment_number"],
        "amount": movement["amount"],
        "payment_method": movement["payment_method"],
    }


def _tell(actor: Actor, payment: Payment, movement: dict[str, Any]) -> None:
    bus.publish(
        PaymentReceived(
            organization_id=payment.organization_id,
            payment_id=payment.id,
            transaction_id=movement["id"],
            patient_id=payment.patient_id,
            amount=movement["amount"],
            currency=payment.currency,
            method=movement["payment_method"],
            visit_id=payment.visit_id,
        ),
        actor,
    )
    if payment.status == PAID:
        bus.publish(
            PaymentCompleted(
                organization_id=payment.organization_id,
                payment_id=payment.id,
                patient_id=payment.patient_id,
                total_amount=payment.total_amount,
                currency=payment.currency,
                visit_id=payment.visit_id,
            ),
            actor,
        )
    push.changed(payments_topic(payment.clinic_id))
