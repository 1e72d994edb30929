"""An order is billed once by the charge master, and undone as often as anybody asks.

The order's record is written first, by whoever comes first: the bill, the refusal or the tombstone. Everybody
else waits for it and repeats the answer that stands there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.billing import places
from clinic_web.billing.live import bills_topic
from clinic_web.billing.models import (
    CANCELLED,
    COMPLETED,
    ISSUED,
    LAB_TEST,
    MEDICATION,
    NO_PRICE,
    ORDER_UNDONE,
    PAID,
    PRESCRIPTION,
)
from clinic_web.billing.rules import Fate, line_total, total_of
from clinic_web.billing.service import statements
from clinic_web.billing.service.following import follow, hold
from clinic_web.billing.service.visits import settle_payment
from clinic_web.catalog import api as catalog
from clinic_web.catalog.api import Price
from clinic_web.events.billing import BillGenerated, OrderBilled, OrderBillingFailed, OrderUnbilled
from clinic_web.events.orders import BillingRequested, OrderLine
from clinic_web.kernel import bus, clock, ids, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.money import LARGEST, ZERO
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments import api as payments
from clinic_web.payments.api import NewOrderPayment


@dataclass(frozen=True, kw_only=True)
class OrderBill:
    """What an order was billed."""

    invoice_id: UUID
    payment_id: UUID
    total: Decimal
    currency: str
    number: str = ""


def bill_order(actor: Actor, asked: BillingRequested) -> None:
    """Bill an order, or say why not; whatever was asked before gets the same answer again.

    Three statements the first time: prices, the bill with its lines and its record, the payment.
    """
    with transaction():
        prices = catalog.prices(actor, [line.item_id for line in asked.lines])
        without = next((line for line in asked.lines if line.item_id not in prices), None)
        total = total_of(
            line_total(line.quantity, prices[line.item_id].price)
            for line in asked.lines
            if line.item_id in prices
        )
        if without is not None or total > LARGEST or not asked.lines:
            _refuse(actor, asked, NO_PRICE, without)
        else:
            _bill(actor, asked, prices, total)


def _bill(actor: Actor, asked: BillingRequested, prices: Mapping[UUID, Price], total: Decimal) -> None:
    now, facility = clock.now(), places.facility_of(actor.organization_id, asked.facility_id)
    today = places.day_at(actor.organization_id, asked.facility_id, now)
    bill = OrderBill(
        invoice_id=ids.new_id(),
        payment_id=ids.new_id(),
        number=ids.dated_number("INV", today),
        total=total,
        currency=facility.currency,
    )
    values = {
        "id": bill.invoice_id,
        "record_id": ids.new_id(),
        "organization_id": actor.organization_id,
        "facility_id": asked.facility_id,
        "clinic_id": asked.clinic_id,
        "invoice_number": bill.number,
        "invoice_type": asked.order_type,
        "patient_id": asked.patient_id,
        "doctor_id": asked.doctor_id,
        "visit_id": None,
        "of_visit_id": asked.visit_id,
        "order_id": asked.order_id,
        "prescription_id": asked.order_id if asked.order_type == PRESCRIPTION else None,
        "payment_id": bill.payment_id,
        "currency": bill.currency,
        "total_amount": total,
        "status": ISSUED if total else PAID,
        "invoice_date": today,
        "due_date": today,
        "paid_date": None if total else today,
        "now": now,
        "lines": json.dumps(_lines(asked, prices)),
    }
    made = statements.BILL_ORDER.first(values)
    if made is None:
        _answer_again(actor, asked)
        return
    _open_payment(actor, asked, bill)
    if made.served_version or made.released_reason:
        _change(actor, bill.payment_id, lambda fate: _as_told_before(fate, made))
    push.changed(bills_topic(asked.clinic_id))
    _tell(actor, asked, bill)


def _lines(asked: BillingRequested, prices: Mapping[UUID, Price]) -> list[dict[str, Any]]:
    return [_line(asked, number, line, prices[line.item_id]) for number, line in enumerate(asked.lines, 1)]


def _line(asked: BillingRequested, number: int, line: OrderLine, price: Price) -> dict[str, Any]:
    return {
        "id": str(ids.new_id()),
        "line_number": number,
        "item_type": MEDICATION if asked.order_type == PRESCRIPTION else LAB_TEST,
        "item_id": str(line.item_id),
        "item_code": price.item_code,
        "item_name": price.item_name,
        "item_name_ar": price.item_name_ar,
        "quantity": str(line.quantity),
        "unit_price": str(price.price),
        "line_total": str(line_total(line.quantity, price.price)),
        "prescription_item_id": str(line.line_id),
    }


def _open_payment(actor: Actor, asked: BillingRequested, bill: OrderBill) -> None:
    payments.open_order_payment(
        actor,
        NewOrderPayment(
            id=bill.payment_id,
            payable=asked.order_type,
            reference=bill.number,
            patient_id=asked.patient_id,
            facility_id=asked.facility_id,
            clinic_id=asked.clinic_id,
            doctor_id=asked.doctor_id,
            of_visit_id=asked.visit_id,
            total_amount=bill.total,
            currency=bill.currency,
        ),
    )


def _tell(actor: Actor, asked: BillingRequested, bill: OrderBill) -> None:
    bus.publish(
        BillGenerated(
            organization_id=actor.organization_id,
            facility_id=asked.facility_id,
            invoice_id=bill.invoice_id,
            payment_id=bill.payment_id,
            patient_id=asked.patient_id,
            order_id=asked.order_id,
            total_amount=bill.total,
            currency=bill.currency,
        ),
        actor,
    )
    _answer_billed(actor, asked.order_id, bill)


def _answer_billed(actor: Actor, order_id: UUID, bill: OrderBill) -> None:
    bus.publish(
        OrderBilled(
            organization_id=actor.organization_id,
            order_id=order_id,
            invoice_id=bill.invoice_id,
            payment_id=bill.payment_id,
            total_amount=bill.total,
            currency=bill.currency,
        ),
        actor,
    )


def _refuse(actor: Actor, asked: BillingRequested, reason: str, line: OrderLine | None) -> None:
    line_id = line.line_id if line else None
    if _write_refusal(actor, asked.facility_id, asked.order_id, reason, line_id):
        _answer_refused(actor, asked.order_id, reason, line_id)
    else:
        _answer_again(actor, asked)


def _write_refusal(
    actor: Actor, facility_id: UUID, order_id: UUID, reason: str, line_id: UUID | None = None
) -> bool:
    values = {
        "id": ids.new_id(),
        "organization_id": actor.organization_id,
        "facility_id": facility_id,
        "order_id": order_id,
        "reason": reason,
        "line_id": line_id,
        "now": clock.now(),
    }
    return statements.REFUSE.first(values) is not None


def _answer_refused(actor: Actor, order_id: UUID, reason: str, line_id: UUID | None) -> None:
    bus.publish(
        OrderBillingFailed(
            organization_id=actor.organization_id, order_id=order_id, reason=reason, line_id=line_id
        ),
        actor,
    )


def _answer_again(actor: Actor, asked: BillingRequested) -> None:
    record = _record(actor, asked.order_id)
    if record.status == COMPLETED:
        bill = OrderBill(
            invoice_id=record.invoice_id,
            payment_id=record.payment_id,
            total=record.amount,
            currency=record.currency,
        )
        _answer_billed(actor, asked.order_id, bill)
    else:
        _answer_refused(actor, asked.order_id, record.reason, record.line_id)


def _record(actor: Actor, order_id: UUID) -> Any:
    return statements.RECORD.first({"organization_id": actor.organization_id, "order_id": order_id})


def undo(actor: Actor, facility_id: UUID, order_id: UUID) -> None:
    """Take an order's bill back, or leave a tombstone for a request that has not come yet; say so always."""
    with transaction():
        refund_due = ZERO
        if not _write_refusal(actor, facility_id, order_id, CANCELLED):
            asked = {"organization_id": actor.organization_id, "order_id": order_id, "now": clock.now()}
            statements.TAKE_BACK.run(asked)
            payment_id = _record(actor, order_id).payment_id
            if payment_id is not None:
                refund_due = _change(actor, payment_id, _undone)
        bus.publish(
            OrderUnbilled(organization_id=actor.organization_id, order_id=order_id, refund_due=refund_due),
            actor,
        )


