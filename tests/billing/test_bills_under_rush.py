"""Everything at the same instant, with real commits: a bill says what its payment says, and stands once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from threading import Barrier
from typing import Any

from sqlalchemy import func, select, text

from clinic_web.billing import handlers
from clinic_web.billing.models import Allocation, BillingRecord, Invoice
from clinic_web.events.reception import VisitOpened
from clinic_web.kernel import delivery
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import Busy, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import Delivery
from clinic_web.kernel.unit_of_work import run_again, transaction
from clinic_web.payments import api as payments
from clinic_web.payments.models import Payment
from tests.billing.conftest import Shop, allocated, bill, compensation, hear, record, told
from tests.payments.conftest import open_bill, payment
from tests.threads import ThreadPoolExecutor

NOW = text("UPDATE kernel.deliveries SET due_at = now() WHERE state = 'DUE' AND queue = 'billing'")


def at_once(app: Any, acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do everything at the same instant, each in a thread and connection of its own."""
    line = Barrier(len(acts))

    def do(act: Callable[[], Any]) -> Any:
        with app.app_context():
            line.wait()
            try:
                return patiently(act)
            except (RuleBroken, StaleScreen) as refusal:
                return refusal
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(do, acts))


def patiently(act: Callable[[], Any]) -> Any:
    """Press again with the same key while the machine is too busy, as a person does."""
    for _ in range(30):
        try:
            return run_again(act)
        except Busy:
            db.session.rollback()
    raise AssertionError("nobody was served in a minute")


def take(shop: Shop, payment_id: Any, amount: str) -> Callable[[], Any]:
    farida, key = shop.cast.people["farida"].actor, str(new_id())
    return lambda: payments.take(
        farida, payment_id=payment_id, amount=Decimal(amount), method="CASH", key=key
    )


def back(shop: Shop, payment_id: Any, amount: str) -> Callable[[], Any]:
    mona, key = shop.cast.people["mona"].actor, str(new_id())
    return lambda: payments.refund(
        mona,
        payment_id=payment_id,
        amount=Decimal(amount),
        method="CASH",
        reason="Too much.",
        key=key,
    )


def deliver() -> None:
    """Deliver what is due, and what was put off because the machine was too busy."""
    while True:
        while delivery.deliver_next("billing"):
            pass
        with transaction():
            put_off = db.session.execute(NOW)
        if not put_off.rowcount:
            return


def agrees(payment_id: Any) -> Invoice:
    """The bill of a payment, which says what that says."""
    owed, made = payment(payment_id), bill(payment_id=payment_id)
    assert (made.paid_amount, made.balance_due) == (owed.kept, owed.balance_due)
    assert sum(allocated(made.id)) == owed.kept
    return made


def test_fifty_part_payments_and_the_bill_itself_race(real_shop: Shop, committing: Any) -> None:
    cast = real_shop.cast
    owed = open_bill(cast, "1000.00")
    event = VisitOpened(
        organization_id=cast.organization_id,
        facility_id=cast.facility_id,
        clinic_id=cast.dental,
        visit_id=owed.visit_id,
        payment_id=owed.payment_id,
        patient_id=owed.patient_id,
        service_id=cast.filling,
        total_amount=Decimal(1000),
    )
    parts = [take(real_shop, owed.payment_id, "20") for _ in range(50)]
    with ThreadPoolExecutor(2) as pool:
        paying = pool.submit(at_once, committing, [*parts, partial(hear, handlers.bill_visit, event)])
        while not paying.done():
            deliver()
        assert len(paying.result()) == 51
    deliver()
    made = agrees(owed.payment_id)
    assert made.status == "PAID" and len(allocated(made.id)) == 50
    assert db.session.scalar(select(func.count()).select_from(Delivery).filter_by(state="PARKED")) == 0


def test_deliveries_by_many_workers_twice_over(real_shop: Shop, committing: Any) -> None:
    asked = real_shop.billed()
    payment_id = bill(order_id=asked.order_id).payment_id
    for _ in range(20):
        take(real_shop, payment_id, "1")()
    at_once(committing, [deliver] * 6)
    made = agrees(payment_id)
    assert (made.status, len(allocated(made.id))) == ("PARTIALLY_PAID", 20)


def test_refund_against_refund(real_shop: Shop, committing: Any) -> None:
    asked = real_shop.billed()
    payment_id = bill(order_id=asked.order_id).payment_id
    take(real_shop, payment_id, "32.34")()
    at_once(committing, [back(real_shop, payment_id, "20") for _ in range(8)] + [deliver] * 2)
    deliver()
    assert agrees(payment_id).status == "PARTIALLY_REFUNDED"
    assert allocated(bill(payment_id=payment_id).id) == [Decimal("32.34"), Decimal(-20)]


def test_cancelled_while_it_is_billed_paid_and_asked_for_again(real_shop: Shop, committing: Any) -> None:
    for _ in range(8):
        asked = real_shop.order()
        at_once(
            committing,
            [partial(hear, handlers.bill_order, asked)] * 3
            + [partial(hear, handlers.undo_bill, compensation(asked))] * 2,
        )
        assert record(asked.order_id).reason == "CANCELLED"
        made = db.session.execute(select(Invoice).filter_by(order_id=asked.order_id)).scalar_one_or_none()
        assert made is None or made.status == "VOIDED"
        assert (
            db.session.scalar(select(func.count()).select_from(Payment).where(Payment.balance_due > 0)) == 0
        )
    assert len(told("order.unbilled")) == 16
    assert len(told("order.billed")) + len(told("order.billing_failed")) == 24
    assert db.session.scalar(select(func.count()).select_from(BillingRecord)) == 8
    assert db.session.scalar(select(func.count()).select_from(Allocation)) == 0


def test_the_same_request_at_once_bills_once(real_shop: Shop, committing: Any) -> None:
    asked = real_shop.order()
    at_once(committing, [partial(hear, handlers.bill_order, asked)] * 12)
    assert len(told("bill.generated")) == 1 and len(told("order.billed")) == 12
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1


def test_paid_while_it_is_undone(real_shop: Shop, committing: Any) -> None:
    for _ in range(6):
        asked = real_shop.billed()
        payment_id = bill(order_id=asked.order_id).payment_id
        at_once(
            committing,
            [
                take(real_shop, payment_id, "10"),
                partial(hear, handlers.undo_bill, compensation(asked)),
                deliver,
            ],
        )
        deliver()
        made = bill(payment_id=payment_id)
        assert made.status == ("REFUND_DUE" if payment(payment_id).amount_paid else "VOIDED")
        assert sum(allocated(made.id)) == payment(payment_id).kept
