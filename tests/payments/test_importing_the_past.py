"""Payments of other systems: taken over whole, with their ledger; too much is kept as credit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import DomainEvent
from clinic_web.payments import api
from clinic_web.payments.models import LedgerEntry
from tests.cast import Cast
from tests.payments.conftest import legs, movements, payment

LONG_AGO = datetime(2024, 3, 5, 9, 30, tzinfo=UTC)


def past(cast: Cast, total: str, received: str, **fields: Any) -> api.PastPayment:
    values: dict[str, Any] = {
        "visit_id": new_id(),
        "patient_id": new_id(),
        "facility_id": cast.facility_id,
        "clinic_id": cast.dental,
        "doctor_id": cast.salma,
        "service_id": None,
        "currency": "EGP",
        "share_percent": Decimal("33.33"),
        "share_rule_version": 1,
        "opened_at": LONG_AGO,
    } | fields
    return api.PastPayment(total_amount=Decimal(total), received_amount=Decimal(received), **values)


def test_paid_part_paid_and_unpaid_come_as_they_were(cast: Cast) -> None:
    rows = [past(cast, "100", "100"), past(cast, "100", "40"), past(cast, "100", "0"), past(cast, "0", "0")]

    done = api.import_past_payments(cast.people["amina"].actor, rows)

    assert (done.payments, done.movements, done.known, done.over_payments) == (4, 2, 0, [])
    assert [payment(row.id).status for row in rows] == ["PAID", "PARTIALLY_PAID", "PENDING", "PAID"]
    assert [len(movements(row.id)) for row in rows] == [1, 1, 0, 0]
    assert movements(rows[0].id)[0].payment_date == LONG_AGO
    db.session.execute(db.text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_too_much_is_kept_as_credit_and_reported(cast: Cast) -> None:
    row = past(cast, "80", "100.50", method="INSURANCE")
    gift = past(cast, "0", "20")

    done = api.import_past_payments(cast.people["amina"].actor, [row, gift])

    assert [(over.visit_id, over.credit) for over in done.over_payments] == [
        (row.visit_id, Decimal("20.50")),
        (gift.visit_id, Decimal("20.00")),
    ]
    movement = movements(row.id)[0]
    assert (movement.amount, movement.applied_amount, movement.credit_amount) == (
        Decimal("100.50"),
        Decimal(80),
        Decimal("20.50"),
    )
    assert legs(movement.id) == {
        "RECEIVABLE": Decimal("100.50"),
        "DOCTOR_PAYABLE": Decimal("-26.66"),
        "CENTRE_INCOME": Decimal("-53.34"),
        "PATIENT_CREDIT": Decimal("-20.50"),
    }
    assert payment(row.id).amount_paid == Decimal(80)
    db.session.execute(db.text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_a_second_run_changes_nothing(cast: Cast) -> None:
    amina = cast.people["amina"].actor
    rows = [past(cast, "100", "120"), past(cast, "50", "50")]
    api.import_past_payments(amina, rows)
    again = [past(cast, "100", "120", visit_id=rows[0].visit_id), past(cast, "70", "70")]

    done = api.import_past_payments(amina, again)

    assert (done.payments, done.known, len(done.over_payments)) == (1, 1, 0)
    assert len(movements(rows[0].id)) == 1


def test_more_than_a_chunk_comes_in_a_few_statements_and_tells_nobody(
    cast: Cast, count_queries: Callable[[], Any], pushed: list[str]
) -> None:
    rows = [
        past(cast, "100", str(n % 130), opened_at=LONG_AGO + timedelta(minutes=n), clinic_id=cast.eye)
        for n in range(1500)
    ]
    with count_queries() as queries:
        done = api.import_past_payments(cast.people["amina"].actor, rows)

    assert done.payments == 1500
    assert len(queries) < 30
    assert pushed == [f"payments:{cast.eye}"]
    assert db.session.execute(db.select(db.func.count()).select_from(DomainEvent)).scalar() == 0
    assert db.session.execute(db.select(db.func.sum(LedgerEntry.amount))).scalar() == 0
    db.session.execute(
        db.text("SET LOCAL statement_timeout = '2min'")
    )  # both chunks at once, on a busy machine
    db.session.execute(db.text("SET CONSTRAINTS ALL IMMEDIATE"))
