"""An order is billed once, or refused once, or undone: every request gets its answer, and one effect."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import func, select

from clinic_web.billing import handlers
from clinic_web.billing.models import Invoice
from clinic_web.billing.rules import line_total
from clinic_web.billing.service import deciding
from clinic_web.events.lab import LabReleased
from clinic_web.events.orders import BillingRequested
from clinic_web.events.pharmacy import PrescriptionDispensed, ReservationExpired, StockReleased
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.payments import api as payments
from tests.billing.conftest import (
    Shop,
    allocated,
    bill,
    compensation,
    deliver_all,
    hear,
    lines,
    of_order,
    record,
    told,
)
from tests.payments.conftest import legs, payment


def pay(shop: Shop, asked: BillingRequested, amount: str) -> Any:
    farida = shop.cast.people["farida"].actor
    owed = bill(order_id=asked.order_id)
    taken = payments.take(
        farida, payment_id=owed.payment_id, amount=Decimal(amount), method="CASH", key=str(new_id())
    )
    deliver_all(["billing"])
    return taken


def dispensed(asked: BillingRequested, with_patient: str, version: int = 2) -> PrescriptionDispensed:
    return PrescriptionDispensed(
        **vars(of_order(StockReleased, asked)),
        dispensing_id=new_id(),
        is_whole=with_patient == "WHOLE",
        undoes_id=new_id() if with_patient == "NONE" else None,
        with_patient=with_patient,
        version=version,
    )


def test_lines_are_priced_by_the_charge_master_and_add_up(shop: Shop) -> None:
    asked = shop.billed()
    made = bill(order_id=asked.order_id)

    assert [(each.item_name, each.unit_price, each.line_total) for each in lines(made.id)] == [
        ("Paracetamol", Decimal("1.2345"), Decimal("12.34")),  # 12.345, half-even
        ("Syrup", Decimal(10), Decimal(20)),
    ]
    assert (made.total_amount, made.balance_due, made.status) == (
        Decimal("32.34"),
        Decimal("32.34"),
        "ISSUED",
    )
    assert (made.invoice_type, made.prescription_id, made.currency) == ("PRESCRIPTION", asked.order_id, "EGP")
    owed = payment(made.payment_id)
    assert (owed.payable, owed.reference, owed.total_amount) == (
        "PRESCRIPTION",
        made.invoice_number,
        made.total_amount,
    )
    assert owed.share_percent == 0 and owed.visit_id is None
    assert record(asked.order_id).status == "COMPLETED"
    (answer,) = told("order.billed")
    assert (answer["payment_id"], answer["total_amount"]) == (str(made.payment_id), "32.34")


@pytest.mark.parametrize(("price", "cents"), [("0.0050", "0.00"), ("0.0150", "0.02"), ("0.0051", "0.01")])
def test_half_a_cent_goes_to_the_even_one(price: str, cents: str) -> None:
    assert line_total(Decimal(1), Decimal(price)) == Decimal(cents)


def test_three_statements_bill_an_order(shop: Shop, count_queries: Callable[[], Any]) -> None:
    asked = shop.order()
    with count_queries() as queries:
        hear(handlers.bill_order, asked)
    assert len([each for each in queries if "kernel." not in each and "organization" not in each[:40]]) == 3


def test_a_repeated_request_repeats_its_answer_and_nothing_else(shop: Shop) -> None:
    asked = shop.billed()
    hear(handlers.bill_order, asked)

    assert len(told("bill.generated")) == 1
    first, again = told("order.billed")
    assert first == again
    assert db.session.scalar(select(func.count()).select_from(Invoice)) == 1


def test_what_has_no_price_is_not_billed_at_all(shop: Shop) -> None:
    asked = shop.order((shop.syrup, "1"), (shop.unpriced, "1"))
    for _ in range(2):
        hear(handlers.bill_order, asked)

    answers = told("order.billing_failed")
    assert [(each["reason"], each["line_id"]) for each in answers] == [
        ("NO_PRICE", str(asked.lines[1].line_id))
    ] * 2
    assert (record(asked.order_id).status, record(asked.order_id).reason) == ("FAILED", "NO_PRICE")
    hear(handlers.undo_bill, compensation(asked))
    assert told("order.unbilled")[0]["refund_due"] == "0.00"


def test_the_centre_alone_earns_what_an_order_costs(shop: Shop) -> None:
    asked = shop.billed((shop.blood, "2"), order_type="LAB")
    taken = pay(shop, asked, "191")

    assert legs(taken.transaction_id) == {"DRAWER": Decimal(191), "CENTRE_INCOME": Decimal(-191)}
    made = bill(order_id=asked.order_id)
    assert (made.status, allocated(made.id), made.prescription_id) == ("PAID", [191], None)


def test_an_unpaid_order_is_undone_with_its_payment_and_answered_each_time(shop: Shop) -> None:
    asked = shop.billed()
    for attempt in (1, 2):
        hear(handlers.undo_bill, compensation(asked, attempt=attempt))
    hear(handlers.undo_bill, compensation(asked, step="RESERVE"))

    made = bill(order_id=asked.order_id)
    assert (made.status, made.undone_reason) == ("VOIDED", "ORDER_UNDONE")
    assert payment(made.payment_id).is_void
    assert [each["refund_due"] for each in told("order.unbilled")] == ["0.00", "0.00"]
    assert len(told("bill.voided")) == 1
    with pytest.raises(StaleScreen, match="order is off"):
        payments.reopen(shop.cast.people["mona"].actor, made.payment_id)
    hear(handlers.bill_order, asked)  # told again, too late
    assert told("order.billing_failed")[-1]["reason"] == "CANCELLED"


def test_a_tombstone_meets_the_request_that_comes_late(shop: Shop) -> None:
    asked = shop.order()
    hear(handlers.undo_bill, compensation(asked))
    hear(handlers.bill_order, asked)

    assert [each["reason"] for each in told("order.billing_failed")] == ["CANCELLED"]
    assert len(told("order.unbilled")) == 1 and not told("bill.generated")


def test_what_was_paid_for_an_undone_order_waits_for_a_person(shop: Shop) -> None:
    asked = shop.billed()
    pay(shop, asked, "20")
    hear(handlers.undo_bill, compensation(asked))

    made = bill(order_id=asked.order_id)
    assert (made.status, made.paid_amount, made.balance_due) == ("REFUND_DUE", 20, 0)
    assert told("order.unbilled")[0]["refund_due"] == told("bill.voided")[0]["refund_due"] == "20.00"


@pytest.mark.parametrize("event", [StockReleased, ReservationExpired, LabReleased])
def test_what_nobody_came_for_is_void_or_a_refund_is_due(shop: Shop, event: type[Any]) -> None:
    unpaid, paid = shop.billed(), shop.billed()
    pay(shop, paid, "32.34")
    for asked in (unpaid, paid):
        hear(handlers.void_released, of_order(event, asked))

    assert bill(order_id=unpaid.order_id).status == "VOIDED"
    assert bill(order_id=paid.order_id).status == "REFUND_DUE"
    hear(handlers.void_released, of_order(event, shop.order()))  # never billed: nothing to void


@pytest.mark.parametrize("event", [StockReleased, ReservationExpired, LabReleased])
def test_what_was_released_before_it_was_billed_is_void_from_the_start(shop: Shop, event: type[Any]) -> None:
    asked = shop.order()
    for _ in range(2):
        hear(handlers.void_released, of_order(event, asked))
    assert record(asked.order_id).status == "PENDING"
    hear(handlers.bill_order, asked)
    made = bill(order_id=asked.order_id)
    assert (made.status, made.balance_due, payment(made.payment_id).is_void) == ("VOIDED", 0, True)
    assert (record(asked.order_id).status, len(told("order.billed"))) == ("COMPLETED", 1)


@pytest.mark.parametrize("is_released_first", [True, False])
@pytest.mark.parametrize(("is_whole", "paid", "status"), [
    (True, "0", "ISSUED"), (False, "0", "ISSUED"), (True, "32.34", "PAID"), (False, "32.34", "REFUND_DUE"),
])  # fmt: skip
def test_what_was_handed_over_is_owed_in_whichever_order_it_is_told(
    shop: Shop, is_released_first: bool, is_whole: bool, paid: str, status: str
) -> None:
    asked = shop.billed()
    if Decimal(paid):
        pay(shop, asked, paid)
    acts = [
        lambda: hear(handlers.note_served, dispensed(asked, "WHOLE" if is_whole else "PART")),
        lambda: hear(handlers.void_released, of_order(StockReleased, asked)),
    ]
    for act in reversed(acts) if is_released_first else acts:
        act()
    deliver_all(["billing"])
    made = bill(order_id=asked.order_id)
    assert made.status == status
    assert payment(made.payment_id).status == ("PENDING" if status == "ISSUED" else "PAID")


@pytest.mark.parametrize(("paid", "status"), [("0", "VOIDED"), ("20", "REFUND_DUE")])
@pytest.mark.parametrize("order", list(permutations(("handed over", "put back", "over"))), ids=", ".join)
def test_what_was_put_back_is_owed_as_if_it_had_never_been_handed_over(
    shop: Shop, order: tuple[str, ...], paid: str, status: str
) -> None:
    """In whichever order it is told, and told twice."""
    asked = shop.billed()
    if Decimal(paid):
        pay(shop, asked, paid)
    words: dict[str, tuple[Any, Any]] = {
        "handed over": (handlers.note_served, dispensed(asked, "WHOLE", 2)),
        "put back": (handlers.note_served, dispensed(asked, "NONE", 3)),
        "over": (handlers.void_released, of_order(ReservationExpired, asked)),
    }
    for word in (*order, *order):
        hear(*words[word])
    deliver_all(["billing"])
    made = bill(order_id=asked.order_id)
    assert (made.status, made.served, made.served_version, made.balance_due) == (status, None, 3, 0)
    owed = payment(made.payment_id)
    assert owed.is_void == (status == "VOIDED")
    if paid == "20":  # the rest of what a part was paid for is waived by who keeps the part
        deciding.keep(shop.cast.people["mona"].actor, made.id, "As agreed.")
        assert payment(made.payment_id).balance_due == 0


def test_a_part_that_is_put_back_later_and_handed_over_anew(shop: Shop) -> None:
    asked = shop.billed()
    hear(handlers.note_served, dispensed(asked, "WHOLE", 6))
    for with_patient, version in (("PART", 2), ("NONE", 4)):
        hear(handlers.note_served, dispensed(asked, with_patient, version))  # late
    hear(handlers.void_released, of_order(StockReleased, asked))

    made = bill(order_id=asked.order_id)
    assert (made.status, made.served, made.served_version) == ("ISSUED", "WHOLE", 6)


def test_what_costs_nothing_is_paid_from_the_start(shop: Shop) -> None:
    asked = shop.billed((shop.paracetamol, "0.001"))
    made = bill(order_id=asked.order_id)
    assert (made.total_amount, made.status, made.paid_date) == (0, "PAID", made.invoice_date)
    assert payment(made.payment_id).status == "PAID"


@pytest.mark.parametrize(("words", "status"), [
    ([("WHOLE", 2)], "ISSUED"),
    ([("NONE", 3), ("WHOLE", 2)], "VOIDED"),
    ([("WHOLE", 2), ("NONE", 3)], "VOIDED"),
])  # fmt: skip
def test_what_was_handed_over_before_it_was_billed_is_kept_for_the_bill(
    shop: Shop, words: list[tuple[str, int]], status: str
) -> None:
    asked = shop.order()
    for with_patient, version in words:
        hear(handlers.note_served, dispensed(asked, with_patient, version))
    assert record(asked.order_id).status == "PENDING"
    hear(handlers.bill_order, asked)
    hear(handlers.void_released, of_order(StockReleased, asked))
    assert bill(order_id=asked.order_id).status == status
    assert (record(asked.order_id).status, len(told("order.billed"))) == ("COMPLETED", 1)

    undone = shop.order()
    hear(handlers.note_served, dispensed(undone, "PART"))
    hear(handlers.undo_bill, compensation(undone))
    hear(handlers.bill_order, undone)
    assert told("order.billing_failed")[-1]["reason"] == "CANCELLED"
    assert (record(undone.order_id).status, record(undone.order_id).reason) == ("FAILED", "CANCELLED")
