"""Refunds under contention, with real commits: never more than was paid, one press gives back once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from flask import Flask

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import RuleBroken, StaleScreen
from clinic_web.payments import api
from clinic_web.payments.api import Receipt
from clinic_web.payments.models import LedgerEntry, PaymentTransaction
from tests.cast import Cast
from tests.payments.conftest import Bill, movements, payment
from tests.payments.test_pressing_at_once import at_once, owed, real, taking

__all__ = ["owed", "real"]


def refunding(actor: Actor, bill: Bill, amount: str, key: str) -> Callable[[], Receipt]:
    return lambda: api.refund(
        actor, payment_id=bill.payment_id, amount=Decimal(amount), method="CASH", reason="Cut short.", key=key
    )


def balances(bill: Bill) -> None:
    """The payment, its movements and the ledger say the same, to the cent."""
    found, moved = payment(bill.payment_id), movements(bill.payment_id)
    assert found.amount_refunded == sum(each.amount for each in moved if each.kind == "REFUND")
    assert found.doctor_share == sum(each.doctor_share for each in moved)
    assert found.doctor_share == (found.kept * 60 / 100).quantize(Decimal("0.01"))
    assert db.session.execute(db.select(db.func.sum(LedgerEntry.amount))).scalar() == 0
    account = db.select(db.func.sum(LedgerEntry.amount)).where(LedgerEntry.account == "DOCTOR_PAYABLE")
    assert db.session.scalar(account) == -found.doctor_share
    year = clock.today("Africa/Cairo").year
    numbers = db.session.scalars(db.select(PaymentTransaction.receipt_sequence).filter_by(receipt_year=year))
    assert sorted(each or 0 for each in numbers) == list(range(1, len(moved) + 1))


def test_fifty_refunds_never_give_back_more_than_was_paid(committing: Flask, real: Cast, owed: Bill) -> None:
    mona = real.people["mona"].actor
    taking(mona, owed, "1000", "taken")()
    sums = [f"{n}.{n:02d}" for n in range(20, 70)]

    acts = [refunding(mona, owed, amount, str(n)) for n, amount in enumerate(sums)]
    answers = at_once(committing, acts[:25]) + at_once(committing, acts[25:])

    given = [answer for answer in answers if isinstance(answer, Receipt)]
    assert payment(owed.payment_id).amount_refunded == sum(each.amount for each in given) <= 1000
    assert any(isinstance(answer, RuleBroken) for answer in answers)
    balances(owed)


def test_taking_and_giving_back_at_once_miss_nothing(committing: Flask, real: Cast, owed: Bill) -> None:
    mona, farida = real.people["mona"].actor, real.people["farida"].actor
    taking(farida, owed, "100", "first")()

    acts = [taking(farida, owed, f"{n}.{n:02d}", f"take-{n}") for n in range(1, 12)]
    backs = [refunding(mona, owed, f"{n}.{n:02d}", f"back-{n}") for n in range(1, 12)]
    answers = at_once(committing, [act for pair in zip(acts, backs, strict=True) for act in pair])

    found = payment(owed.payment_id)
    assert found.amount_refunded > 0 and found.status in ("PARTIALLY_REFUNDED", "REFUNDED")
    assert not [answer for answer in answers if not isinstance(answer, Receipt | RuleBroken | StaleScreen)]
    balances(owed)


def test_a_hundred_presses_of_one_button_give_back_once(committing: Flask, real: Cast, owed: Bill) -> None:
    mona = real.people["mona"].actor
    taking(mona, owed, "1000", "taken")()

    acts = [refunding(mona, owed, "70", "one-press")] * 100
    answers = [answer for n in range(0, 100, 25) for answer in at_once(committing, acts[n : n + 25])]

    assert payment(owed.payment_id).amount_refunded == 70
    assert all(answer == answers[0] for answer in answers)
    balances(owed)


def test_a_correction_against_a_refund_leaves_one_of_them(committing: Flask, real: Cast, owed: Bill) -> None:
    mona = real.people["mona"].actor
    receipt = taking(mona, owed, "1000", "taken")()

    def correcting() -> Receipt:
        return api.correct(
            mona,
            transaction_id=receipt.transaction_id,
            amount=Decimal(900),
            method="VISA",
            reason="Typed wrongly.",
            key="right",
        )

    at_once(committing, [correcting, refunding(mona, owed, "1000", "back"), correcting])

    found, moved = payment(owed.payment_id), movements(owed.payment_id)
    assert len(moved) in (2, 3, 4)
    assert found.doctor_share == sum(each.doctor_share for each in moved)
    assert db.session.execute(db.select(db.func.sum(LedgerEntry.amount))).scalar() == 0
