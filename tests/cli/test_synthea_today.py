"""--today: the busiest patients come once more, to two doctors of one clinic, at whatever hour it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from clinic_web.cli.synthea.plan import MINUTE, Span, plan
from clinic_web.identity import api as identity
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.ids import new_id
from clinic_web.organization import api as organization
from clinic_web.payments import api as payments
from clinic_web.reception.service import calling, finishing
from tests.cli import synthea_export as export

DAY = Span(datetime(2026, 11, 21, 5, 0, tzinfo=UTC), datetime(2026, 11, 22, 4, 59, tzinfo=UTC))
MINUTES = [15, 15, 25, 15, 40, 15, 60, 15, 15, 35, 15, 15] * 2


@pytest.mark.parametrize("minute", [0, 1, 14, 31, 300, 720, 1200, 1380, 1430, 1439])
def test_the_plan_keeps_to_the_day_at_any_minute_of_it(minute: int) -> None:
    now = DAY.begins + minute * MINUTE

    appointments, walk_ins = plan(now, DAY, MINUTES)

    assert sorted(each.turn for each in [*appointments, *walk_ins]) == list(range(24))
    assert all(DAY.begins <= each.arrives <= now for each in walk_ins)
    for doctor in (0, 1):
        lane = sorted((each for each in appointments if each.doctor == doctor), key=lambda each: each.start)
        ends = [each.start + MINUTES[each.turn] * MINUTE for each in lane]
        assert DAY.begins <= lane[0].start
        assert ends[-1] <= DAY.ends
        assert all(end <= following.start for end, following in zip(ends, lane[1:], strict=False))
        assert all(DAY.begins <= each.arrives for each in lane)


def test_by_day_some_wait_and_some_are_expected() -> None:
    now = DAY.begins + 9 * 60 * MINUTE

    appointments, walk_ins = plan(now, DAY, MINUTES)

    assert len(walk_ins) == 4
    assert 4 <= sum(each.arrives <= now for each in appointments) <= 10
    assert sum(each.arrives > now for each in appointments) >= 10


@pytest.fixture
def by_day(app: Flask) -> Flask:
    """Skips the hour around New York's midnight, when the day the test began is not the one it ends."""
    local = clock.local(clock.now(), "America/New_York")
    if local.hour == 23 and local.minute > 55:
        pytest.skip("it is about to be midnight in New York")
    return app


def people() -> dict[str, Actor]:
    return identity.actors_of(export.tenant())


def test_a_desk_finds_a_working_day_with_two_doctors_in_one_clinic(by_day: Flask) -> None:
    result = export.run(by_day, export.SMALL, "--today")

    assert "Today at North Road Family Practice LLC, with Dr Ludivina Steuber and Dr Víctor Noriega" in (
        export.said(result)
    )
    today = export.rows(
        "SELECT v.visit_type, count(*), count(DISTINCT v.queue_id), count(DISTINCT v.patient_id)"
        " FROM reception.visits v WHERE v.external_id IS NULL GROUP BY 1 ORDER BY 1"
    )
    assert today == [("SCHEDULED", 6, 1, 6), ("WALK_IN", 1, 1, 1)]
    assert (
        export.one("SELECT count(*) FROM payments.payments WHERE status = 'PENDING' AND ticket IS NOT NULL")
        == 7
    )
    assert export.one("SELECT count(*) FROM reception.visits WHERE status = 'WAITING'") >= 1
    names = export.rows(
        "SELECT p.first_name FROM reception.visits v JOIN patients.patients p ON p.id = v.patient_id"
        " WHERE v.external_id IS NULL"
    )
    assert ("Keenan",) not in names  # who has died
    assert clock.offset() == timedelta(0)


def test_who_comes_from_another_clinic_is_one_person_who_works_in_both(by_day: Flask) -> None:
    export.run(by_day, export.SMALL)
    hired = export.counts()["organization.staff"]
    elsewhere = export.one("SELECT room_id FROM organization.staff WHERE last_name = 'Noriega'")

    export.run(by_day, export.SMALL, "--today")

    assert export.counts()["organization.staff"] == hired
    doctor = people()["victor.noriega"]
    known = organization.directory(doctor.organization_id)
    assert doctor.staff_id is not None
    assert len(known.staff[doctor.staff_id].clinic_ids) == 2
    called = calling.call_next(doctor, key=str(new_id()))
    assert called is not None and called.room_id is not None
    clinic = export.one("SELECT clinic_id FROM reception.visits WHERE id = :id", id=called.visit_id)
    assert known.rooms[called.room_id].clinic_id == clinic
    assert called.room_id != elsewhere


