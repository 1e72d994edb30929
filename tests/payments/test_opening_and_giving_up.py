"""What reception does with a payment: open it, give it a ticket, lock it, give it up, take that back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from clinic_web.audit.models import Change
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.ids import new_id
from clinic_web.payments import api
from clinic_web.payments.models import LedgerEntry
from tests.cast import Cast
from tests.payments.conftest import Bill, Opens, payment
from tests.payments.test_taking_money import take


def test_a_payment_is_opened_with_one_statement(
    opens: Opens, cast: Cast, count_queries: Callable[[], Any]
) -> None:
    patient_id = opens().patient_id
    with count_queries() as queries:
        opens("250", patient_id=patient_id)

    assert [query.split()[0] for query in queries if "payments.payments" in query] == ["INSERT"]


def test_what_visits_owe_comes_in_one_query(
    opens: Opens, cast: Cast, count_queries: Callable[[], Any]
) -> None:
    bills = [opens(str(100 * n)) for n in range(1, 8)]
    amina = cast.people["amina"].actor
    take(amina, bills[0], "100")
    with count_queries() as queries:
        owed = api.owed_for_visits(amina, [bill.visit_id for bill in bills] + [new_id()])

    assert len(queries) == 1
    assert len(owed) == 7
    assert owed[bills[0].visit_id].is_settled and not owed[bills[1].visit_id].is_settled
    assert owed[bills[6].visit_id].balance_due == Decimal(700)
    assert api.owed_for_visits(amina, []) == {}


def test_nothing_of_another_tenant_is_owed(bill: Bill, cast: Cast) -> None:
    omar = cast.people["omar"].actor

    assert api.owed_for_visits(omar, [bill.visit_id]) == {}
    assert not api.void_for_visit(omar, bill.visit_id, "Not mine.")
    for ask in (
        lambda: api.lock_for_visit(omar, bill.visit_id),
        lambda: api.give_ticket(omar, bill.visit_id, "D-001", None),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_visit_has_one_payment(bill: Bill, opens: Opens, cast: Cast) -> None:
    with pytest.raises(IntegrityError, match="uq_payments_visit_id"):
        api.open_payment(
            cast.people["amina"].actor,
            api.NewPayment(
                id=new_id(),
                visit_id=bill.visit_id,
                patient_id=bill.patient_id,
                facility_id=cast.facility_id,
                clinic_id=cast.dental,
                doctor_id=None,
                service_id=None,
                ticket=None,
                total_amount=Decimal(1),
                currency="EGP",
                share_percent=Decimal(0),
                share_rule_version=1,
            ),
        )


def test_what_costs_nothing_is_settled_from_the_start(opens: Opens, cast: Cast) -> None:
    bill = opens("0")

    assert api.lock_for_visit(cast.people["amina"].actor, bill.visit_id).is_settled
    assert payment(bill.payment_id).status == "PAID"


def test_a_ticket_and_a_doctor_are_given_and_none_leaves_them(bill: Bill, cast: Cast) -> None:
    amina = cast.people["amina"].actor
    api.give_ticket(amina, bill.visit_id, "D-050", None)
    assert (payment(bill.payment_id).ticket, payment(bill.payment_id).doctor_id) == ("D-050", cast.salma)

    api.give_ticket(amina, bill.visit_id, None, cast.karim)
    assert (payment(bill.payment_id).ticket, payment(bill.payment_id).doctor_id) == ("D-050", cast.karim)


def test_the_share_goes_over_to_the_doctor_who_saw_the_patient(bill: Bill, cast: Cast) -> None:
    amina = cast.people["amina"].actor
    take(amina, bill, "200")
    take(amina, bill, "100", "VISA")

    api.give_ticket(amina, bill.visit_id, None, cast.karim)

    earned = db.session.execute(
        db.select(LedgerEntry.doctor_id, db.func.sum(LedgerEntry.amount))
        .where(LedgerEntry.account == "DOCTOR_PAYABLE")
        .group_by(LedgerEntry.doctor_id)
    )
    assert {doctor: amount for doctor, amount in earned} == {
        cast.salma: Decimal(0),
        cast.karim: Decimal("-180.00"),
    }
    db.session.execute(db.text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_a_visit_that_is_off_gives_its_payment_up(bill: Bill, cast: Cast, pushed: list[str]) -> None:
    amina = cast.people["amina"].actor

    assert api.void_for_visit(amina, bill.visit_id, "The patient called off.")
    assert api.void_for_visit(amina, bill.visit_id, "Again.")

    found = payment(bill.payment_id)
    assert (found.status, found.void_reason, found.balance_due) == ("VOIDED", "The patient called off.", 0)
    assert pushed == [f"payments:{cast.dental}"]
    change = db.session.execute(db.select(Change).filter_by(resource_id=bill.payment_id)).scalar_one()
    assert (change.action, change.user_id) == ("payment.void", amina.user_id)


def test_money_that_was_taken_is_not_given_up(bill: Bill, cast: Cast) -> None:
    amina = cast.people["amina"].actor
    take(amina, bill, "1")

    assert not api.void_for_visit(amina, bill.visit_id, "The patient called off.")
    assert payment(bill.payment_id).status == "PARTIALLY_PAID"


def test_a_patient_who_came_after_all_owes_again(bill: Bill, cast: Cast) -> None:
    amina = cast.people["amina"].actor
    api.void_for_visit(amina, bill.visit_id, "Did not come.")

    assert api.reopen_for_visit(amina, bill.visit_id)
    assert not api.reopen_for_visit(amina, bill.visit_id)
    assert api.lock_for_visit(amina, bill.visit_id).balance_due == Decimal(600)
