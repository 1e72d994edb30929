"""Giving money back: how much, by whom, why; whose shares shrink; what is told and kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from clinic_web.audit.models import AccessLog, Change
from clinic_web.identity import api as identity
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import DomainEvent
from clinic_web.payments import api
from clinic_web.payments.api import Receipt
from clinic_web.payments.service import limits
from tests.cast import Cast
from tests.payments.conftest import Bill, Opens, legs, movements, payment

WHY = "The treatment was cut short."


@pytest.fixture
def farida(cast: Cast) -> Actor:
    return cast.people["farida"].actor


@pytest.fixture
def mona(cast: Cast) -> Actor:
    return cast.people["mona"].actor


@pytest.fixture
def paid(farida: Actor, bill: Bill) -> Bill:
    """600.00 in cash, of which 360.00 are the doctor's."""
    api.take(farida, payment_id=bill.payment_id, amount=Decimal(600), method="CASH", key="taken")
    return bill


def refund(actor: Actor, bill: Bill, amount: str, **fields: Any) -> Receipt:
    asked = {"method": "CASH", "reason": WHY, "key": str(new_id())} | fields
    return api.refund(actor, payment_id=bill.payment_id, amount=Decimal(amount), **asked)


def test_a_part_goes_back_with_a_receipt_of_its_own(farida: Actor, paid: Bill) -> None:
    receipt = refund(farida, paid, "200")

    found = payment(paid.payment_id)
    assert (found.status, found.amount_refunded, found.balance_due) == ("PARTIALLY_REFUNDED", 200, 0)
    assert (found.doctor_share, found.center_share) == (Decimal(240), Decimal(160))
    assert (receipt.is_refund, receipt.amount, receipt.reason) == (True, Decimal(200), WHY)
    assert (receipt.doctor_share, receipt.center_share) == (Decimal(-120), Decimal(-80))
    assert receipt.payment_number.startswith("REF-")
    assert legs(receipt.transaction_id) == {
        "DRAWER": Decimal(-200),
        "DOCTOR_PAYABLE": Decimal(120),
        "CENTRE_INCOME": Decimal(80),
    }


def test_the_whole_goes_back_in_parts_and_the_last_takes_the_remainder(mona: Actor, opens: Opens) -> None:
    bill = opens("100.01", share_percent=Decimal("33.33"), service_id=None)
    api.take(mona, payment_id=bill.payment_id, amount=Decimal("100.01"), method="CASH", key="taken")

    parts = [refund(mona, bill, amount) for amount in ("33.33", "33.33", "33.34", "0.01")]

    found = payment(bill.payment_id)
    assert (found.status, found.doctor_share, found.center_share) == ("REFUNDED", 0, 0)
    assert sum(each.doctor_share for each in parts) == Decimal("-33.33")
    assert sum(each.doctor_share + each.center_share for each in parts) == Decimal("-100.01")
    assert all(sum(legs(each.transaction_id).values()) == 0 for each in parts)


def test_a_refund_may_go_another_way_than_the_money_came(mona: Actor, paid: Bill) -> None:
    receipt = refund(mona, paid, "600", method="BANK_TRANSFER")

    assert legs(receipt.transaction_id)["BANK"] == Decimal(-600)
    assert payment(paid.payment_id).status == "REFUNDED"


def test_who_paid_a_part_and_gets_some_of_it_back_owes_nothing_more(farida: Actor, bill: Bill) -> None:
    api.take(farida, payment_id=bill.payment_id, amount=Decimal(300), method="CASH", key="taken")
    receipt = refund(farida, bill, "100")

    assert payment(bill.payment_id).status == "PARTIALLY_REFUNDED"
    assert receipt.left_to_pay == 0
    with pytest.raises(StaleScreen):
        api.take(farida, payment_id=bill.payment_id, amount=Decimal(1), method="CASH", key="more")


@pytest.mark.parametrize(
    ("amount", "fields", "field"),
    [
        ("0", {}, "amount"),
        ("-1", {}, "amount"),
        ("0.001", {}, "amount"),
        ("NaN", {}, "amount"),
        ("600.01", {}, "amount"),
        ("200", {"method": "INSURANCE"}, "method"),
        ("200", {"reason": "  "}, "reason"),
        ("200", {"reason": "x" * 301}, "reason"),
    ],
)
def test_wrong_values_are_refused_at_their_field(
    mona: Actor, paid: Bill, amount: str, fields: dict[str, str], field: str
) -> None:
    with pytest.raises(RuleBroken) as refusal:
        refund(mona, paid, amount, **fields)

    assert refusal.value.field == field
    assert len(movements(paid.payment_id)) == 1