def release(actor: Actor, facility_id: UUID, order_id: UUID, reason: str) -> None:
    """Nobody came for it: void the bill, or ask a person about what was paid.

    What is released before it is billed is kept for the bill, which may be under way.
    """
    with transaction():
        early = _early(actor, facility_id, order_id) | {"reason": reason}
        payment_id = _payment_of(actor, order_id)
        if payment_id is None and statements.RELEASED_EARLY.first(early) is None:
            payment_id = _payment_of(actor, order_id)  # it was being billed just then
        if payment_id is not None:
            _change(actor, payment_id, lambda fate: fate.with_released(reason))


def serve(actor: Actor, facility_id: UUID, order_id: UUID, served: str | None, version: int) -> None:
    """So much of it the patient has (WHOLE, PART; None: nothing, it was put back), as of ``version``.

    What the patient has is owed, also when the rest is released, now or before; what was put back is not.
    What is handed over before it is billed is kept for the bill.
    """
    with transaction():
        early = _early(actor, facility_id, order_id) | {"served": served, "version": version}
        payment_id = _payment_of(actor, order_id)
        if payment_id is None and statements.SERVED_EARLY.first(early) is None:
            payment_id = _payment_of(actor, order_id)  # it was being billed just then
        if payment_id is not None:
            _change(actor, payment_id, lambda fate: fate.with_served(served, version))


def _early(actor: Actor, facility_id: UUID, order_id: UUID) -> dict[str, Any]:
    """What a record holds of an order that is not billed yet, besides what was told of it."""
    return {
        "id": ids.new_id(),
        "organization_id": actor.organization_id,
        "facility_id": facility_id,
        "order_id": order_id,
        "now": clock.now(),
    }


def _payment_of(actor: Actor, order_id: UUID) -> UUID | None:
    asked = {"organization_id": actor.organization_id, "order_id": order_id}
    row = statements.PAYMENT_OF_ORDER.first(asked)
    return row.payment_id if row else None


def _change(actor: Actor, payment_id: UUID, turn: Callable[[Fate], Fate]) -> Decimal:
    """Let the bill follow its payment with its fate turned; return what waits to be given back."""
    payment = payments.lock(actor, payment_id)
    bill = hold(actor, payment_id) if payment else None
    if payment is None or bill is None:
        raise LookupError(f"payment {payment_id} has no bill")
    fate = turn(bill.fate)
    is_owed_after_all = bill.fate.is_off and not fate.is_off and payment.is_void
    refund_due = follow(actor, payment, bill, fate)
    if is_owed_after_all:
        payments.reopen(actor, payment_id)
        db.session.flush()  # what follows asks PostgreSQL without the session
        settle_payment(actor, payment_id)
    return refund_due


def _as_told_before(fate: Fate, record: Any) -> Fate:
    """What was told of an order before its bill was there."""
    fate = fate.with_served(record.served, record.served_version)
    return fate.with_released(record.released_reason) if record.released_reason else fate


def _undone(fate: Fate) -> Fate:
    return fate if fate.undone else fate.with_undone(ORDER_UNDONE)
