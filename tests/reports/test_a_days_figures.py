"""What the report of a day says: counted by hand here, and to the cent what the ledger says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.organization import api as organization
from clinic_web.payments import api as payments
from clinic_web.payments.queries.disagreements import SENTENCES
from clinic_web.reports.figures import Figures, Minutes
from clinic_web.reports.queries.day import figures
from clinic_web.reports.queries.kept import Period, report_of
from clinic_web.reports.queries.question import question_of
from clinic_web.reports.service.making import make_day
from tests.cast import Cast
from tests.reports.conftest import Past


def figures_of(past: Past, *, back: int = 1) -> Figures:
    found = Figures()
    question = question_of(past.cast.organization_id, past.cast.facility_id, past.day(back))
    found.add([figures(question)])
    return found


def test_visits_are_counted_by_kind_and_end(past: Past) -> None:
    past.an_ordinary_day()
    visits = figures_of(past).visits
    assert (visits.number, visits.seen, visits.no_shows, visits.cancelled, visits.open) == (6, 4, 1, 1, 0)
    assert (visits.walk_ins, visits.expected, visits.missed) == (1, 4, 1)
    assert visits.miss_rate == Decimal("25.0")
    by_doctor = figures_of(past).by_doctor
    assert (by_doctor[past.cast.karim].seen, by_doctor[past.cast.salma].number) == (1, 5)


def test_waits_and_consultations_by_hour_doctor_and_clinic(past: Past) -> None:
    past.an_ordinary_day()
    found = figures_of(past)
    assert (found.waits.number, found.waits.median, found.waits.p90) == (4, 10, 40)
    assert {hour: spans.median for hour, spans in found.waits_by_hour.items()} == {9: 5, 10: 12}
    assert (found.consultations.median, found.consultations.p90) == (20, 30)
    assert found.consultations_by_doctor[past.cast.karim].median == 15
    assert found.waits_by_clinic[past.cast.dental].number == 4
    assert dict(found.arrivals) == {9: 2, 10: 2}


def test_percentiles_are_those_of_everybody() -> None:
    spans = Minutes()
    for minutes in range(1, 11):
        spans.add(minutes, 1)
    assert (spans.median, spans.p90, Minutes().median) == (5, 9, None)


def test_money_by_method_doctor_and_service_is_what_the_ledger_says(past: Past) -> None:
    past.an_ordinary_day()
    cast, money = past.cast, figures_of(past).money["EGP"]
    assert {name: each.net for name, each in money.methods.items()} == {
        "CASH": Decimal("900.00"), "VISA": Decimal("300.05"), "BANK_TRANSFER": Decimal("450.00")
    }  # fmt: skip
    assert money.net == Decimal("1650.05") == sum(money.doctors.values())
    assert money.doctors[cast.karim] == Decimal("450.00")
    assert money.services[cast.filling].net == Decimal("300.05")
    assert money.shares == {cast.karim: Decimal("270.00"), cast.salma: Decimal("720.03")}
    assert money.doctors_share + money.centre_share == money.net
    placed = sum(money.accounts[each] for each in ("DRAWER", "CARD", "BANK"))
    assert placed == money.net and money.accounts["DRAWER"] == money.methods["CASH"].net
    assert (money.due.number, money.due.left, money.due.left_number) == (4, Decimal("299.95"), 1)


def test_a_day_is_the_facilitys_local_day(past: Past) -> None:
    past.seen(past.at(23, 50), waits=2, takes=5)
    past.seen(past.at(0, 5), waits=2, takes=5)
    assert figures_of(past).visits.number == 2
    assert figures_of(past, back=2).visits.number == figures_of(past, back=0).visits.number == 0


def test_a_later_payment_leaves_what_was_left_that_day(past: Past, cast: Cast) -> None:
    past.an_ordinary_day()
    before = figures_of(past)
    owed = db.session.execute(text("SELECT id FROM payments.payments WHERE balance_due > 0")).scalar_one()
    payments.take(cast.people["farida"].actor, payment_id=owed, amount=Decimal("299.95"), method="CASH",
                  key=str(new_id()))  # fmt: skip
    after = figures_of(past)
    assert after.money["EGP"].due == before.money["EGP"].due
    assert figures_of(past, back=0).money["EGP"].methods["CASH"].net == Decimal("299.95")
    today = report_of(
        organization.directory(cast.organization_id).facilities[cast.facility_id],
        Period(past.day(0), past.day(0)),
    )
    assert today.so_far and today.figures.money["EGP"].outstanding_in_all == 0


def test_money_given_back_and_receipts_put_right(past: Past, cast: Cast) -> None:
    """300 of a filling's 600 go back; a cleaning was taken by card and not in cash, as its receipt said."""
    nabila = replace(cast.people["mona"].actor, permissions=frozenset({"payment.refund_any"}))
    ten = past.at(10, back=0)
    filling, cleaning = past.seen(ten, waits=1, takes=1), past.seen(ten, waits=1, takes=1)
    back = past.paid(filling, "600", "600", "CASH", ten)
    wrong = past.paid(cleaning, "450", "450", "CASH", ten)
    payments.refund(nabila, payment_id=back.id, amount=Decimal(300), method="CASH", reason="Half of it",
                    key=str(new_id()))  # fmt: skip
    receipt = db.session.execute(
        text("SELECT id FROM payments.payment_transactions WHERE payment_id = :id"), {"id": wrong.id}
    ).scalar_one()
    payments.correct(nabila, transaction_id=receipt, amount=Decimal(400), method="VISA", reason="By card",
                     key=str(new_id()))  # fmt: skip
    found = figures_of(past, back=0)
    money = found.money["EGP"]
    assert {name: (each.received, each.refunded, each.net) for name, each in money.methods.items()} == {
        "CASH": (Decimal(1050), Decimal(750), Decimal(300)), "VISA": (Decimal(400), Decimal(0), Decimal(400)),
    }  # fmt: skip
    assert money.doctors_share + money.centre_share == money.net == Decimal(700)
    assert (money.due.number, money.due.left) == (2, Decimal(50))
    assert found.disagreements == []


