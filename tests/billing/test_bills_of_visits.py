"""One bill per visit, whatever is told how often and in which order; it follows the visit and its money."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from clinic_web.audit.models import Change
from clinic_web.billing import handlers
from clinic_web.billing.models import Allocation, Invoice
from clinic_web.events.payments import PaymentReceived, PaymentRefunded
from clinic_web.events.reception import AppointmentBooked, VisitMoved, VisitOpened
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.payments import api as payments
from clinic_web.payments.models import PaymentTransaction
from clinic_web.reception.service import cancelling, holding
from tests.billing.conftest import allocated, bill, deliver_all, hear, lines, told
from tests.cast import Cast
from tests.payments.conftest import Bill, open_bill, payment
from tests.reception.desk import Desk, pay


def opened(cast: Cast, of: Bill) -> VisitOpened:
    return VisitOpened(
        organization_id=cast.organization_id,
        facility_id=cast.facility_id,
        clinic_id=cast.dental,
        visit_id=of.visit_id,
        payment_id=of.payment_id,
        patient_id=of.patient_id,
        service_id=cast.filling,
        total_amount=Decimal("600.00"),
    )


def received(cast: Cast, of: Bill) -> PaymentReceived:
    """As ``PaymentReceived`` tells of any movement: what moved stands in the payment, not here."""
    return PaymentReceived(
        organization_id=cast.organization_id,
        payment_id=of.payment_id,
        transaction_id=new_id(),
        patient_id=of.patient_id,
        amount=Decimal(1),
        currency="EGP",
        method="CASH",
        visit_id=of.visit_id,
    )


def refunded(cast: Cast, of: Bill) -> PaymentRefunded:
    return PaymentRefunded(**vars(received(cast, of)), is_whole=False)


@pytest.fixture
def farida(cast: Cast) -> Actor:
    return cast.people["farida"].actor


@pytest.fixture
def owed(cast: Cast) -> Bill:
    return open_bill(cast)


def take(actor: Actor, of: Bill, amount: str) -> UUID:
    taken = payments.take(
        actor, payment_id=of.payment_id, amount=Decimal(amount), method="CASH", key=str(new_id())
    )
    return taken.transaction_id


def give_back(actor: Actor, of: Bill, amount: str) -> None:
    payments.refund(
        actor,
        payment_id=of.payment_id,
        amount=Decimal(amount),
        method="CASH",
        reason="Too much.",
        key=str(new_id()),
    )


def test_a_visit_is_billed_once_with_the_line_of_its_payment(cast: Cast, owed: Bill) -> None:
    for _ in range(2):
        hear(handlers.bill_visit, opened(cast, owed))
    made = bill(visit_id=owed.visit_id)

    assert made.invoice_number.startswith("INV-") and made.payment_id == owed.payment_id
    assert (made.total_amount, made.balance_due, made.status) == (600, 600, "ISSUED")
    (line,) = lines(made.id)
    assert (line.item_name, line.unit_price, line.line_total) == ("Filling", 600, 600)
    (event,) = told("bill.generated")
    assert (event["invoice_id"], event["total_amount"]) == (str(made.id), "600.00")


def test_two_statements_bill_a_booking(cast: Cast, owed: Bill, count_queries: Callable[[], Any]) -> None:
    event = opened(cast, owed)
    with count_queries() as queries:
        hear(handlers.bill_visit, event)
    assert len([each for each in queries if "billing." in each or "payments." in each]) == 2


def test_money_is_allocated_in_any_order_and_also_before_the_bill(cast: Cast, farida: Actor) -> None:
    for order in permutations((handlers.bill_visit, handlers.allocate, handlers.allocate)):
        owed = open_bill(cast)
        events = {handlers.bill_visit: [opened(cast, owed)] * 2}
        take(farida, owed, "200")
        take(farida, owed, "250.50")
        give_back(farida, owed, "50.50")
        for handler in order:
            hear(handler, events.get(handler, [refunded(cast, owed)])[0])
        made = bill(visit_id=owed.visit_id)
        assert allocated(made.id) == [Decimal("250.50"), Decimal(200), Decimal("-50.50")]
        assert made.paid_amount == payment(owed.payment_id).kept == 400
        assert (made.status, made.balance_due) == ("PARTIALLY_REFUNDED", 0)


def test_a_corrected_receipt_is_allocated_as_it_should_have_been(
    cast: Cast, owed: Bill, farida: Actor
) -> None:
    mona = cast.people["mona"].actor
    hear(handlers.bill_visit, opened(cast, owed))
    wrong = take(farida, owed, "600")
    hear(handlers.allocate, received(cast, owed))
    payments.correct(
        mona, transaction_id=wrong, amount=Decimal(60), method="CASH", reason="A nought", key="k"
    )
    hear(handlers.allocate, refunded(cast, owed))
    made = bill(visit_id=owed.visit_id)

    assert allocated(made.id) == [600, 60, -600] and made.paid_amount == 60
    assert (made.status, made.balance_due, made.paid_date) == ("PARTIALLY_PAID", 540, None)
    kinds = select(Allocation.allocation_type).order_by(Allocation.allocated_amount.desc())
    assert list(db.session.scalars(kinds)) == ["PAYMENT", "PAYMENT", "CORRECTION"]


def test_an_unpaid_bill_follows_the_visit_to_another_price(cast: Cast, owed: Bill) -> None:
    hear(handlers.bill_visit, opened(cast, owed))
    terms = payments.NewTerms(
        clinic_id=cast.dental,
        doctor_id=cast.karim,
        service_id=cast.cleaning,
        ticket=None,
        total_amount=Decimal(450),
        currency="EGP",
        share_percent=Decimal(60),
        share_rule_version=1,
    )
    payments.move_for_visit(cast.people["amina"].actor, owed.visit_id, terms)
    moved = VisitMoved(
        organization_id=cast.organization_id,
        visit_id=owed.visit_id,
        patient_id=owed.patient_id,
        from_clinic_id=cast.dental,
        clinic_id=cast.dental,
        service_id=cast.cleaning,
        total_amount=Decimal(450),
    )
    hear(handlers.bill_visit, moved)
    made = bill(visit_id=owed.visit_id)

    assert (made.total_amount, made.subtotal, made.doctor_id) == (450, 450, cast.karim)
    assert [(each.item_name, each.line_total) for each in lines(made.id)] == [("Cleaning", 450)]


def test_from_the_desk_to_the_bill_and_off(desk: Desk) -> None:
    """Booked, cancelled; walked in, missed, came after all: with nothing paid the bill is void and back."""
    booked = desk.book()
    deliver_all()
    assert bill(visit_id=booked.visit_id).status == "ISSUED"
    cancelling.cancel_visit(desk.amina, booked.visit_id, "ill", version=desk.visit(booked.visit_id).version)
    deliver_all()
    off = bill(visit_id=booked.visit_id)
    assert (off.status, off.undone_reason, off.balance_due) == ("VOIDED", "VISIT_OFF", 0)
    assert [each["refund_due"] for each in told("bill.voided")] == ["0.00"]
    change = db.session.execute(select(Change).filter_by(resource_id=off.id)).scalar_one()
    assert change.action == "bill.void" and change.new_values == {
        "status": "VOIDED",
        "total_amount": "450.00",
        "paid_amount": "0.00",
        "reason": "VISIT_OFF",
    }

    visit = desk.visit_in("CALLED")
    holding.miss(desk.amina, visit.id, version=visit.version)
    deliver_all()
    assert bill(visit_id=visit.id).status == "VOIDED"
    holding.came_after_all(desk.amina, visit.id, version=desk.visit(visit.id).version)
    deliver_all()
    assert (bill(visit_id=visit.id).status, bill(visit_id=visit.id).off_at) == ("ISSUED", None)
    assert db.session.scalar(select(func.count()).select_from(Invoice)) == 2


def test_what_was_paid_for_a_visit_that_is_off_waits_for_a_person(desk: Desk) -> None:
    visit = desk.visit_in("SCHEDULED")
    pay(desk, visit)
    cancelling.cancel_visit(desk.amina, visit.id, "ill", version=visit.version)
    deliver_all()
    due = bill(visit_id=visit.id)
    assert (due.status, due.paid_amount) == ("REFUND_DUE", 450)
    assert told("bill.voided")[0]["refund_due"] == "450.00"

    give_back(desk.cast.people["mona"].actor, Bill(due.payment_id, visit.id, visit.patient_id), "450")
    deliver_all()
    assert (bill(visit_id=visit.id).status, bill(visit_id=visit.id).paid_amount) == ("REFUNDED", 0)
    assert len(told("bill.voided")) == 1


def test_who_paid_and_came_after_all_has_paid(desk: Desk) -> None:
    visit = desk.visit_in("CALLED")
    pay(desk, visit)
    holding.miss(desk.amina, visit.id, version=desk.visit(visit.id).version)
    deliver_all()
    assert bill(visit_id=visit.id).status == "REFUND_DUE"
    holding.came_after_all(desk.amina, visit.id, version=desk.visit(visit.id).version)
    deliver_all()
    assert bill(visit_id=visit.id).status == "PAID"


def test_a_cancellation_that_is_heard_before_the_booking_leaves_one_void_bill(desk: Desk) -> None:
    booked = desk.book()
    cancelling.cancel_visit(desk.amina, booked.visit_id, "ill", version=desk.visit(booked.visit_id).version)
    from clinic_web.events.reception import VisitCancelled

    off = VisitCancelled(
        organization_id=desk.cast.organization_id,
        clinic_id=desk.cast.dental,
        visit_id=booked.visit_id,
        patient_id=desk.visit(booked.visit_id).patient_id,
    )
    hear(handlers.close_or_reopen, off)
    deliver_all()
    assert bill(visit_id=booked.visit_id).status == "VOIDED"
    assert AppointmentBooked.TOPIC and len(told("bill.generated")) == len(told("bill.voided")) == 1


def test_a_claim_given_up_by_hand_and_taken_up_again(cast: Cast, owed: Bill) -> None:
    hear(handlers.bill_visit, opened(cast, owed))
    mona = cast.people["mona"].actor
    payments.void(mona, owed.payment_id, "A colleague's child.")
    deliver_all(["billing"])
    assert bill(visit_id=owed.visit_id).status == "VOIDED"
    payments.reopen(mona, owed.payment_id)
    deliver_all(["billing"])
    assert bill(visit_id=owed.visit_id).status == "ISSUED"


def test_a_refused_card_leaves_a_row_and_no_money(cast: Cast, owed: Bill, farida: Actor) -> None:
    refusal = payments.Refusal(
        payment_id=owed.payment_id, amount=Decimal(600), method="VISA", reason="DECLINED", key="try-1"
    )
    assert payments.note_failure(farida, refusal) is not None
    assert payments.note_failure(farida, refusal) is None

    row = db.session.execute(select(PaymentTransaction).filter_by(status="FAILED")).scalar_one()
    assert (row.applied_amount, row.receipt_sequence, row.reason) == (0, None, "DECLINED")
    assert payment(owed.payment_id).status == "PENDING"
    assert [each["reason"] for each in told("payment.failed")] == ["DECLINED"]
    take(farida, owed, "600")
    hear(handlers.bill_visit, opened(cast, owed))
    assert allocated(bill(visit_id=owed.visit_id).id) == [600]
