"""A Synthea export is loaded: what comes of it, and that a second run changes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask

from clinic_web.cli.synthea import money as money_of_claims
from clinic_web.kernel.actor import system_actor
from clinic_web.organization import api as organization
from tests.cli import synthea_export as export


@pytest.fixture
def small(app: Flask) -> Flask:
    export.run(app, export.SMALL)
    return app


def test_everything_of_the_export_is_there(app: Flask) -> None:
    result = export.run(app, export.SMALL)

    assert export.counts() == {
        "patients.patients": 8,
        "organization.clinics": 3,
        "organization.services": 7,
        "organization.staff": 4,
        "reception.visits": 12,
        "payments.payments": 11,  # one encounter has no claim
        "payments.payment_transactions": 9,
    }
    assert "Rows refused: 0." in export.said(result)
    assert "changed nothing" not in result.output


def test_places_have_readable_names_and_queues_of_their_own(small: Flask) -> None:
    there = organization.directory(export.tenant())

    assert [each.name for each in there.clinics.values()] == [
        "North Road Family Practice LLC",
        "St Anne's Walk-In Center of MA",
        "PCP100",
    ]
    assert export.rows("SELECT prefix FROM reception.queues ORDER BY 1") == [("A",), ("B",), ("C",)]
    facility = next(iter(there.facilities.values()))
    assert (facility.timezone, facility.currency, facility.phone_country) == ("America/New_York", "USD", "US")


def test_doctors_lose_their_digits_and_those_who_see_patients_have_a_room_and_hours(small: Flask) -> None:
    there = organization.directory(export.tenant())
    staff = export.rows(
        "SELECT external_id, first_name, last_name, short_name, specialty, room_id IS NOT NULL, share_percent"
        " FROM organization.staff ORDER BY external_id"
    )

    assert [row[1:] for row in staff] == [
        ("Ludivina", "Steuber", "Dr Steuber", "General Practice", True, Decimal(60)),
        ("Víctor", "Noriega", "Dr Noriega", "Internal Medicine", True, Decimal(60)),
        ("Ozzie", "O'Reilly", "Dr O'Reilly", "Physical Therapy", False, Decimal(60)),
        ("Ludivina", "Steuber", "Dr Steuber", "Family Practice", False, Decimal(60)),
    ]
    clinic = next(iter(there.clinics.values()))
    shifts = organization.shifts(system_actor(export.tenant()), clinic.id, date(2026, 11, 21))
    assert len(shifts) == 1


def test_a_service_is_what_a_clinic_did_with_its_usual_length_and_price(small: Flask) -> None:
    assert export.rows(
        "SELECT c.name, s.name, s.duration_minutes, s.price FROM organization.services s"
        " JOIN organization.clinics c ON c.id = s.clinic_id ORDER BY c.sort_order, s.name"
    ) == [
        ("North Road Family Practice LLC", "Encounter Inpatient", 480, Decimal("77.49")),
        ("North Road Family Practice LLC", "Follow-up encounter", 15, Decimal("77.49")),
        ("North Road Family Practice LLC", "General examination of patient", 15, Decimal("129.16")),
        ("North Road Family Practice LLC", "Well child visit", 15, Decimal("129.16")),
        ("St Anne's Walk-In Center of MA", "Encounter for problem", 15, Decimal("77.49")),
        ("St Anne's Walk-In Center of MA", "General examination of patient", 15, Decimal("129.16")),
        ("St Anne's Walk-In Center of MA", "Well child visit", 15, Decimal("129.16")),
    ]


def test_patients_come_with_what_is_known_of_them(small: Flask) -> None:
    born = export.rows(
        "SELECT first_name, last_name, gender, date_of_birth, address_line1, city, zip_code, phone_primary"
        " FROM patients.patients WHERE first_name IN ('Maynard', 'Eugena') ORDER BY 1"
    )

    assert born == [
        ("Eugena", "Prohaska", "FEMALE", date(1982, 6, 19), "12 Mill Street", "Lowell", None, None),
        (
            "Maynard",
            "Mosciski",
            "MALE",
            date(2014, 10, 6),
            "784 Stamm Lock Unit 46",
            "Somerville",
            "02155",
            None,
        ),
    ]


def test_past_visits_are_completed_on_the_local_day_on_which_they_were(small: Flask) -> None:
    visits = export.rows(
        "SELECT v.status, v.queue_day, v.start_time, v.end_time, p.first_name FROM reception.visits v"
        " JOIN patients.patients p ON p.id = v.patient_id WHERE p.first_name = 'Eugena'"
    )

    # 01:30 of the 11th in UTC is the evening of the 10th in New York.
    assert visits == [
        (
            "COMPLETED",
            date(2023, 3, 10),
            datetime(2023, 3, 11, 1, 30, tzinfo=UTC),
            datetime(2023, 3, 11, 1, 47, tzinfo=UTC),
            "Eugena",
        )
    ]


def test_nothing_counts_twice_and_too_much_is_kept_as_credit(small: Flask) -> None:
    assert export.money() == (Decimal("1914.79"), Decimal("1348.14"), Decimal("62.51"))
    assert dict(export.rows("SELECT status, count(*) FROM payments.payments GROUP BY 1")) == {
        "PAID": 9,
        "PARTIALLY_PAID": 1,
        "PENDING": 1,
    }
    assert export.rows(
        "SELECT total_amount, balance_due FROM payments.payments WHERE status = 'PARTIALLY_PAID'"
    ) == [(Decimal("900.00"), Decimal("500.00"))]
    assert export.one("SELECT sum(amount) FROM payments.ledger_entries") == 0
    assert export.one(
        "SELECT sum(amount) FROM payments.ledger_entries WHERE account = 'PATIENT_CREDIT'"
    ) == Decimal("-62.51")


def test_over_payments_are_reported_with_their_amounts(app: Flask, tmp_path: Path) -> None:
    result = export.run(app, export.SMALL, "--report", tmp_path / "report.csv")

    over = [row for row in export.report_of(tmp_path / "report.csv") if row["what"] == "over-paid"]
    assert [(row["line"], row["reason"], row["owed"], row["received"], row["credit"]) for row in over] == [
        ("9", "more was received than was owed", "15.01", "75.00", "59.99"),
        ("11", "more was received than was owed", "77.49", "80.00", "2.51"),
        ("13", "a cent of rounding", "250.46", "250.47", "0.01"),
    ]
    assert "Over-paid claims: 2, and 1 by a cent of rounding; together 62.51 USD." in export.said(result)
    assert "credit of patients 62.51 USD from 3 visits" in export.said(result)


def test_a_second_run_changes_nothing_and_says_so(small: Flask) -> None:
    before = export.everything()

    result = export.run(small, export.SMALL)

    assert export.everything() == before
    assert "The export changed nothing: all of it was here already." in result.output


def test_the_next_run_completes_one_that_was_interrupted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(money_of_claims, "load", lambda *_: (_ for _ in ()).throw(ConnectionError("away")))
        assert isinstance(export.attempt(app, export.SMALL).exception, ConnectionError)
    assert export.counts()["reception.visits"] == 12
    assert export.counts()["payments.payments"] == 0

    export.run(app, export.SMALL)

    assert export.money() == (Decimal("1914.79"), Decimal("1348.14"), Decimal("62.51"))


def test_what_a_later_export_brings_is_added_to_what_is_there(app: Flask, tmp_path: Path) -> None:
    first = export.copy_to(tmp_path)
    export.rewrite(first, "encounters.csv", lambda rows: rows[:7])
    export.rewrite(first, "patients.csv", lambda rows: rows[:7])
    export.rewrite(first, "organizations.csv", lambda rows: rows[:1])
    export.run(app, first)
    assert export.counts()["reception.visits"] == 7

    export.run(app, export.SMALL)

    assert export.counts()["reception.visits"] == 12
    assert export.money() == (Decimal("1914.79"), Decimal("1348.14"), Decimal("62.51"))
    assert export.rows("SELECT prefix FROM reception.queues ORDER BY 1") == [("A",), ("B",), ("C",)]


def test_the_dead_are_imported_and_named_as_a_gap(app: Flask) -> None:
    result = export.run(app, export.SMALL)

    assert "Patients who have died: 1." in export.said(result)
    assert export.one("SELECT count(*) FROM patients.patients WHERE first_name = 'Keenan'") == 1


def test_allergies_and_conditions_are_the_patients_notes(app: Flask) -> None:
    result = export.run(app, export.SMALL)
    assert "allergies 2 0" in export.said(result) and "conditions 2 0" in export.said(result)
    assert export.rows(
        "SELECT allergen_type, allergen_name, reaction, severity, is_active FROM patients.allergies"
        " ORDER BY allergen_name"
    ) == [
        ("ENVIRONMENTAL", "Latex", "Itching, Eruption of skin", "MODERATE", True),
        ("FOOD", "Peanut", None, None, False),
    ]
    assert export.rows(
        "SELECT condition_name, resolved_date IS NULL, is_active FROM patients.conditions ORDER BY 1"
    ) == [
        ("Acute viral pharyngitis", False, False),
        ("Perennial allergic rhinitis with seasonal variation", True, True),
    ]