def test_what_was_not_paid_or_went_back_already_does_not_go_back(mona: Actor, bill: Bill) -> None:
    with pytest.raises(StaleScreen, match="Nothing that was paid"):
        refund(mona, bill, "1")
    api.take(mona, payment_id=bill.payment_id, amount=Decimal(600), method="CASH", key="taken")
    refund(mona, bill, "600")
    with pytest.raises(StaleScreen, match="Nothing that was paid"):
        refund(mona, bill, "1")


def test_a_cashier_has_a_limit_for_each_payment_and_a_manager_none(
    farida: Actor, mona: Actor, paid: Bill
) -> None:
    refund(farida, paid, "300")
    with pytest.raises(RuleBroken, match="A manager") as refusal:
        refund(farida, paid, "200.01")  # together more than 500.00
    assert refusal.value.values == {"limit": Decimal("500.00")}
    refund(mona, paid, "300")
    assert payment(paid.payment_id).status == "REFUNDED"


def test_the_limit_is_the_roles_own_before_the_organizations(farida: Actor, mona: Actor, cast: Cast) -> None:
    [cashier] = [role.id for role in identity.roles_of_tenant(mona) if role.name == "cashier"]
    assert (limits.limit_of(farida), limits.limit_of(mona)) == (Decimal("500.00"), None)
    limits.set_limit(mona, None, Decimal(50))
    assert limits.limit_of(farida) == Decimal(50)
    limits.set_limit(mona, cashier, Decimal("75.50"))
    limits.set_limit(mona, cashier, Decimal(80))
    assert limits.limit_of(farida) == Decimal(80)
    limits.set_limit(mona, cashier, None)
    assert limits.limit_of(farida) == Decimal(50)
    assert limits.limits(cast.people["omar"].actor) == {}
    kept = db.session.scalars(db.select(Change).filter_by(action="payment.refund_limit")).all()
    assert [(each.old_values, each.new_values) for each in kept if each.resource_id == cashier][1] == (
        {"amount": "75.50"},
        {"amount": "80"},
    )
    with pytest.raises(NotFound):
        limits.set_limit(mona, new_id(), Decimal(1))


def test_one_press_gives_back_once(farida: Actor, paid: Bill) -> None:
    first = refund(farida, paid, "200", key="one-press")
    assert refund(farida, paid, "200", key="one-press") == first
    with pytest.raises(RuleBroken, match="other values"):
        refund(farida, paid, "100", key="one-press")
    with pytest.raises(BadRequest):
        refund(farida, paid, "100", key=None)
    assert payment(paid.payment_id).amount_refunded == 200


def test_a_payment_of_another_tenant_does_not_exist(paid: Bill, cast: Cast) -> None:
    omar = cast.people["omar"].actor
    movement_id = movements(paid.payment_id)[0].id
    tenant.enter(omar.organization_id)
    with pytest.raises(NotFound):
        refund(omar, paid, "1")
    with pytest.raises(NotFound):
        correct(omar, movement_id, "500")
    with pytest.raises(NotFound):
        api.void(omar, paid.payment_id, WHY)


def test_others_hear_of_it_and_it_is_kept_who_did_what(farida: Actor, paid: Bill) -> None:
    refund(farida, paid, "200")

    [event] = told(paid, "payment.refunded")
    assert (event["amount"], event["is_whole"], event["corrects_id"]) == ("200.00", False, None)
    assert event["visit_id"] == str(paid.visit_id) and WHY not in str(event)
    change = db.session.scalars(db.select(Change).filter_by(action="payments.refund")).one()
    assert change.old_values is not None and change.new_values is not None
    assert (change.old_values["doctor_share"], change.new_values["doctor_share"]) == ("360.00", "240.00")
    assert (change.new_values["reason"], change.user_id) == (WHY, farida.user_id)
    assert "payments.refund" in db.session.scalars(db.select(AccessLog.action)).all()


def told(bill: Bill, topic: str) -> list[dict[str, Any]]:
    found = db.select(DomainEvent.event_data).filter_by(aggregate_id=bill.payment_id, event_type=topic)
    return list(db.session.scalars(found.order_by(DomainEvent.sequence_number)))


# ---- Corrections ----


def correct(actor: Actor, transaction_id: UUID, amount: str, **fields: Any) -> Receipt:
    asked = {"method": "CASH", "reason": "Typed wrongly.", "key": str(new_id())} | fields
    return api.correct(actor, transaction_id=transaction_id, amount=Decimal(amount), **asked)


