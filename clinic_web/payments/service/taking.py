"""Taking money: one press, one movement, one receipt."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.events.payments import PaymentCompleted, PaymentReceived
from clinic_web.kernel import bus, clock, idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.money import CENT
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments.access import payment_for
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import CASH, DESK_METHODS, PAID, RECEIPT, Payment, PaymentTransaction
from clinic_web.payments.queries.receipts import Receipt, receipt, receipt_of
from clinic_web.payments.service import movements
from clinic_web.payments.service.movements import check_amount
from clinic_web.payments.service.sharing import share_rule

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
    check_amount(amount, "amount")
    if handed_over is None:
        return
    check_amount(handed_over, "handed_over")
    if method != CASH:
        raise RuleBroken(N_("Only cash is handed over and gives change."), field="handed_over")
    if handed_over < amount:
        raise RuleBroken(N_("This is less than the amount to take."), field="handed_over")


def _move(actor: Actor, payment: Payment, asked: Taking) -> dict[str, Any]:
    """Change the payment, write the movement with legs, audit and events; return the movement's row."""
    now = clock.now()
    old = payment.as_audited()
    shares = payment.receive(asked.amount, rule=share_rule(actor, payment), at=now)
    payment.updated_by = actor.user_id
    move = movements.Move(
        kind=RECEIPT,
        amount=asked.amount,
        method=asked.method,
        shares=shares,
        at=now,
        key=asked.idempotency_key,
        handed_over=asked.handed_over,
    )
    movement = movements.write(actor, payment, move)
    failpoint("payments.take.after_ledger")
    audit.saw(actor, ACTION, "payment", payment.id)
    audit.changed(actor, ACTION, "payment", payment.id, old=old, new=movements.audited(payment, movement))
    tell_received(actor, payment, movement)
    return movement


def tell_received(actor: Actor, payment: Payment, movement: dict[str, Any], *, is_news: bool = True) -> None:
    """Tell that money came in, and that the payment is paid now if that ``is_news``; then the screens."""
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
            facility_id=payment.facility_id,
        ),
        actor,
    )
    if payment.status == PAID and is_news:
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
