"""Imports and the demonstration lay out visits in bulk: as they were, with numbers that leave no gaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.reception import api as reception
from clinic_web.reception.api import PastVisit
from clinic_web.reception.models import Appointment, Queue, QueueDay, QueueNumber, Visit, VisitTransition
from tests import factories
from tests.reception.desk import Desk

MINUTE = timedelta(minutes=1)


def past(desk: Desk, **fields: Any) -> PastVisit:
    values: dict[str, Any] = {
        "patient_id": fields.get("patient_id") or desk.patient(),
        "service_id": desk.cast.cleaning,
        "clinic_id": desk.cast.dental,
        "facility_id": desk.cast.facility_id,
        "doctor_id": desk.cast.salma,
    }
    return PastVisit(**(values | fields))


def test_a_past_visit_is_completed_on_its_local_day(desk: Desk) -> None:
    started = desk.on(-40, 23, 30)
    row = past(desk, external_id="e-1", opened_at=started, finished_at=started + 20 * MINUTE)
    assert reception.import_past_visits(desk.system, [row]) == 1
    visit = desk.visit(row.id)
    assert (visit.status, visit.queue_day, visit.ticket) == ("COMPLETED", started.date(), None)
    assert (visit.start_time, visit.end_time) == (started, started + 20 * MINUTE)
    assert (visit.visit_type, visit.appointment_id) == ("WALK_IN", None)
    moves = db.session.execute(select(VisitTransition.from_status, VisitTransition.to_status)).all()
    assert [tuple(move) for move in moves] == [(None, "IN_PROGRESS"), ("IN_PROGRESS", "COMPLETED")]


def test_a_second_run_changes_nothing(desk: Desk) -> None:
    rows = [past(desk, external_id=f"e-{number}", finished_at=desk.on(-3, 9, number)) for number in range(5)]
    assert reception.import_past_visits(desk.system, rows) == 5
    assert reception.import_past_visits(desk.system, [*rows, past(desk, finished_at=desk.on(-2, 9))]) == 1
    assert db.session.scalar(select(func.count()).select_from(Visit)) == 6


def test_a_day_laid_out_in_every_state_goes_on_as_if_people_had_done_it(desk: Desk) -> None:
    now = clock.now()
    early, came = now - 90 * MINUTE, now - 60 * MINUTE
    rows = [
        past(desk, came_at=early, opened_at=early + 20 * MINUTE, finished_at=came, status="PENDING_PAYMENT"),
        past(desk, scheduled_at=came, booked_at=early, came_at=came, called_at=now, opened_at=now,
             status="IN_PROGRESS", attending_id=desk.cast.salma, room_id=desk.cast.room),
        past(desk, came_at=came + MINUTE, status="WAITING", doctor_id=None),
        past(desk, came_at=came, left_at=now, reason="X-ray", status="ON_HOLD"),
        past(desk, scheduled_at=early, booked_at=early - 99 * MINUTE, left_at=now, status="NO_SHOW"),
        past(desk, scheduled_at=now + 60 * MINUTE, status="SCHEDULED"),
    ]  # fmt: skip
    reception.import_past_visits(desk.system, [row_with_number(row) for row in rows])
    tickets = reception.tickets_of(desk.system, [row.id for row in rows])
    assert [tickets[row.id] for row in rows] == [f"D-{number:03d}" for number in range(1, 7)]
    assert desk.walk_in().ticket == "D-007"
    assert db.session.scalars(select(QueueDay.last_number)).all() == [7]
    assert sorted(db.session.scalars(select(QueueNumber.number))) == list(range(1, 8))
    appointments = db.session.scalars(select(Appointment.status).order_by(Appointment.start_time)).all()
    assert appointments == ["NO_SHOW", "CHECKED_IN", "CONFIRMED"]
    held = desk.visit(rows[3].id)
    assert held.hold_reason == "X-ray"


def row_with_number(row: PastVisit) -> PastVisit:
    return replace(row, has_number=True)


def test_numbers_of_two_days_and_a_running_queue_do_not_mix(desk: Desk) -> None:
    desk.walk_in()
    yesterday, today = desk.on(-1, 9), clock.now()
    rows = [
        past(desk, came_at=at, finished_at=at + MINUTE, has_number=True)
        for at in (yesterday, today, yesterday)
    ]
    reception.import_past_visits(desk.system, rows)
    numbers = [desk.visit(row.id).queue_number for row in rows]
    assert numbers == [1, 2, 2]


def test_thousands_take_a_few_statements(desk: Desk, count_queries: Any) -> None:
    patient = desk.patient()
    rows = [
        past(desk, patient_id=patient, external_id=f"e-{number}", finished_at=desk.on(-30, 9))
        for number in range(400)
    ]
    with count_queries() as statements:
        reception.import_past_visits(desk.system, rows)
    assert len(statements) < 20


def test_without_a_queue_or_a_time_there_is_no_past(desk: Desk) -> None:
    with pytest.raises(NotFound):
        reception.import_past_visits(
            desk.system, [past(desk, clinic_id=desk.cast.room, finished_at=clock.now())]
        )
    with pytest.raises(ValueError, match="needs a time"):
        reception.import_past_visits(desk.system, [past(desk)])


def test_a_clinic_has_one_queue_and_its_letter_is_its_own(desk: Desk) -> None:
    cast = desk.cast
    same = reception.ensure_queue(
        desk.system, clinic_id=cast.dental, facility_id=cast.facility_id, prefix="Z"
    )
    assert same == cast.dental_queue
    skin = factories.clinic(
        organization_id=cast.organization_id, facility_id=cast.facility_id, code="SKIN", name="Skin"
    )
    new = reception.ensure_queue(
        desk.system, clinic_id=skin, facility_id=cast.facility_id, prefix="D", policy="NUMBER"
    )
    queue = db.session.get_one(Queue, new)
    assert (queue.prefix, queue.policy, queue.privacy) == ("D2", "NUMBER", "NUMBER")


def test_tickets_of_nobody_are_none(desk: Desk) -> None:
    assert reception.tickets_of(desk.system, []) == {}
