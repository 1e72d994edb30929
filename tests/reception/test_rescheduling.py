"""An appointment gets another time: the ticket stays on its day, and numbers stay gapless whatever moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from clinic_web.kernel import clock, delivery, failpoints
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest, NotAllowed, NotFound, StaleScreen
from clinic_web.kernel.failpoints import FailpointReached
from clinic_web.kernel.tables import DomainEvent
from clinic_web.payments.models import Payment
from clinic_web.reception.models import Appointment, Queue, QueueNumber, Visit
from clinic_web.reception.service import checking_in, rescheduling
from clinic_web.reception.service.booking import Booked
from clinic_web.reception.service.rescheduling import NewTime, Rescheduled
from clinic_web.reception.slots import SlotRefused, SlotTaken
from tests.reception.desk import Desk
from tests.reception.test_races import at_once, some_patients


def move(
    desk: Desk, booked: Booked, at: datetime, *, version: int = 1, key: str | None = None, **new: Any
) -> Rescheduled:
    new.setdefault("doctor_id", desk.cast.salma)
    return rescheduling.reschedule(
        desk.amina,
        booked.appointment_id,
        NewTime(start_time=at, **new),
        version=version,
        key=key or str(uuid4()),
    )


def appointment(booked: Booked) -> Appointment:
    return db.session.get_one(Appointment, booked.appointment_id, populate_existing=True)


def numbers_of(desk: Desk, day: datetime) -> list[tuple[int, str, UUID | None]]:
    rows = db.session.execute(
        select(QueueNumber.number, QueueNumber.state, QueueNumber.visit_id)
        .where(QueueNumber.queue_id == desk.cast.dental_queue, QueueNumber.day == day.date())
        .order_by(QueueNumber.number)
    )
    return [(number, state, visit_id) for number, state, visit_id in rows]


def test_on_the_same_day_the_ticket_is_kept(desk: Desk, pushed: list[str]) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    moved = move(desk, booked, desk.tomorrow(11), doctor_id=desk.cast.karim)
    visit, stands = desk.visit(booked.visit_id), appointment(booked)
    assert (moved.ticket, visit.ticket, visit.status) == ("D-001", "D-001", "SCHEDULED")
    assert (stands.status, stands.start_time, stands.doctor_id) == (
        "CONFIRMED",
        desk.tomorrow(11),
        desk.cast.karim,
    )
    assert stands.end_time - stands.start_time == timedelta(minutes=20)
    assert (visit.scheduled_time, visit.doctor_id) == (desk.tomorrow(11), desk.cast.karim)
    payment = db.session.get_one(Payment, booked.payment_id, populate_existing=True)
    assert (payment.due_at, payment.doctor_id, payment.ticket) == (
        desk.tomorrow(11),
        desk.cast.karim,
        "D-001",
    )
    told = db.session.scalars(
        select(DomainEvent).where(DomainEvent.event_type == "appointment.rescheduled")
    ).one()
    assert told.event_data["former_doctor_id"] == str(desk.cast.salma)
    assert f"queue:{desk.cast.dental_queue}" in pushed
    assert desk.book(at=desk.tomorrow(9)).ticket == "D-002"


def test_another_day_has_another_number_and_the_old_one_is_void(desk: Desk) -> None:
    first, second = desk.book(at=desk.tomorrow(9)), desk.book(at=desk.tomorrow(10))
    desk.book(at=desk.on(2, 9))
    moved = move(desk, first, desk.on(2, 10))
    assert (moved.ticket, desk.visit(first.visit_id).queue_day) == ("D-002", desk.on(2, 10).date())
    assert numbers_of(desk, desk.tomorrow(9)) == [(1, "VOID", first.visit_id), (2, "ISSUED", second.visit_id)]
    assert [state for _, state, _ in numbers_of(desk, desk.on(2, 9))] == ["ISSUED", "ISSUED"]
    third = desk.book(at=desk.tomorrow(11))
    assert third.ticket == "D-003"
    payment = db.session.get_one(Payment, first.payment_id, populate_existing=True)
    assert payment.ticket == "D-002"


def test_an_undo_gives_the_old_time_and_the_old_number_back(desk: Desk) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    moved = move(desk, booked, desk.on(3, 9))
    undone = rescheduling.undo_reschedule(desk.amina, booked.appointment_id, version=moved.version)
    assert (undone.ticket, undone.start_time) == ("D-001", desk.tomorrow(9))
    assert numbers_of(desk, desk.tomorrow(9)) == [(1, "ISSUED", booked.visit_id)]
    assert numbers_of(desk, desk.on(3, 9)) == [(1, "VOID", booked.visit_id)]
    with pytest.raises(StaleScreen):
        rescheduling.undo_reschedule(desk.amina, booked.appointment_id, version=undone.version)
    assert move(desk, booked, desk.on(3, 9), version=undone.version).ticket == "D-001"


def test_an_undo_does_not_push_away_who_has_the_time_now(desk: Desk) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    moved = move(desk, booked, desk.tomorrow(11))
    desk.book(at=desk.tomorrow(9))
    with pytest.raises(SlotTaken):
        rescheduling.undo_reschedule(desk.amina, booked.appointment_id, version=moved.version)
    assert appointment(booked).start_time == desk.tomorrow(11)


def test_a_queue_that_draws_at_check_in_has_nothing_to_void(desk: Desk) -> None:
    db.session.get_one(Queue, desk.cast.dental_queue).draw_at = "CHECK_IN"
    db.session.commit()
    booked = desk.book(at=desk.tomorrow(9))
    assert move(desk, booked, desk.on(2, 9)).ticket is None
    assert numbers_of(desk, desk.tomorrow(9)) == []


def test_a_second_press_is_the_same_move(desk: Desk) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    first = move(desk, booked, desk.on(2, 9), key="press")
    assert move(desk, booked, desk.on(2, 9), key="press") == first
    assert len(numbers_of(desk, desk.on(2, 9))) == 1
    with pytest.raises(BadRequest):
        rescheduling.reschedule(
            desk.amina,
            booked.appointment_id,
            NewTime(doctor_id=desk.cast.salma, start_time=desk.tomorrow(12)),
            version=2,
            key="",
        )


def test_a_taken_time_is_refused_with_the_nearest_free_ones(desk: Desk) -> None:
    booked, other = desk.book(at=desk.tomorrow(9)), desk.book(at=desk.tomorrow(10))
    with pytest.raises(SlotTaken) as refused:
        move(desk, booked, desk.tomorrow(10, 10))
    assert len(refused.value.nearest) == 3
    assert appointment(booked).start_time == desk.tomorrow(9)
    assert move(desk, booked, desk.tomorrow(9, 10)).start_time == desk.tomorrow(9, 10), "over its own time"
    assert appointment(other).version == 1


@pytest.mark.parametrize("hours", [-1, -24])
def test_the_past_is_refused(desk: Desk, hours: int) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    with pytest.raises(SlotRefused):
        move(desk, booked, desk.soon(60 * hours))


def test_an_overbooking_by_a_move_needs_the_right_and_a_reason(desk: Desk) -> None:
    desk.book(at=desk.tomorrow(10))
    booked = desk.book(at=desk.tomorrow(9))
    may = desk.amina
    desk.amina = replace(may, permissions=may.permissions - {"appointment.overbook"})
    with pytest.raises(NotAllowed):
        move(desk, booked, desk.tomorrow(10), overbooking_reason="pain")
    desk.amina = may
    moved = move(desk, booked, desk.tomorrow(10), overbooking_reason="pain")
    assert (appointment(booked).is_overbooking, appointment(booked).overbooking_reason) == (True, "pain")
    move(desk, booked, desk.tomorrow(12), version=moved.version, overbooking_reason="pain")
    assert (appointment(booked).is_overbooking, appointment(booked).overbooking_reason) == (False, None)


@pytest.mark.parametrize("state", ["WAITING", "IN_PROGRESS", "NO_SHOW", "CANCELLED", "COMPLETED"])
def test_only_who_is_still_expected_can_move(desk: Desk, state: str) -> None:
    visit = desk.visit_in(state)
    stands = db.session.get_one(Appointment, visit.appointment_id, populate_existing=True)
    with pytest.raises(StaleScreen):
        rescheduling.reschedule(
            desk.amina,
            stands.id,
            NewTime(doctor_id=desk.cast.salma, start_time=desk.tomorrow(9)),
            version=stands.version,
            key="k",
        )


def test_who_saw_an_older_state_is_told_and_an_outsider_finds_nothing(desk: Desk) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    move(desk, booked, desk.tomorrow(10))
    with pytest.raises(StaleScreen):
        move(desk, booked, desk.tomorrow(11), version=1)
    desk.taken_over_by(desk.omar)
    with pytest.raises(NotFound):
        move(desk, booked, desk.tomorrow(11), version=2)


def test_all_or_nothing_when_it_breaks_before_the_commit(desk: Desk) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    failpoints.arm("reschedule.before_commit", "raise")
    try:
        with pytest.raises(FailpointReached):
            move(desk, booked, desk.on(2, 9))
    finally:
        failpoints.disarm()
    assert numbers_of(desk, desk.on(2, 9)) == []
    assert numbers_of(desk, desk.tomorrow(9)) == [(1, "ISSUED", booked.visit_id)]


def test_the_patient_is_told_of_each_move_once(desk: Desk) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    moved = move(desk, booked, desk.on(2, 9))
    rescheduling.undo_reschedule(desk.amina, booked.appointment_id, version=moved.version)
    for _ in range(2):
        db.session.execute(text("UPDATE kernel.deliveries SET state = 'DUE', attempts = 0"))
        db.session.commit()
        while delivery.deliver_next("notifications"):
            pass
    rows = db.session.execute(text("SELECT template, data ->> 'ticket' FROM notifications.notifications"))
    told = sorted((template, ticket) for template, ticket in rows)
    assert told == [
        ("booking_confirmation", "D-001"),
        ("booking_moved", "D-001"),
        ("booking_moved", "D-001"),
    ]


def test_two_drop_on_the_same_time_and_one_gets_it(real_desk: Desk) -> None:
    """Days cross over, too: each of four pairs swaps between two days, and nobody waits for ever."""
    patients = some_patients(real_desk, 8)
    booked = [
        real_desk.book(at=real_desk.on(1 + number % 2, 9 + number // 2), patient_id=patient)
        for number, patient in enumerate(patients)
    ]
    targets = [real_desk.on(2 - number % 2, 14 + number // 4) for number in range(8)]

    def drop(number: int) -> Rescheduled:
        return move(real_desk, booked[number], targets[number], key=str(number))

    answers: list[object] = at_once([partial(drop, number) for number in range(8)], workers=8)
    won = [answer for answer in answers if isinstance(answer, Rescheduled)]
    lost = [answer for answer in answers if not isinstance(answer, Rescheduled)]
    assert all(isinstance(answer, SlotTaken) for answer in lost), answers
    assert (len(won), len(lost)) == (4, 4)
    for day in (1, 2):
        rows = numbers_of(real_desk, real_desk.on(day, 9))
        assert [number for number, _, _ in rows] == list(range(1, len(rows) + 1))
    held = db.session.execute(select(Visit.queue_day, Visit.queue_number)).all()
    assert len(set(held)) == 8


@pytest.mark.usefixtures("at_noon")
def test_a_move_and_a_check_in_at_the_same_instant(real_desk: Desk) -> None:
    for turn in range(6):
        _move_and_check_in_meet(real_desk, turn)


def _move_and_check_in_meet(desk: Desk, turn: int) -> None:
    """Either the patient is checked in at the old time, or expected at the new one; never a bit of both."""
    (patient,) = some_patients(desk, 1)
    booked = desk.book(at=clock.now() + timedelta(minutes=1 + 20 * turn), patient_id=patient)
    db.session.rollback()
    answers: list[object] = at_once(
        [
            partial(move, desk, booked, desk.on(2, 9 + turn), key=f"move {turn}"),
            partial(checking_in.check_in, desk.amina, booked.visit_id, version=booked.version),
        ],
        workers=2,
    )
    assert sum(isinstance(answer, StaleScreen) for answer in answers) == 1, answers
    visit, stands = desk.visit(booked.visit_id), appointment(booked)
    assert visit.scheduled_time == stands.start_time
    assert (visit.status, stands.status) in {("WAITING", "CHECKED_IN"), ("SCHEDULED", "CONFIRMED")}
    db.session.rollback()
