"""A patient comes without an appointment: a number at once, a place in the line, a payment to make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select, text

from clinic_web.kernel import failpoints
from clinic_web.kernel.broker import Broker
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound, RuleBroken
from clinic_web.kernel.failpoints import FailpointReached
from clinic_web.kernel.tables import DomainEvent
from clinic_web.organization import api as organization
from clinic_web.organization.models import Facility
from clinic_web.payments import api as payments
from clinic_web.reception.models import Queue, QueueDay, QueueNumber, Visit
from clinic_web.reception.models.queues import ticket_text
from clinic_web.reception.service import checking_in
from tests.cast import Cast
from tests.reception.conftest import keep_in_process
from tests.reception.desk import Desk


def test_a_walk_in_waits_at_once_with_a_number_and_a_payment(desk: Desk, pushed: list[str]) -> None:
    opened = desk.walk_in()
    visit = desk.visit(opened.visit_id)
    assert (opened.ticket, visit.ticket, visit.status, visit.visit_type) == (
        "D-001",
        "D-001",
        "WAITING",
        "WALK_IN",
    )
    assert visit.check_in_time is not None
    assert visit.appointment_id is None
    owed = payments.owed_for_visits(desk.amina, [visit.id])[visit.id]
    assert (owed.payment_id, owed.total_amount) == (opened.payment_id, 450)
    told = db.session.scalars(select(DomainEvent.event_type)).all()
    assert told == ["visit.opened"]
    assert f"queue:{desk.cast.dental_queue}" in pushed


def test_numbers_follow_each_other_and_each_has_a_row(desk: Desk) -> None:
    assert [desk.walk_in().ticket for _ in range(3)] == ["D-001", "D-002", "D-003"]
    assert sorted(db.session.scalars(select(QueueNumber.number))) == [1, 2, 3]


def test_the_database_writes_tickets_as_the_program_does(desk: Desk) -> None:
    desk.walk_in()
    for number in (7, 42, 999, 1000, 12345):
        db.session.execute(db.update(QueueDay).values(last_number=number - 1))
        assert desk.walk_in().ticket == ticket_text("D", number)


def test_a_second_press_is_the_same_number(desk: Desk) -> None:
    patient = desk.patient()
    first = desk.walk_in(patient_id=patient, key="press")
    assert desk.walk_in(patient_id=patient, key="press") == first
    assert db.session.scalar(select(func.count()).select_from(QueueNumber)) == 1


def test_who_waits_already_gets_no_second_number_and_hears_the_first(desk: Desk) -> None:
    patient = desk.patient()
    first = desk.walk_in(patient_id=patient)
    with pytest.raises(RuleBroken) as refused:
        desk.walk_in(patient_id=patient)
    assert (refused.value.field, refused.value.values["ticket"]) == ("patient_id", first.ticket)
    assert desk.walk_in().ticket == "D-002"


def test_who_waits_already_can_not_be_checked_in_as_well(desk: Desk) -> None:
    patient = desk.patient()
    booked = desk.book(patient_id=patient)
    waiting = desk.walk_in(patient_id=patient)
    with pytest.raises(RuleBroken) as refused:
        checking_in.check_in(desk.amina, booked.visit_id, version=booked.version)
    assert refused.value.values["ticket"] == waiting.ticket


def test_priority_is_given_with_its_reason_at_once(desk: Desk) -> None:
    opened = desk.walk_in(priority="EMERGENCY", priority_reason="bleeding")
    visit = desk.visit(opened.visit_id)
    assert (visit.priority, visit.priority_rank, visit.priority_reason) == ("EMERGENCY", 90, "bleeding")
    assert (visit.priority_by, visit.priority_at is not None) == (desk.amina.user_id, True)
    with pytest.raises(RuleBroken) as refused:
        desk.walk_in(priority="EMERGENCY")
    assert refused.value.field == "priority_reason"


def test_a_walk_in_can_not_become_expected(desk: Desk) -> None:
    opened = desk.walk_in()
    with pytest.raises(RuleBroken):
        checking_in.undo_check_in(desk.amina, opened.visit_id, version=opened.version)


def test_a_clinic_without_an_open_queue_takes_no_walk_ins(desk: Desk) -> None:
    db.session.get_one(Queue, desk.cast.dental_queue).is_active = False
    db.session.commit()
    with pytest.raises(NotFound):
        desk.walk_in()


def test_the_usual_walk_in_is_one_statement(desk: Desk, count_queries: object) -> None:
    patient = desk.patient()
    desk.walk_in()  # from here on the process knows the clinic
    with count_queries() as statements:  # type: ignore[operator]
        opened = desk.walk_in(patient_id=patient)
    assert opened.ticket == "D-002"
    assert len(statements) == 1, "\n".join(statements)


def test_a_price_changed_by_somebody_else_a_moment_ago_is_the_price(desk: Desk) -> None:
    desk.walk_in()
    changed_elsewhere(desk, 500)
    opened = desk.walk_in()
    assert payments.owed_for_visits(desk.amina, [opened.visit_id])[opened.visit_id].total_amount == 500


def changed_elsewhere(desk: Desk, price: int) -> None:
    """As another process commits it: this one has not looked again yet."""
    values = {"price": price, "topic": organization.topic(desk.cast.organization_id)}
    db.session.execute(text("UPDATE organization.services SET price = :price"), values)
    db.session.execute(text("UPDATE kernel.streams SET seq = seq + 1 WHERE topic = :topic"), values)
    db.session.commit()


def test_nothing_is_left_of_a_walk_in_that_breaks_before_the_commit(desk: Desk) -> None:
    desk.walk_in()
    changed_elsewhere(desk, 450)  # such a walk-in takes several statements
    failpoints.arm("walk_in.before_commit", "raise")
    try:
        with pytest.raises(FailpointReached):
            desk.walk_in()
    finally:
        failpoints.disarm()
    assert db.session.scalar(select(func.count()).select_from(Visit)) == 1
    assert desk.walk_in().ticket == "D-002"


MIDNIGHTS = [
    ("Africa/Cairo", "2026-11-20T21:59:59+00:00", "2026-11-20"),
    ("Africa/Cairo", "2026-11-20T22:00:00+00:00", "2026-11-21"),
    # Cairo's clocks go forward at midnight: the 24th of April 2026 begins at one o'clock.
    ("Africa/Cairo", "2026-04-23T21:59:59+00:00", "2026-04-23"),
    ("Africa/Cairo", "2026-04-23T22:00:00+00:00", "2026-04-24"),
    # And back on the 30th of October: 23:30 comes twice, both on the 29th.
    ("Africa/Cairo", "2026-10-29T20:30:00+00:00", "2026-10-29"),
    ("Africa/Cairo", "2026-10-29T21:30:00+00:00", "2026-10-29"),
    ("Africa/Cairo", "2026-10-29T22:00:00+00:00", "2026-10-30"),
    ("Pacific/Auckland", "2026-11-18T10:59:59+00:00", "2026-11-18"),
    ("Pacific/Auckland", "2026-11-18T11:00:00+00:00", "2026-11-19"),
]


def test_midnight_of_the_facility_turns_the_queues_day(at: Callable[[datetime], None], cast: Cast) -> None:
    desk, drawn = Desk(cast), Counter[str]()
    for timezone, utc, day in MIDNIGHTS:
        db.session.get_one(Facility, cast.facility_id).timezone = timezone
        keep_in_process(cast)
        at(datetime.fromisoformat(utc))
        visit = desk.visit(desk.walk_in().visit_id)
        drawn[day] += 1
        assert (visit.queue_day.isoformat(), visit.queue_number) == (day, drawn[day])


def test_screens_and_workers_are_told_of_it_in_one_round_trip(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[list[str]] = []
    send = Broker._say

    def note(self: Broker, commands: list[tuple[Any, ...]]) -> list[Any] | None:
        trips.append([command[0] for command in commands])
        return send(self, commands)

    patient = desk.patient()
    monkeypatch.setattr(Broker, "_say", note)
    desk.walk_in(patient_id=patient)
    assert [set(each) for each in trips] == [{"PUBLISH", "SET"}]
