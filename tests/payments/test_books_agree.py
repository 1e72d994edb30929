"""Payments, movements, shares and ledger agree, whatever is pressed in whatever order."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from flask import Flask

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.payments import api
from tests.cast import Cast
from tests.payments.conftest import Bill, Opens, movements, open_bill, payment

WHY = "As the dice fell."


class Cashier:
    """Presses every button in any order; what the rules refuse is no matter."""

    def __init__(self, cast: Cast, dice: random.Random) -> None:
        self.cast, self.dice, self.actor = cast, dice, cast.people["mona"].actor
        percent = Decimal(dice.randrange(10001)) / 100
        self.bill = open_bill(
            cast,
            str(self.cents(100_000) + 1),
            doctor_id=dice.choice([cast.salma, None]),
            service_id=dice.choice([cast.filling, cast.filling, None]),
            share_percent=percent,
        )
        self.acts: list[Callable[[], object]] = [
            self.take,
            self.take,
            self.refund,
            self.correct,
            self.doctor_comes,
        ]

    def cents(self, most: int) -> Decimal:
        return Decimal(self.dice.randrange(1, most)) / 100

    def press(self) -> bool:
        try:
            self.dice.choice(self.acts)()
        except (RuleBroken, StaleScreen):
            return False
        return True

    def asked(self) -> dict[str, str]:
        return {"method": self.dice.choice(["CASH", "VISA", "BANK_TRANSFER"]), "key": str(new_id())}

    def take(self) -> object:
        left = payment(self.bill.payment_id).left
        amount = self.dice.choice([left, self.cents(40_000)])
        return api.take(self.actor, payment_id=self.bill.payment_id, amount=amount, **self.asked())

    def refund(self) -> object:
        kept = payment(self.bill.payment_id).kept
        amount = (
            self.dice.choice([kept, self.cents(20_000)]) if self.dice.random() < 0.5 else self.cents(2_000)
        )
        return api.refund(
            self.actor, payment_id=self.bill.payment_id, amount=amount, reason=WHY, **self.asked()
        )

    def correct(self) -> object:
        wrong = self.dice.choice(movements(self.bill.payment_id) or [None])
        if wrong is None:
            return None
        amount = self.dice.choice([Decimal(0), wrong.amount, self.cents(30_000)])
        return api.correct(self.actor, transaction_id=wrong.id, amount=amount, reason=WHY, **self.asked())

    def doctor_comes(self) -> object:
        doctor = self.dice.choice([self.cast.salma, self.cast.karim])
        return api.give_ticket(self.actor, self.bill.visit_id, None, doctor)


def test_whatever_is_pressed_everything_adds_up_to_the_cent(cast: Cast) -> None:
    dice = random.Random(20261121)
    done = 0
    for _ in range(40):
        cashier = Cashier(cast, dice)
        done += sum(cashier.press() for _ in range(9))
    assert done > 120
    assert api.disagreements(cast.organization_id) == []
    assert api.disagreements(cast.organization_id, clock.today("Africa/Cairo")) == []
    assert api.receipt_gaps(cast.organization_id) == []


@pytest.fixture
def mona(cast: Cast) -> Actor:
    return cast.people["mona"].actor


@pytest.fixture
def paid(mona: Actor, bill: Bill) -> Bill:
    api.take(mona, payment_id=bill.payment_id, amount=Decimal(600), method="CASH", key="taken")
    return bill


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ("amount_paid = 500, doctor_share = 300, center_share = 200", ("movements", "shares", "state")),
        ("doctor_share = 361, center_share = 239", ("shares", "rule")),
        ("share_percent = 59", ("rule",)),
        ("status = 'PARTIALLY_PAID'", ("state",)),
        ("doctor_id = gen_random_uuid()", ("doctor",)),
    ],
)
def test_what_a_hand_in_the_database_changed_is_found(
    cast: Cast, paid: Bill, change: str, kinds: tuple[str, ...]
) -> None:
    assert api.disagreements(cast.organization_id) == []
    db.session.execute(
        db.text(f"UPDATE payments.payments SET {change} WHERE id = :id"),  # noqa: S608 - ours
        {"id": paid.payment_id},
    )

    today = clock.today("Africa/Cairo")
    [found] = api.disagreements(cast.organization_id, today)
    assert (found.payment_id, found.kinds, len(found.sentences)) == (paid.payment_id, kinds, len(kinds))
    assert api.disagreements(cast.organization_id, today + timedelta(days=1)) == []
    assert api.disagreements(cast.other_organization_id) == []


def test_legs_that_are_missing_and_numbers_that_are_missing_are_found(cast: Cast, paid: Bill) -> None:
    """At a commit the triggers would refuse it; this test never commits."""
    [taken] = movements(paid.payment_id)
    columns = db.inspect(type(taken)).columns.keys()
    row = {name: getattr(taken, name) for name in columns}
    row |= {"id": new_id(), "payment_number": "PAY-X", "idempotency_key": "x", "receipt_sequence": 7}
    db.session.execute(db.insert(type(taken)), row)

    [found] = api.disagreements(cast.organization_id)
    assert found.kinds == ("movements", "ledger")
    [gap] = api.receipt_gaps(cast.organization_id)
    assert (gap.last_sequence, gap.given) == (1, 2)


def test_the_command_says_so_and_ends_with_one(app: Flask, cast: Cast, paid: Bill, opens: Opens) -> None:
    run = app.test_cli_runner()
    day = clock.today("Africa/Cairo").isoformat()
    fine = run.invoke(args=["check", "payments", "--day", day])
    assert (fine.exit_code, "Every payment agrees" in fine.output) == (0, True)
    broken = opens("10")
    spoil(broken.payment_id)
    wrong = run.invoke(args=["check", "payments", "--organization", str(cast.organization_id)])
    assert wrong.exit_code == 1
    assert f"payment {broken.payment_id}" in wrong.output and "does not fit its sums" in wrong.output


def spoil(payment_id: UUID) -> None:
    db.session.execute(
        db.text("UPDATE payments.payments SET status = 'PAID' WHERE id = :id"), {"id": payment_id}
    )