def test_another_facilitys_day_is_not_in_it(past: Past, cast: Cast) -> None:
    past.an_ordinary_day()
    with pytest.raises(KeyError):
        make_day(cast.other_organization_id, cast.facility_id, past.day())


ANOTHER_LEG = """
    INSERT INTO payments.ledger_entries
           (id, organization_id, facility_id, transaction_id, account, amount, currency, entered_at)
    SELECT gen_random_uuid(), organization_id, facility_id, id, '{account}', 0.01, currency, payment_date
      FROM payments.payment_transactions WHERE payment_id = :id
"""


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE payments.payments SET amount_paid = amount_paid - 1, doctor_share = doctor_share - 1"
         " WHERE id = :id", {"movements", "shares", "rule", "state"}),
        (ANOTHER_LEG.format(account="CENTRE_INCOME"), {"ledger", "shares"}),
        (ANOTHER_LEG.format(account="DRAWER"), {"ledger"}),
    ],
)  # fmt: skip
def test_a_payment_that_does_not_add_up_is_named(past: Past, change: str, what: set[str]) -> None:
    """No service can do this; the commit would refuse most of it, but this transaction is thrown away."""
    past.an_ordinary_day()
    assert figures_of(past).disagreements == []
    payment = db.session.execute(
        text("SELECT payment_id FROM payments.payment_transactions WHERE payment_method = 'CASH' LIMIT 1")
    ).scalar_one()
    db.session.execute(text(change), {"id": payment})
    found: list[dict[str, Any]] = figures_of(past).disagreements
    assert [each["id"] for each in found] == [str(payment)]
    assert set(found[0]["what"]) == {SENTENCES[kind] for kind in what}


def test_a_days_figures_take_few_statements(past: Past, count_queries: Callable[[], Any]) -> None:
    past.an_ordinary_day()
    figures_of(past)
    with count_queries() as queries:
        figures_of(past)
    assert len(queries) <= 5
