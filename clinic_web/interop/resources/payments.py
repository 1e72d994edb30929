"""Payments: what is owed, money that comes in and goes back, claims that are given up."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from clinic_web.interop.endpoint import Answer, Call, endpoint
from clinic_web.interop.errors import Misshapen, Wrong
from clinic_web.interop.resources import lists
from clinic_web.interop.shapes import money as shapes
from clinic_web.interop.shapes.common import Page, Sum, money
from clinic_web.interop.shapes.reception import Because
from clinic_web.kernel.actor import Actor
from clinic_web.payments import api as payments
from clinic_web.payments.api import Movement, PlainPayment

TAG = "Payments"


def version_of(who: Actor, payment_id: UUID) -> int:
    return payments.plain_payment(who, payment_id).version


@endpoint(
    "GET",
    "/payments",
    tag=TAG,
    scope="payment.view",
    query=shapes.PaymentsAsked,
    answers=Page[shapes.Payment],
)
def payments_list(call: Call) -> Answer:
    """List payments, those that moved last (or are due last) first.

    Those of the token's facility. Who asks for one patient's needs to be let into that chart.
    """
    asked = lists.asked(call.who, call.query, payments.PAYMENTS_ASK)
    found = payments.plain_payments(call.who, asked, call.query.limit)
    lists.saw(call.who, "payment.list", "payment", [row.id for row in found[0]])
    return lists.page(call, found, _payment, Page[shapes.Payment])


@endpoint(
    "GET",
    "/payments/<uuid:payment_id>",
    tag=TAG,
    scope="payment.view",
    answers=shapes.Payment,
    shows=True,
    of=version_of,
)
def payment(call: Call, payment_id: UUID) -> Answer:
    """Read a payment."""
    lists.saw_one(call.who, "payment.view", "payment", payment_id)
    return _shown(call.who, payment_id)


@endpoint(
    "GET",
    "/payments/<uuid:payment_id>/receipts",
    tag=TAG,
    scope="payment.view",
    answers=shapes.Receipts,
    of=version_of,
)
def receipts(call: Call, payment_id: UUID) -> Answer:
    """List what came in and went back of a payment, the oldest first."""
    lists.saw_one(call.who, "payment.view", "payment", payment_id)
    currency = payments.plain_payment(call.who, payment_id).currency
    made = payments.movements_for(call.who, payment_id)
    return Answer(shape=shapes.Receipts(items=[_movement(each, payment_id, currency) for each in made]))


@endpoint(
    "POST",
    "/payments/<uuid:payment_id>/receipts",
    tag=TAG,
    scope="payment.take",
    body=shapes.NewReceipt,
    answers=shapes.Receipt,
    creates=True,
    of=version_of,
    refuses=(409,),
)
def take_payment(call: Call, payment_id: UUID) -> Answer:
    """Take money for a payment: one movement, one receipt."""
    asked: shapes.NewReceipt = call.body
    currency = payments.plain_payment(call.who, payment_id).currency
    taken = payments.take(
        call.who,
        payment_id=payment_id,
        amount=_in(currency, asked.amount, "amount"),
        method=asked.method,
        handed_over=_in(currency, asked.handed_over, "handed_over") if asked.handed_over else None,
        key=f"api:{call.key}",
    )
    return _answer(taken)


@endpoint(
    "POST",
    "/payments/<uuid:payment_id>/refunds",
    tag=TAG,
    scope="payment.refund",
    body=shapes.NewRefund,
    answers=shapes.Receipt,
    creates=True,
    of=version_of,
    refuses=(409,),
)
def refund_payment(call: Call, payment_id: UUID) -> Answer:
    """Give money back. That closes the claim: nothing is owed after it."""
    asked: shapes.NewRefund = call.body
    currency = payments.plain_payment(call.who, payment_id).currency
    given = payments.refund(
        call.who,
        payment_id=payment_id,
        amount=_in(currency, asked.amount, "amount"),
        method=asked.method,
        reason=asked.reason,
        key=f"api:{call.key}",
    )
    return _answer(given)


@endpoint(
    "POST",
    "/payments/<uuid:payment_id>/void",
    tag=TAG,
    scope="payment.void",
    body=Because,
    answers=shapes.Payment,
    changes=True,
    shows=True,
    of=version_of,
)
def void_payment(call: Call, payment_id: UUID) -> Answer:
    """Give a claim up of which nothing was paid."""
    payments.void(call.who, payment_id, call.body.reason, version=call.version)
    return _shown(call.who, payment_id)


def _in(currency: str, asked: Sum, field: str) -> Decimal:
    """Return the amount. Raises Misshapen (422) where it is of another currency than the payment."""
    if asked.currency != currency:
        raise Misshapen([Wrong("pointer", f"/{field}/currency", f"This payment is in {currency}.")])
    return asked.value


def _shown(who: Actor, payment_id: UUID) -> Answer:
    row = payments.plain_payment(who, payment_id)
    return Answer(shape=_payment(row), version=row.version)


def _payment(row: PlainPayment) -> shapes.Payment:
    sums = {
        "total": row.total_amount,
        "paid": row.amount_paid,
        "refunded": row.amount_refunded,
        "left": row.balance_due,
    }
    return shapes.Payment.model_validate(
        vars(row) | {name: money(amount, row.currency) for name, amount in sums.items()}
    )


def _movement(made: Movement, payment_id: UUID, currency: str) -> shapes.Receipt:
    return shapes.Receipt.model_validate(
        {
            "id": made.id,
            "payment_id": payment_id,
            "kind": made.kind,
            "number": made.receipt_number or made.payment_number,
            "method": made.method,
            "amount": money(made.amount, currency),
            "at": made.at,
        }
    )


def _answer(receipt: payments.Receipt) -> Answer:
    shape = shapes.Receipt.model_validate(
        {
            "id": receipt.transaction_id,
            "payment_id": receipt.payment_id,
            "kind": receipt.kind,
            "number": receipt.number,
            "method": receipt.method,
            "amount": money(receipt.amount, receipt.currency),
            "at": receipt.taken_at,
        }
    )
    return Answer(shape=shape, location=f"/api/v1/payments/{receipt.payment_id}/receipts")