def test_doctor_and_cashier_can_work_through_it(by_day: Flask) -> None:
    export.run(by_day, export.SMALL, "--today")
    actors = people()
    doctor, cashier = actors["victor.noriega"], actors["synthea.cashier"]

    called = calling.call_next(doctor, key=str(new_id()))
    assert called is not None
    opened = calling.open_visit(doctor, called.visit_id, version=called.version)
    finishing.finish(doctor, called.visit_id, version=opened.version)
    owed = payments.owed_for_visits(cashier, [called.visit_id])[called.visit_id]
    payments.take(
        cashier, payment_id=owed.payment_id, amount=owed.balance_due, method="CASH", key=str(new_id())
    )

    assert payments.owed_for_visits(cashier, [called.visit_id])[called.visit_id].is_settled


def test_logins_are_shown_once_and_written_for_their_owner_only(by_day: Flask, tmp_path: Path) -> None:
    file = tmp_path / "logins.json"
    file.write_text("x" * 5000, encoding="utf-8")
    file.chmod(0o644)

    result = export.run(by_day, export.SMALL, "--today", "--logins", file)

    logins = json.loads(file.read_text(encoding="utf-8"))
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert [(each["role"], each["username"]) for each in logins] == [
        ("administrator", "synthea.administrator"),
        ("receptionist", "synthea.receptionist"),
        ("cashier", "synthea.cashier"),
        ("doctor", "ludivina.steuber"),
        ("doctor", "victor.noriega"),
    ]
    assert all(each["password"] in result.output for each in logins)
    assert len({each["password"] for each in logins}) == 5


def test_a_second_run_on_the_same_day_changes_nothing(by_day: Flask, tmp_path: Path) -> None:
    file = tmp_path / "logins.json"
    export.run(by_day, export.SMALL, "--today", "--logins", file)
    before, written = export.everything(), file.read_bytes()

    result = export.run(by_day, export.SMALL, "--today", "--logins", file)

    assert export.everything() == before
    assert file.read_bytes() == written
    assert "The day was laid out before: nothing was changed." in result.output
    assert "their passwords can't be shown again" in result.output


def test_an_import_may_be_given_its_day_later(by_day: Flask) -> None:
    export.run(by_day, export.SMALL)
    assert not people()

    export.run(by_day, export.SMALL, "--today")

    assert len(people()) == 5
    assert export.one("SELECT count(*) FROM reception.visits WHERE external_id IS NULL") == 7


def test_logins_without_a_day_are_refused(app: Flask, tmp_path: Path) -> None:
    result = export.attempt(app, export.SMALL, "--logins", tmp_path / "logins.json")

    assert result.exit_code == 2
    assert "--logins belongs to --today" in result.output


def test_one_doctor_is_too_few_for_a_day(by_day: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    export.rewrite(folder, "encounters.csv", lambda rows: rows[:7])

    result = export.attempt(by_day, folder, "--today")

    assert result.exit_code == 1
    assert "Today needs two doctors with encounters; this export has one." in export.said(result)
    assert not people()


def test_two_doctors_of_one_name_get_a_login_each(by_day: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    export.edit(
        folder, "providers.csv", lambda text: text.replace("Víctor493 Noriega353", "Ludivina1 Steuber2")
    )

    export.run(by_day, folder, "--today")

    assert {"ludivina.steuber", "ludivina.steuber2"} <= set(people())
    assert len({people()[name].staff_id for name in ("ludivina.steuber", "ludivina.steuber2")}) == 2


def test_the_dead_do_not_come(by_day: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    export.rewrite(folder, "patients.csv", lambda rows: [row | {"DEATHDATE": "2024-01-01"} for row in rows])

    result = export.attempt(by_day, folder, "--today")

    assert result.exit_code == 1
    assert "Nobody could come today" in export.said(result)