def test_a_wrong_method_is_a_refund_and_a_new_receipt_with_links(mona: Actor, paid: Bill) -> None:
    [wrong] = movements(paid.payment_id)
    receipt = correct(mona, wrong.id, "600", method="VISA")

    _, back, right = movements(paid.payment_id)
    assert (back.kind, back.reverses_id, back.payment_method) == ("REFUND", wrong.id, "CASH")
    assert (right.kind, right.replaces_id, right.payment_method) == ("RECEIPT", wrong.id, "VISA")
    assert (receipt.transaction_id, receipt.replaces_id) == (right.id, wrong.id)
    found = payment(paid.payment_id)
    assert (found.status, found.amount_paid, found.amount_refunded) == ("PAID", 600, 0)
    assert (found.doctor_share, found.center_share) == (Decimal(360), Decimal(240))
    assert legs(back.id)["DRAWER"] == -600 and legs(right.id)["CARD"] == 600
    assert len(told(paid, "payment.completed")) == 1  # it was paid before, and still is
    assert [each["corrects_id"] for each in told(paid, "payment.refunded")] == [str(wrong.id)]


def test_a_wrong_amount_leaves_what_is_owed(mona: Actor, paid: Bill) -> None:
    [wrong] = movements(paid.payment_id)
    correct(mona, wrong.id, "250.50")

    found = payment(paid.payment_id)
    assert (found.status, found.balance_due, found.paid_at) == ("PARTIALLY_PAID", Decimal("349.50"), None)
    assert found.doctor_share == Decimal("150.30")


def test_money_that_was_never_taken_is_taken_back_alone(mona: Actor, paid: Bill) -> None:
    [wrong] = movements(paid.payment_id)
    receipt = correct(mona, wrong.id, "0")

    found = payment(paid.payment_id)
    assert (receipt.is_refund, receipt.reverses_id, receipt.left_to_pay) == (True, wrong.id, Decimal(600))
    assert (found.status, found.balance_due, found.doctor_share) == ("PENDING", 600, 0)
    assert found.shares_frozen_at is None  # the rule that stands when money really comes divides it


def test_what_is_right_or_corrected_or_refunded_is_not_corrected(mona: Actor, paid: Bill) -> None:
    [wrong] = movements(paid.payment_id)
    with pytest.raises(RuleBroken, match="says already"):
        correct(mona, wrong.id, "600")
    with pytest.raises(RuleBroken, match="left to pay"):
        correct(mona, wrong.id, "601")
    right = correct(mona, wrong.id, "500", key="one-press")
    assert correct(mona, wrong.id, "500", key="one-press") == right
    with pytest.raises(StaleScreen, match="corrected meanwhile"):
        correct(mona, wrong.id, "400")
    back = movements(paid.payment_id)[1]
    with pytest.raises(RuleBroken, match="taken here"):
        correct(mona, back.id, "400")
    refund(mona, paid, "1")
    with pytest.raises(StaleScreen, match="given back meanwhile"):
        correct(mona, right.transaction_id, "400")


def test_a_cashier_corrects_within_the_limit(farida: Actor, paid: Bill, opens: Opens) -> None:
    with pytest.raises(RuleBroken, match="A manager"):
        correct(farida, movements(paid.payment_id)[0].id, "600", method="VISA")
    small = opens("80")
    taken = api.take(farida, payment_id=small.payment_id, amount=Decimal(80), method="CASH", key="80")
    assert correct(farida, taken.transaction_id, "80", method="VISA").method == "VISA"


# ---- Void ----


def test_a_claim_is_given_up_with_a_reason_and_taken_up_again(farida: Actor, bill: Bill) -> None:
    with pytest.raises(RuleBroken) as refusal:
        api.void(farida, bill.payment_id, " ")
    assert refusal.value.field == "reason"
    api.void(farida, bill.payment_id, "A colleague's child.")
    found = payment(bill.payment_id)
    assert (found.status, found.void_reason, found.balance_due) == ("VOIDED", "A colleague's child.", 0)
    with pytest.raises(StaleScreen, match="void already"):
        api.void(farida, bill.payment_id, "Twice.")
    api.reopen(farida, bill.payment_id)
    assert payment(bill.payment_id).status == "PENDING"
    with pytest.raises(StaleScreen, match="not void"):
        api.reopen(farida, bill.payment_id)
    assert len(told(bill, "payment.voided")) == 1


def test_once_money_came_it_can_only_be_given_back(farida: Actor, paid: Bill) -> None:
    with pytest.raises(StaleScreen, match="can't be voided"):
        api.void(farida, paid.payment_id, WHY)


# ---- Numbers of receipts ----


def test_receipts_and_refunds_are_numbered_without_gap(mona: Actor, paid: Bill, opens: Opens) -> None:
    refund(mona, paid, "100")
    with pytest.raises(RuleBroken):
        refund(mona, paid, "700")
    other = opens("50")
    api.take(mona, payment_id=other.payment_id, amount=Decimal(50), method="CASH", key="50")

    year = clock.today("Africa/Cairo").year
    numbers = [each.receipt_number for bill in (paid, other) for each in movements(bill.payment_id)]
    assert numbers == [f"{year}-000001", f"{year}-000002", f"{year}-000003"]
