"""Giving money back, and putting right what was taken wrongly.

A refund closes the claim: nothing is owed after it. A correction does not: it takes one receipt back as if it
had never been and, in the same transaction, writes the one that should have been. Neither can be undone,
because money has left the drawer; both say so beforehand.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.events.payments import PaymentRefunded
from clinic_web.kernel import bus, clock, idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.money import CENT
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments.access import payment_for, payments_of
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import (
    COMPLETED,
    DESK_METHODS,
    RECEIPT,
    REFUND,
    Payment,
    PaymentTransaction,
)
from clinic_web.payments.queries.receipts import Receipt, receipt, receipt_of
from clinic_web.payments.service import limits, movements
from clinic_web.payments.service.reasons import check_reason
from clinic_web.payments.service.sharing import share_rule
from clinic_web.payments.service.taking import tell_received

REFUND_ACTION, CORRECT_ACTION = "payments.refund", "payments.correct"


@dataclass(frozen=True)
class Giving:
    """What one press of the button asks for: ``about`` is the payment, or the receipt to be corrected."""

    about: UUID
    amount: Decimal
    method: str
    reason: str


def refund(
    actor: Actor, *, payment_id: UUID, amount: Decimal, method: str, reason: str, key: str | None
) -> Receipt:
    """Give ``amount`` of a payment back; return the receipt, the first one again for the same ``key``.

    Raises BadRequest (400) without a key; RuleBroken (422) with the field for a wrong method, a missing
    reason, more than was paid and not given back, or more than the actor's limit; StaleScreen (409) when
    nothing is left to give back; NotFound (404).
    """
    movements.check_amount(amount, "amount")
    asked = Giving(payment_id, amount.quantize(CENT), _desk_method(method), check_reason(reason))
    with transaction():
        claim = idempotency.claim(actor, REFUND_ACTION, key, asdict(asked))
        if claim.answer is not None:
            return receipt(actor, UUID(claim.answer["transaction_id"]))
        payment = payment_for(actor, payment_id, lock=True)
        movement = _give_back(actor, payment, asked, f"{actor.user_id}:refund:{key}")
        claim.keep({"transaction_id": str(movement["id"])})
        return receipt_of(payment, PaymentTransaction(**movement))


def correct(
    actor: Actor, *, transaction_id: UUID, amount: Decimal, method: str, reason: str, key: str | None
) -> Receipt:
    """Put a receipt right: it should have been ``amount`` by ``method``; zero means nothing was taken at all.

    Returns the new receipt, or the one of the taking back where there is no new one. Raises as ``refund``
    does; StaleScreen (409) when it was corrected or refunded meanwhile.
    """
    if amount:
        movements.check_amount(amount, "amount")
    asked = Giving(transaction_id, amount.quantize(CENT), _desk_method(method), check_reason(reason))
    with transaction():
        claim = idempotency.claim(actor, CORRECT_ACTION, key, asdict(asked))
        if claim.answer is not None:
            return receipt(actor, UUID(claim.answer["transaction_id"]))
        payment = payment_for(actor, _payment_id_of(actor, transaction_id), lock=True)
        movement = _put_right(actor, payment, asked, f"{actor.user_id}:correct:{key}")
        claim.keep({"transaction_id": str(movement["id"])})
        return receipt_of(payment, PaymentTransaction(**movement))


def _desk_method(method: str) -> str:
    if method not in DESK_METHODS:
        raise RuleBroken(N_("Choose cash, card or bank transfer."), field="method")
    return method


def _give_back(actor: Actor, payment: Payment, asked: Giving, key: str) -> dict[str, Any]:
    old, now = payment.as_audited(), clock.now()
    shares = payment.give_back(asked.amount, at=now)
    limits.require_within(actor, payment.amount_refunded)
    payment.updated_by = actor.user_id
    move = movements.Move(
        kind=REFUND,
        amount=asked.amount,
        method=asked.method,
        shares=shares,
        at=now,
        key=key,
        reason=asked.reason,
    )
    movement = movements.write(actor, payment, move)
    audit.saw(actor, REFUND_ACTION, "payment", payment.id)
    audit.changed(
        actor, REFUND_ACTION, "payment", payment.id, old=old, new=movements.audited(payment, movement)
    )
    _tell(actor, payment, movement)
    return movement


def _put_right(actor: Actor, payment: Payment, asked: Giving, key: str) -> dict[str, Any]:
    wrong = _to_be_corrected(actor, payment, asked)
    old, was_paid = payment.as_audited(), payment.paid_at is not None
    movement = _take_back(actor, payment, wrong, asked.reason, key)
    if asked.amount:
        movement = _take_right(actor, payment, wrong, asked, key)
        tell_received(actor, payment, movement, is_news=not was_paid)
    elif not payment.kept:
        payment.forget_rule()
    audit.saw(actor, CORRECT_ACTION, "payment", payment.id)
    audit.changed(
        actor, CORRECT_ACTION, "payment", payment.id, old=old, new=movements.audited(payment, movement)
    )
    return movement


def _to_be_corrected(actor: Actor, payment: Payment, asked: Giving) -> PaymentTransaction:
    """Return the receipt, if it is one that can be put right, by this person, and would be changed by it."""
    wrong = db.session.get_one(PaymentTransaction, asked.about)
    if wrong.kind != RECEIPT or wrong.credit_amount:
        raise RuleBroken(N_("Only money that was taken here can be corrected."))
    reversal = select(PaymentTransaction.id).where(PaymentTransaction.reverses_id == wrong.id)
    if db.session.scalar(reversal) is not None:
        raise StaleScreen(N_("This receipt was corrected meanwhile."))
    if (asked.amount, asked.method) == (wrong.amount, wrong.payment_method):
        raise RuleBroken(N_("This is what the receipt says already."), field="amount")
    limits.require_within(actor, wrong.amount)
    return wrong


def _take_back(
    actor: Actor, payment: Payment, wrong: PaymentTransaction, reason: str, key: str
) -> dict[str, Any]:
    now = clock.now()
    move = movements.Move(
        kind=REFUND,
        amount=wrong.amount,
        method=wrong.payment_method,
        shares=payment.take_back(wrong.applied_amount, at=now),
        at=now,
        key=f"{key}:back",
        reason=reason,
        reverses_id=wrong.id,
    )
    payment.updated_by = actor.user_id
    movement = movements.write(actor, payment, move)
    _tell(actor, payment, movement)
    return movement


def _take_right(
    actor: Actor, payment: Payment, wrong: PaymentTransaction, asked: Giving, key: str
) -> dict[str, Any]:
    now = clock.now()
    move = movements.Move(
        kind=RECEIPT,
        amount=asked.amount,
        method=asked.method,
        shares=payment.receive(asked.amount, rule=share_rule(actor, payment), at=now),
        at=now,
        key=key,
        reason=asked.reason,
        replaces_id=wrong.id,
    )
    return movements.write(actor, payment, move)


def _payment_id_of(actor: Actor, transaction_id: UUID) -> UUID:
    mine = payments_of(actor, Payment.id).join(
        PaymentTransaction, PaymentTransaction.payment_id == Payment.id
    )
    found: UUID | None = db.session.scalar(
        mine.where(PaymentTransaction.id == transaction_id, PaymentTransaction.status == COMPLETED)
    )
    if found is None:
        raise NotFound(N_("This receipt is not here (any more)."))
    return found


def _tell(actor: Actor, payment: Payment, movement: dict[str, Any]) -> None:
    bus.publish(
        PaymentRefunded(
            organization_id=payment.organization_id,
            payment_id=payment.id,
            transaction_id=movement["id"],
            patient_id=payment.patient_id,
            amount=movement["amount"],
            currency=payment.currency,
            method=movement["payment_method"],
            is_whole=not payment.kept,
            corrects_id=movement["reverses_id"],
            visit_id=payment.visit_id,
            facility_id=payment.facility_id,
        ),
        actor,
    )
    push.changed(payments_topic(payment.clinic_id))
