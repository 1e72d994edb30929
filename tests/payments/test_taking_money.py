"""Taking money at the desk: how much, how, what is given back, what is refused and in which words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from clinic_web.audit.models import AccessLog, Change
from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import Delivery, DomainEvent
from clinic_web.organization.models import Service
from clinic_web.payments import api
from clinic_web.payments.api import Receipt
from tests.cast import Cast
from tests.payments.conftest import Bill, Opens, legs, movements, payment


def take(actor: Actor, bill: Bill, amount: str, method: str = "CASH", **fields: Any) -> Receipt:
    key = fields.pop("key", str(new_id()))
    return api.take(
        actor, payment_id=bill.payment_id, amount=Decimal(amount), method=method, key=key, **fields
    )


@pytest.fixture
def farida(cast: Cast) -> Actor:
    return cast.people["farida"].actor


def test_the_whole_sum_in_cash_gives_a_receipt_with_change_and_shares(farida: Actor, bill: Bill) -> None:
    receipt = take(farida, bill, "600", handed_over=Decimal(1000))

    assert (receipt.amount, receipt.change, receipt.left_to_pay) == (Decimal(600), Decimal(400), Decimal(0))
    assert (receipt.doctor_share, receipt.center_share) == (Decimal("360.00"), Decimal("240.00"))
    assert (receipt.taken_by, receipt.method, receipt.ticket) == (farida.name, "CASH", "D-034")
    assert receipt.payment_number.startswith("PAY-")
    assert payment(bill.payment_id).status == "PAID"
    assert payment(bill.payment_id).paid_at == receipt.taken_at


def test_a_part_by_card_leaves_the_rest_owed(farida: Actor, bill: Bill) -> None:
    receipt = take(farida, bill, "200.50", "VISA")

    found = payment(bill.payment_id)
    assert receipt.left_to_pay == Decimal("399.50") == found.balance_due
    assert (found.status, found.paid_at) == ("PARTIALLY_PAID", None)
    assert legs(receipt.transaction_id) == {
        "CARD": Decimal("200.50"),
        "DOCTOR_PAYABLE": Decimal("-120.30"),
        "CENTRE_INCOME": Decimal("-80.20"),
    }


@pytest.mark.parametrize(
    ("method", "account"), [("CASH", "DRAWER"), ("VISA", "CARD"), ("BANK_TRANSFER", "BANK")]
)
def test_each_method_lies_in_its_own_account(farida: Actor, bill: Bill, method: str, account: str) -> None:
    receipt = take(farida, bill, "600", method)

    assert legs(receipt.transaction_id)[account] == Decimal(600)
    assert sum(legs(receipt.transaction_id).values()) == 0


def test_parts_complete_the_payment_and_only_the_last_tells_so(farida: Actor, bill: Bill) -> None:
    take(farida, bill, "100")
    take(farida, bill, "500", "VISA")

    told = db.session.execute(
        db.select(DomainEvent.event_type).filter_by(aggregate_id=bill.payment_id).order_by("sequence_number")
    )
    assert list(told.scalars()) == ["payment.received", "payment.received", "payment.completed"]
    assert payment(bill.payment_id).doctor_share == Decimal("360.00")


def test_the_screens_of_the_clinic_are_told_and_nobody_is_named(
    farida: Actor, bill: Bill, cast: Cast, pushed: list[str]
) -> None:
    take(farida, bill, "600")

    assert f"payments:{cast.dental}" in pushed
    events = db.session.execute(db.select(DomainEvent.event_data).filter_by(aggregate_id=bill.payment_id))
    assert all("Maryam" not in str(data) for data in events.scalars())


def test_money_leaves_old_and_new_values_and_an_access_row(farida: Actor, bill: Bill) -> None:
    take(farida, bill, "200")

    change = db.session.execute(db.select(Change).filter_by(resource_id=bill.payment_id)).scalar_one()
    assert change.old_values is not None and change.new_values is not None
    assert (change.old_values["status"], change.new_values["status"]) == ("PENDING", "PARTIALLY_PAID")
    assert (change.old_values["amount_paid"], change.new_values["amount_paid"]) == ("0.00", "200.00")
    assert change.user_id == farida.user_id
    seen = db.session.execute(db.select(AccessLog.action).filter_by(resource_id=bill.payment_id)).scalars()
    assert list(seen) == ["payments.take"]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "above zero"),
        ("-5", "above zero"),
        ("NaN", "not an amount"),
        ("Infinity", "not an amount"),
        ("10.001", "two decimals"),
        ("600.01", "left to pay"),
        ("99999999999", "too large"),
        ("1E+400", "too large"),
    ],
)
def test_wrong_amounts_are_refused_at_the_field(farida: Actor, bill: Bill, amount: str, words: str) -> None:
    with pytest.raises(RuleBroken, match=words) as refusal:
        take(farida, bill, amount)

    assert refusal.value.field == "amount"
    assert movements(bill.payment_id) == []


@pytest.mark.parametrize("method", ["INSURANCE", "CHECK", "cash", ""])
def test_only_three_methods_are_taken_at_a_desk(farida: Actor, bill: Bill, method: str) -> None:
    with pytest.raises(RuleBroken) as refusal:
        take(farida, bill, "600", method)

    assert refusal.value.field == "method"


@pytest.mark.parametrize(("method", "handed_over"), [("CASH", "599.99"), ("CASH", "0"), ("VISA", "600")])
def test_what_is_handed_over_is_cash_and_enough(
    farida: Actor, bill: Bill, method: str, handed_over: str
) -> None:
    with pytest.raises(RuleBroken) as refusal:
        take(farida, bill, "600", method, handed_over=Decimal(handed_over))

    assert refusal.value.field == "handed_over"


def test_what_is_paid_by_now_is_a_conflict_that_shows_what_is_left(farida: Actor, bill: Bill) -> None:
    take(farida, bill, "600")

    with pytest.raises(StaleScreen, match="paid") as refusal:
        take(farida, bill, "600")

    assert refusal.value.changes == {"Left to pay": (Decimal(600), Decimal(0))}


def test_a_void_payment_takes_nothing(farida: Actor, bill: Bill) -> None:
    assert api.void_for_visit(farida, bill.visit_id, "The patient left.")

    with pytest.raises(StaleScreen, match="voided"):
        take(farida, bill, "600")


def test_without_its_key_a_form_takes_nothing(farida: Actor, bill: Bill) -> None:
    with pytest.raises(BadRequest):
        take(farida, bill, "600", key=None)


def test_the_same_key_and_values_give_the_first_receipt_again(farida: Actor, bill: Bill) -> None:
    first = take(farida, bill, "200", key="one-press", handed_over=Decimal(500))
    again = take(farida, bill, "200", key="one-press", handed_over=Decimal(500))

    assert again == first
    assert len(movements(bill.payment_id)) == 1


def test_the_same_key_with_another_sum_is_refused(farida: Actor, bill: Bill) -> None:
    take(farida, bill, "200", key="one-press")

    with pytest.raises(RuleBroken, match="other values"):
        take(farida, bill, "300", key="one-press")


def test_two_people_may_have_the_same_key(farida: Actor, bill: Bill, cast: Cast) -> None:
    take(farida, bill, "200", key="1")
    take(cast.people["amina"].actor, bill, "200", key="1")

    assert payment(bill.payment_id).amount_paid == Decimal(400)


def test_a_payment_of_another_tenant_does_not_exist(bill: Bill, cast: Cast) -> None:
    with pytest.raises(NotFound), tenant.of(cast.other_organization_id):
        take(cast.people["omar"].actor, bill, "600")


def test_the_share_rule_is_frozen_by_the_first_money(farida: Actor, opens: Opens, cast: Cast) -> None:
    bill = opens("100", share_percent=Decimal(10), share_rule_version=1)
    change_rule(cast.filling, "50", 2)
    first = take(farida, bill, "10")
    change_rule(cast.filling, "90", 3)
    take(farida, bill, "90")

    found = payment(bill.payment_id)
    assert first.doctor_share == Decimal("5.00")
    assert (found.share_percent, found.share_rule_version) == (Decimal(50), 2)
    assert (found.doctor_share, found.center_share) == (Decimal(50), Decimal(50))


def change_rule(service_id: UUID, percent: str, version: int) -> None:
    service = db.session.get(Service, service_id)
    assert service is not None
    service.share_percent, service.share_rule_version = Decimal(percent), version
    db.session.flush()


def test_reception_hears_of_a_completed_payment(farida: Actor, bill: Bill) -> None:
    take(farida, bill, "600")

    event = db.session.execute(
        db.select(DomainEvent).filter_by(aggregate_id=bill.payment_id, event_type="payment.completed")
    ).scalar_one()
    deliveries = db.session.execute(db.select(Delivery.consumer).filter_by(event_id=event.id)).scalars()
    assert any(consumer.startswith("reception.") for consumer in deliveries)
    assert event.event_data["visit_id"] == str(bill.visit_id)
