"""Money under contention, with real commits: a double click charges once, parts never exceed the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from clinic_web.config import Settings
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import constraint_of, run_again, transaction
from clinic_web.payments import api
from clinic_web.payments.api import Receipt
from clinic_web.payments.models import LedgerEntry, Payment, PaymentTransaction
from tests.cast import Cast
from tests.payments.conftest import Bill, movements, open_bill, payment
from tests.snapshot import Snapshot
from tests.threads import ThreadPoolExecutor

Answer = Receipt | Exception


@pytest.fixture
def real(snapshot: Snapshot, committing: Flask) -> Iterator[Cast]:
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        yield cast


@pytest.fixture
def owed(real: Cast) -> Bill:
    return open_bill(real, "1000.00")


def at_once(app: Flask, acts: list[Callable[[], Receipt]]) -> list[Answer]:
    """Do everything at the same instant, each in a thread and connection of its own."""
    line = Barrier(len(acts))

    def do(act: Callable[[], Receipt]) -> Answer:
        with app.app_context():
            line.wait()
            try:
                return run_again(act)
            except (RuleBroken, StaleScreen) as refusal:
                return refusal
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(do, acts))


def taking(actor: Actor, bill: Bill, amount: str, key: str) -> Callable[[], Receipt]:
    return lambda: api.take(actor, payment_id=bill.payment_id, amount=Decimal(amount), method="CASH", key=key)


def test_a_double_click_charges_once(committing: Flask, real: Cast, owed: Bill) -> None:
    farida = real.people["farida"].actor

    answers = at_once(committing, [taking(farida, owed, "400", "one-press")] * 2)

    assert len(movements(owed.payment_id)) == 1
    assert answers[0] == answers[1]
    assert payment(owed.payment_id).amount_paid == Decimal(400)


def test_fifty_parts_never_exceed_the_whole_and_the_ledger_balances(
    committing: Flask, real: Cast, owed: Bill
) -> None:
    people = [real.people["farida"].actor, real.people["amina"].actor]
    sums = [f"{n}.{n:02d}" for n in range(20, 70)]

    acts = [taking(people[n % 2], owed, amount, str(n)) for n, amount in enumerate(sums)]
    answers = at_once(committing, acts[:25]) + at_once(committing, acts[25:])

    taken = [answer for answer in answers if isinstance(answer, Receipt)]
    found = payment(owed.payment_id)
    assert found.amount_paid == sum(receipt.amount for receipt in taken) <= Decimal(1000)
    assert found.doctor_share == (found.amount_paid * 60 / 100).quantize(Decimal("0.01"))
    assert found.doctor_share + found.center_share == found.amount_paid
    assert len({receipt.left_to_pay for receipt in taken}) == len(taken)  # one after the other, none twice
    assert db.session.execute(db.select(db.func.sum(LedgerEntry.amount))).scalar() == 0
    assert any(isinstance(answer, RuleBroken) for answer in answers)


def test_the_last_part_of_many_completes_it_once(committing: Flask, real: Cast, owed: Bill) -> None:
    amina = real.people["amina"].actor

    answers = at_once(committing, [taking(amina, owed, "100", str(n)) for n in range(14)])

    assert sum(isinstance(answer, Receipt) for answer in answers) == 10
    assert sum(isinstance(answer, StaleScreen) for answer in answers) == 4
    assert payment(owed.payment_id).status == "PAID"


def test_legs_that_do_not_balance_are_refused_at_the_commit(real: Cast, owed: Bill) -> None:
    receipt = taking(real.people["farida"].actor, owed, "400", "a")()
    entry = crooked(real, receipt)

    db.session.add(entry)
    with pytest.raises(IntegrityError) as refusal:
        db.session.commit()

    db.session.rollback()
    assert constraint_of(refusal.value) == "movement_sums_to_zero"


def crooked(cast: Cast, receipt: Receipt) -> LedgerEntry:
    found = db.session.get(PaymentTransaction, receipt.transaction_id)
    assert found is not None
    return LedgerEntry(
        id=new_id(),
        organization_id=cast.organization_id,
        facility_id=cast.facility_id,
        transaction_id=found.id,
        account="DRAWER",
        amount=Decimal("-10"),
        currency="EGP",
        entered_at=found.payment_date,
    )


def test_a_movement_without_legs_is_refused_at_the_commit(real: Cast, owed: Bill) -> None:
    receipt = taking(real.people["farida"].actor, owed, "400", "a")()
    columns = PaymentTransaction.__table__.columns
    row = db.session.execute(db.select(*columns).where(columns.id == receipt.transaction_id)).mappings().one()
    other = {"id": new_id(), "payment_number": "PAY-2", "idempotency_key": "2", "receipt_sequence": 2}

    with pytest.raises(IntegrityError) as refusal, transaction():
        db.session.execute(db.insert(PaymentTransaction), dict(row) | other)

    assert constraint_of(refusal.value) == "movement_sums_to_zero"


@pytest.mark.parametrize("statement", ["UPDATE {} SET currency = 'USD'", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["payments.payment_transactions", "payments.ledger_entries"])
def test_what_was_written_of_money_stays(
    settings: Settings, real: Cast, owed: Bill, statement: str, table: str
) -> None:
    taking(real.people["farida"].actor, owed, "400", "a")()

    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(db.text(statement.format(table)))
    db.session.rollback()
    with pytest.raises(IntegrityError) as refusal:
        as_owner(settings, statement.format(table))

    assert constraint_of(refusal.value) == "money_is_never_edited"


def as_owner(settings: Settings, statement: str) -> None:
    engine = create_engine(settings.database_owner_url)
    try:
        with engine.begin() as connection:
            connection.execute(db.text(statement))
    finally:
        engine.dispose()


def test_the_database_refuses_more_than_is_owed(real: Cast, owed: Bill) -> None:
    with pytest.raises(IntegrityError) as refusal:
        db.session.execute(
            db.update(Payment)
            .where(Payment.id == owed.payment_id)
            .values(amount_paid=1001, center_share=1001)
        )

    db.session.rollback()
    assert constraint_of(refusal.value) == "ck_payments_paid_within_total"
