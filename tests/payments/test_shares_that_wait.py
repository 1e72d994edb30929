"""Who pays before a doctor is known: the money waits, and is divided by the rule of the one who comes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from clinic_web.audit.models import Change
from clinic_web.kernel import push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.models import Service, Staff
from clinic_web.payments import api
from clinic_web.payments.api import Receipt
from clinic_web.payments.models import LedgerEntry, PaymentTransaction
from clinic_web.payments.records import ShareMovement
from tests.cast import Cast
from tests.payments.conftest import Bill, Opens, legs, payment


@pytest.fixture
def mona(cast: Cast) -> Actor:
    return cast.people["mona"].actor


@pytest.fixture
def anyones(opens: Opens) -> Bill:
    """A filling of 600.00 for whichever dentist is free: each has a share of their own."""
    return opens("600", doctor_id=None, share_percent=Decimal(0))


def take(actor: Actor, bill: Bill, amount: str, method: str = "CASH") -> Receipt:
    return api.take(
        actor, payment_id=bill.payment_id, amount=Decimal(amount), method=method, key=str(new_id())
    )


def refund(actor: Actor, bill: Bill, amount: str) -> Receipt:
    return api.refund(
        actor,
        payment_id=bill.payment_id,
        amount=Decimal(amount),
        method="CASH",
        reason="Cut short.",
        key=str(new_id()),
    )


def accounts(bill: Bill) -> dict[tuple[str, Any], Decimal]:
    """The ledger of a payment: the sum by account and doctor, without what came to nothing."""
    entry, moved = LedgerEntry, PaymentTransaction
    rows = db.session.execute(
        db.select(entry.account, entry.doctor_id, db.func.sum(entry.amount))
        .join(moved, moved.id == entry.transaction_id)
        .where(moved.payment_id == bill.payment_id)
        .group_by(entry.account, entry.doctor_id)
    )
    return {(account, doctor): amount for account, doctor, amount in rows if amount}


def share_movements(bill: Bill) -> list[ShareMovement]:
    found = db.select(ShareMovement).filter_by(payment_id=bill.payment_id)
    return list(db.session.scalars(found.order_by(ShareMovement.id)))


def test_money_waits_until_the_doctor_is_known_and_is_then_divided(
    mona: Actor, anyones: Bill, cast: Cast
) -> None:
    first = take(mona, anyones, "200.05")
    take(mona, anyones, "399.95", "VISA")

    found = payment(anyones.payment_id)
    assert (found.doctor_share, found.center_share, found.unassigned_share) == (0, 0, 600)
    assert (found.status, found.shares_frozen_at) == ("PAID", None)
    assert legs(first.transaction_id) == {"DRAWER": Decimal("200.05"), "UNASSIGNED_SHARE": Decimal("-200.05")}

    api.give_ticket(cast.people["karim"].actor, anyones.visit_id, None, cast.karim)

    found = payment(anyones.payment_id)
    assert (found.doctor_share, found.center_share, found.unassigned_share) == (360, 240, 0)
    assert (found.share_percent, found.doctor_id) == (60, cast.karim)
    assert accounts(anyones) == {
        ("DRAWER", None): Decimal("200.05"),
        ("CARD", None): Decimal("399.95"),
        ("DOCTOR_PAYABLE", cast.karim): Decimal(-360),
        ("CENTRE_INCOME", None): Decimal(-240),
    }
    assert legs(first.transaction_id)["DOCTOR_PAYABLE"] == Decimal("-120.03")


def test_the_division_is_documented_and_its_legs_name_it(mona: Actor, anyones: Bill, cast: Cast) -> None:
    take(mona, anyones, "600")
    api.give_ticket(cast.people["karim"].actor, anyones.visit_id, None, cast.karim)

    [moved] = share_movements(anyones)
    assert (moved.kind, moved.amount, moved.doctor_id) == ("ASSIGNED", Decimal(600), cast.karim)
    assert (moved.doctor_share, moved.center_share, moved.share_percent) == (360, 240, 60)
    assert moved.moved_by_name == "Karim Tester"
    named = db.session.scalars(db.select(LedgerEntry.amount).filter_by(share_movement_id=moved.id)).all()
    assert sorted(named) == [Decimal(-360), Decimal(-240), Decimal(600)]
    change = db.session.scalars(db.select(Change).filter_by(action="payment.assign_share")).one()
    assert change.new_values is not None and change.new_values["unassigned_share"] == "0.00"


def test_what_goes_back_before_the_doctor_is_known_is_nobodys(mona: Actor, anyones: Bill, cast: Cast) -> None:
    take(mona, anyones, "600")
    back = refund(mona, anyones, "100.01")
    assert legs(back.transaction_id) == {
        "DRAWER": Decimal("-100.01"),
        "UNASSIGNED_SHARE": Decimal("100.01"),
    }

    api.give_ticket(cast.people["salma"].actor, anyones.visit_id, None, cast.salma)

    found = payment(anyones.payment_id)
    assert (found.doctor_share, found.center_share) == (Decimal("299.99"), Decimal("200.00"))
    assert accounts(anyones)[("DOCTOR_PAYABLE", cast.salma)] == Decimal("-299.99")
    refund(mona, anyones, "499.99")
    assert accounts(anyones) == {}


def test_the_rule_is_that_of_the_moment_in_which_the_doctor_is_known(
    mona: Actor, anyones: Bill, cast: Cast
) -> None:
    take(mona, anyones, "300")
    db.session.get_one(Staff, cast.karim).share_percent = Decimal(70)
    api.give_ticket(cast.people["karim"].actor, anyones.visit_id, None, cast.karim)
    db.session.get_one(Staff, cast.karim).share_percent = Decimal(10)
    take(mona, anyones, "300")

    assert payment(anyones.payment_id).doctor_share == Decimal(420)


def test_a_doctor_who_left_meanwhile_still_gets_the_share(mona: Actor, anyones: Bill, cast: Cast) -> None:
    take(mona, anyones, "600")
    db.session.get_one(Staff, cast.karim).is_active = False
    db.session.flush()
    api.give_ticket(cast.people["karim"].actor, anyones.visit_id, None, cast.karim)

    assert payment(anyones.payment_id).doctor_share == Decimal(360)


def test_a_service_with_a_rule_of_its_own_waits_for_the_name_only(
    mona: Actor, anyones: Bill, cast: Cast
) -> None:
    service = db.session.get_one(Service, cast.filling)
    service.share_percent = Decimal(50)
    push_directory(cast)
    take(mona, anyones, "600")
    assert accounts(anyones)[("DOCTOR_PAYABLE", None)] == Decimal(-300)

    api.give_ticket(cast.people["karim"].actor, anyones.visit_id, None, cast.karim)

    assert accounts(anyones)[("DOCTOR_PAYABLE", cast.karim)] == Decimal(-300)
    [moved] = share_movements(anyones)
    assert (moved.kind, moved.former_doctor_id, moved.amount) == ("HANDED_OVER", None, Decimal(300))


def push_directory(cast: Cast) -> None:
    """Let every process look at the organization again."""
    with transaction():
        push.changed(organization.topic(cast.organization_id))


def test_another_doctor_takes_the_patient_and_the_share_over(mona: Actor, bill: Bill, cast: Cast) -> None:
    take(mona, bill, "600")
    api.give_ticket(cast.people["karim"].actor, bill.visit_id, None, cast.karim)
    api.give_ticket(cast.people["karim"].actor, bill.visit_id, "D-040", cast.karim)  # nothing changes

    [moved] = share_movements(bill)
    assert (moved.kind, moved.former_doctor_id, moved.doctor_id) == ("HANDED_OVER", cast.salma, cast.karim)
    assert accounts(bill)[("DOCTOR_PAYABLE", cast.karim)] == Decimal(-360)
    assert ("DOCTOR_PAYABLE", cast.salma) not in accounts(bill)
