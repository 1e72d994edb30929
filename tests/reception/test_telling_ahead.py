"""What people are told before it is their turn: three, two, one before you; the doctor runs late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import func, select

from clinic_web.kernel import clock, delivery
from clinic_web.kernel.db import db
from clinic_web.kernel.tables import DomainEvent
from clinic_web.reception.models import NextTold
from clinic_web.reception.queries.delays import delays
from clinic_web.reception.service import calling, cancelling, telling_ahead
from tests.reception.desk import Desk, _check_in
from tests.reception.test_races import _waiting, at_once

Browser = Callable[[str], FlaskClient]


def told(of: str = "visit.next") -> list[dict[str, Any]]:
    wanted = select(DomainEvent).where(DomainEvent.event_type == of).order_by(DomainEvent.sequence_number)
    return [event.event_data for event in db.session.scalars(wanted)]


def deliver() -> None:
    while delivery.deliver_next("events"):
        pass


def test_who_moves_up_is_told_once_for_each_place(desk: Desk) -> None:
    opened = [desk.walk_in() for _ in range(6)]
    called = desk.next()
    deliver()
    assert called is not None and told() == []  # the called one is not in yet, and may be sent back
    calling.open_visit(desk.salma, called.visit_id, version=called.version)
    deliver()
    assert [(each["ticket"], each["before"]) for each in told()] == [("D-003", 1), ("D-004", 2), ("D-005", 3)]
    cancelling.cancel_visit(desk.amina, opened[2].visit_id, "left", version=1)
    deliver()
    news = [(each["ticket"], each["before"]) for each in told()[3:]]
    assert news == [("D-004", 1), ("D-005", 2), ("D-006", 3)]
    telling_ahead.tell_next(desk.cast.organization_id, desk.cast.dental, opened[5].visit_id)
    assert len(told()) == 6


def test_only_those_whom_the_same_doctor_may_call_count(desk: Desk) -> None:
    for doctor in (desk.cast.karim, desk.cast.karim, desk.cast.salma, desk.cast.salma):
        desk.walk_in(doctor_id=doctor)
    last = desk.walk_in(doctor_id=desk.cast.salma)
    telling_ahead.tell_next(desk.cast.organization_id, desk.cast.dental, last.visit_id)
    assert {(each["ticket"], each["before"]) for each in told()} == {("D-002", 1), ("D-004", 1), ("D-005", 2)}


def test_many_workers_tell_each_place_once(real_desk: Desk) -> None:
    visits = _waiting(real_desk, 8)
    organization_id, dental = real_desk.cast.organization_id, real_desk.cast.dental

    def tell(visit_id: UUID) -> Callable[[], int]:
        return lambda: telling_ahead.tell_next(organization_id, dental, visit_id)

    answers = at_once((tell(visits[place % 8]) for place in range(40)), workers=20)
    assert sum(answer for answer in answers if isinstance(answer, int)) == 3, answers
    assert db.session.scalar(select(func.count()).select_from(NextTold)) == 3
    assert len(told()) == 3


def test_a_doctor_who_lets_people_wait_past_their_time_runs_late(
    desk: Desk, at: Callable[[datetime], None], as_person: Browser
) -> None:
    today = clock.today("Africa/Cairo")
    visit = desk.visit(desk.book(at=desk.soon(30)).visit_id)
    _check_in(desk, visit)
    first = desk.visit(desk.walk_in().visit_id)
    called = desk.next()
    assert called is not None and called.visit_id == first.id  # the doctor has begun, and stays with this one
    at(clock.now() + timedelta(minutes=57))
    (late,) = delays(desk.cast.organization_id, desk.cast.dental_queue, today)
    assert (late.doctor.id, late.minutes) == (desk.cast.salma, 25)
    assert "25 min late" in as_person("salma").get("/doctor/line").text
    assert "25 late" in as_person("amina").get(f"/desk/rooms?clinic={desk.cast.dental}").text
    assert delays(desk.cast.organization_id, desk.cast.eye_queue, today) == []

    assert telling_ahead.tell_delays() == 1
    assert telling_ahead.tell_delays() == 0
    at(clock.now() + timedelta(minutes=10))
    assert telling_ahead.tell_delays() == 1
    assert [each["minutes"] for each in told("doctor.delayed")] == [15, 30]
