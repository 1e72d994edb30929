"""Doctors call: one key finishes the patient in the room and calls exactly one next, in the clinic's way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from clinic_web.kernel import clock, failpoints
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest, RuleBroken, StaleScreen
from clinic_web.kernel.failpoints import FailpointReached
from clinic_web.organization.models import WorkingHours
from clinic_web.payments.models import Payment
from clinic_web.reception.models import Appointment, Queue, Visit, VisitTransition
from clinic_web.reception.service import calling, checking_in, finishing, holding, hours
from tests import factories
from tests.reception.desk import Desk, pay


def test_one_press_finishes_the_patient_in_the_room_and_calls_the_next(desk: Desk, pushed: list[str]) -> None:
    first, second = desk.walk_in(), desk.walk_in()
    called = desk.next()
    assert called is not None
    assert (called.visit_id, called.ticket, called.finished_ticket) == (first.visit_id, "D-001", None)
    assert called.room_id == desk.cast.room
    calling.open_visit(desk.salma, called.visit_id, version=called.version)
    pushed.clear()
    called = desk.next()
    assert called is not None
    assert (called.visit_id, called.finished_ticket) == (second.visit_id, "D-001")
    assert called.finished_visit_id == first.visit_id
    done, now = desk.visit(first.visit_id), desk.visit(second.visit_id)
    assert (done.status, done.end_time is not None) == ("PENDING_PAYMENT", True)
    assert (now.status, now.attending_id, now.room_id, now.times_called) == (
        "CALLED",
        desk.cast.salma,
        desk.cast.room,
        1,
    )
    assert now.version == called.version
    assert pushed.count(f"queue:{desk.cast.dental_queue}") == 1


def test_a_finished_patient_who_has_paid_completes(desk: Desk) -> None:
    visit = desk.visit_in("IN_PROGRESS")
    pay(desk, visit)
    assert desk.next() is None
    assert desk.visit(visit.id).status == "COMPLETED"


def test_when_nobody_waits_the_room_is_finished_all_the_same(desk: Desk) -> None:
    visit = desk.visit_in("IN_PROGRESS")
    assert desk.next(key="press") is None
    assert desk.visit(visit.id).status == "PENDING_PAYMENT"
    desk.walk_in()
    assert desk.next(key="press") is None
    assert desk.next() is not None


def test_a_second_press_of_the_same_key_calls_nobody_else(desk: Desk) -> None:
    desk.walk_in(), desk.walk_in()
    first = desk.next(key="press")
    assert desk.next(key="press") == first
    assert _count("CALLED") == 1


def test_a_nervous_thumb_skips_nobody(desk: Desk) -> None:
    desk.walk_in(), desk.walk_in()
    first, again = desk.next(), desk.next()
    assert first is not None
    assert again == replace(first, was_called_already=True)
    assert (_count("CALLED"), _count("WAITING")) == (1, 1)


def test_without_a_key_nobody_is_called(desk: Desk) -> None:
    desk.walk_in()
    with pytest.raises(BadRequest):
        calling.call_next(desk.salma, key="")


def test_only_people_who_see_patients_call(desk: Desk) -> None:
    opened = desk.walk_in()
    with pytest.raises(RuleBroken):
        desk.next(desk.amina)
    with pytest.raises(RuleBroken):
        calling.call(desk.amina, opened.visit_id, version=opened.version)


def test_a_doctor_calls_their_own_patients_and_those_who_take_anyone(desk: Desk) -> None:
    for_karim, for_anyone = desk.walk_in(doctor_id=desk.cast.karim), desk.walk_in()
    called = desk.next(desk.salma)
    assert called is not None and called.visit_id == for_anyone.visit_id
    called = desk.next(desk.karim)
    assert called is not None and called.visit_id == for_karim.visit_id


def test_yesterdays_leftovers_and_other_clinics_are_not_called(
    desk: Desk, at: Callable[[datetime], None]
) -> None:
    desk.walk_in()
    eye = factories.service(organization_id=desk.cast.organization_id, clinic_id=desk.cast.eye, name="Eyes")
    db.session.commit()
    at(desk.tomorrow(9))
    desk.walk_in(service_id=eye)
    assert desk.next() is None


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("APPOINTMENT_TIME", ["10:05", "walk-in", "10:30", "late walk-in"]),
        ("NUMBER", ["10:30", "walk-in", "10:05", "late walk-in"]),
        ("PRIORITY_THEN_NUMBER", ["10:30", "walk-in", "10:05", "late walk-in"]),
    ],
)
@pytest.mark.parametrize("first", [None, "late walk-in"])
def test_the_clinics_policy_decides_who_is_next_and_priority_stands_above_it(
    desk: Desk, at: Callable[[datetime], None], policy: str, order: list[str], first: str | None
) -> None:
    db.session.get_one(Queue, desk.cast.dental_queue).policy = policy
    db.session.commit()
    ten = clock.now()
    visits: dict[str, UUID] = {"10:30": desk.book(at=ten + timedelta(minutes=30)).visit_id}
    at(ten + timedelta(minutes=1))
    visits["walk-in"] = _came(desk, at, ten + timedelta(minutes=10))
    at(ten + timedelta(minutes=2))
    visits["10:05"] = desk.book(at=ten + timedelta(minutes=5), doctor_id=desk.cast.salma).visit_id
    at(ten + timedelta(minutes=20))
    for name in ("10:30", "10:05"):
        checking_in.check_in(desk.amina, visits[name], version=desk.visit(visits[name]).version)
    visits["late walk-in"] = _came(desk, at, ten + timedelta(minutes=40))
    if first:
        version = desk.visit(visits[first]).version
        checking_in.prioritise(desk.amina, visits[first], "ELDERLY", "82 years", version=version)
        order = [first, *(name for name in order if name != first)]
    assert _called_in_order(desk) == [visits[name] for name in order]


def test_the_higher_priority_goes_first(desk: Desk) -> None:
    plain = desk.walk_in()
    child = desk.walk_in(priority="CHILD", priority_reason="3 years")
    emergency = desk.walk_in(priority="EMERGENCY", priority_reason="bleeding")
    assert _called_in_order(desk) == [emergency.visit_id, child.visit_id, plain.visit_id]


def test_who_is_sent_back_or_resumed_keeps_the_old_place(desk: Desk) -> None:
    first, second, third = desk.walk_in(), desk.walk_in(), desk.walk_in()
    called = desk.next()
    assert called is not None and called.visit_id == first.visit_id
    calling.send_back(desk.salma, first.visit_id, version=called.version)
    held = holding.hold(desk.amina, second.visit_id, "X-ray", version=second.version)
    called = desk.next()
    assert called is not None and called.visit_id == first.visit_id
    calling.open_visit(desk.salma, called.visit_id, version=called.version)
    holding.resume(desk.amina, second.visit_id, version=held.version)
    assert _called_in_order(desk) == [second.visit_id, third.visit_id]


def test_a_doctor_of_two_clinics_calls_from_both_lines(desk: Desk) -> None:
    eye = factories.service(organization_id=desk.cast.organization_id, clinic_id=desk.cast.eye, name="Eyes")
    hana = factories.doctor(
        organization_id=desk.cast.organization_id,
        facility_id=desk.cast.facility_id,
        clinics=[desk.cast.dental, desk.cast.eye],
        first_name="Hana",
    )
    db.session.get_one(Queue, desk.cast.eye_queue).policy = "NUMBER"
    db.session.commit()
    visits = [desk.walk_in().visit_id, desk.walk_in(service_id=eye).visit_id, desk.walk_in().visit_id]
    assert _called_in_order(desk, replace(desk.salma, staff_id=hana)) == visits


def test_the_room_is_that_of_the_present_shift_or_else_the_usual_one(desk: Desk) -> None:
    other = factories.room(
        organization_id=desk.cast.organization_id,
        facility_id=desk.cast.facility_id,
        clinic_id=desk.cast.dental,
        name="9",
    )
    db.session.execute(
        db.update(WorkingHours).where(WorkingHours.staff_id == desk.cast.salma).values(room_id=other)
    )
    db.session.execute(db.delete(WorkingHours).where(WorkingHours.staff_id == desk.cast.karim))
    db.session.commit()
    desk.walk_in(), desk.walk_in()
    rooms = [desk.next(desk.salma), desk.next(desk.karim)]
    assert [called and called.room_id for called in rooms] == [other, desk.usual_room(desk.cast.karim)]


def test_who_works_in_two_clinics_at_once_calls_each_patient_to_the_room_of_that_clinic(desk: Desk) -> None:
    here = {"organization_id": desk.cast.organization_id}
    rooms = [
        factories.room(**here, facility_id=desk.cast.facility_id, clinic_id=clinic, name=name)
        for clinic, name in ((desk.cast.dental, "8"), (desk.cast.eye, "9"))
    ]
    clinics = [desk.cast.dental, desk.cast.eye]
    hana = factories.doctor(
        **here, facility_id=desk.cast.facility_id, clinics=clinics, first_name="Hana", all_day=False
    )
    for clinic, room in zip(clinics, rooms, strict=True):
        for weekday in range(7):
            factories.working_hours(**here, staff_id=hana, clinic_id=clinic, weekday=weekday, room_id=room)
    eye = factories.service(**here, clinic_id=desk.cast.eye, name="Test")
    db.session.commit()
    doctor = replace(desk.salma, staff_id=hana)
    desk.walk_in(), desk.walk_in(service_id=eye), desk.walk_in()
    called = [desk.next(doctor) for _ in range(2) if not _open_last(desk, doctor)]
    assert [each and each.room_id for each in called] == rooms
    last = desk.visit(desk.walk_in(service_id=eye).visit_id)
    _open_last(desk, doctor)
    assert calling.call(doctor, last.id, version=last.version).room_id == rooms[1]


def _open_last(desk: Desk, doctor: Actor) -> None:
    """Whoever is called is in: the next press calls somebody else."""
    called = select(Visit.id, Visit.version).where(
        Visit.attending_id == doctor.staff_id, Visit.status == "CALLED"
    )
    for visit_id, version in db.session.execute(called).all():
        calling.open_visit(doctor, visit_id, version=version)


def test_a_particular_patient_is_called_and_the_one_in_the_room_finished(desk: Desk) -> None:
    in_room = desk.visit_in("IN_PROGRESS")
    desk.walk_in()
    wanted = desk.walk_in()
    called = calling.call(desk.salma, wanted.visit_id, version=wanted.version)
    assert (called.visit_id, called.finished_visit_id) == (wanted.visit_id, in_room.id)
    assert desk.visit(in_room.id).status == "PENDING_PAYMENT"


def test_while_somebody_is_called_and_not_in_nobody_else_can_be(desk: Desk) -> None:
    desk.walk_in()
    wanted = desk.walk_in()
    called = desk.next()
    assert called is not None
    with pytest.raises(StaleScreen) as refused:
        calling.call(desk.salma, wanted.visit_id, version=wanted.version)
    assert refused.value.values["ticket"] == called.ticket


def test_calling_again_counts_and_is_the_latest_call(desk: Desk, at: Callable[[datetime], None]) -> None:
    visit = desk.visit_in("CALLED")
    before = visit.called_at
    assert before is not None
    at(clock.now() + timedelta(minutes=3))
    calling.call_again(desk.salma, visit.id, version=visit.version)
    again = desk.visit(visit.id)
    assert again.times_called == 2
    assert again.called_at is not None and again.called_at > before


def test_undo_of_a_wrong_call_puts_everybody_back_where_they_were(desk: Desk) -> None:
    in_room = desk.visit_in("IN_PROGRESS")
    desk.walk_in()
    called = desk.next()
    assert called is not None and called.finished_visit_id == in_room.id
    calling.undo_call(desk.salma, called.visit_id, version=called.version)
    back, again = desk.visit(called.visit_id), desk.visit(in_room.id)
    assert (back.status, back.attending_id, back.room_id, back.called_at, back.times_called) == (
        "WAITING",
        None,
        None,
        None,
        0,
    )
    assert (again.status, again.end_time, again.attending_id) == ("IN_PROGRESS", None, desk.cast.salma)
    assert db.session.get_one(Appointment, again.appointment_id).status == "CHECKED_IN"
    again_called = desk.next()
    assert again_called is not None and again_called.visit_id == called.visit_id


def test_undo_of_a_call_leaves_a_paid_patient_completed(desk: Desk) -> None:
    in_room = desk.visit_in("IN_PROGRESS")
    pay(desk, in_room)
    desk.walk_in()
    called = desk.next()
    assert called is not None
    calling.undo_call(desk.salma, called.visit_id, version=called.version)
    assert desk.visit(in_room.id).status == "COMPLETED"


def test_undo_of_a_second_call_does_not_bring_back_the_first_ones_patient(desk: Desk) -> None:
    in_room = desk.visit_in("IN_PROGRESS")
    desk.walk_in()
    called = desk.next()
    assert called is not None
    back = calling.send_back(desk.salma, called.visit_id, version=called.version)
    called = calling.call(desk.salma, back.visit_id, version=back.version)
    calling.undo_call(desk.salma, called.visit_id, version=called.version)
    assert desk.visit(in_room.id).status == "PENDING_PAYMENT"


def test_undo_of_a_finish_waits_until_the_room_is_free(desk: Desk) -> None:
    in_room = desk.visit_in("IN_PROGRESS")
    desk.walk_in()
    desk.next()
    finished = desk.visit(in_room.id)
    with pytest.raises(StaleScreen) as refused:
        finishing.undo_finish(desk.salma, finished.id, version=finished.version)
    assert "another patient" in refused.value.sentence


def test_undo_of_a_finish_when_the_time_was_given_away_is_an_overbooking(desk: Desk) -> None:
    finished = desk.visit_in("PENDING_PAYMENT")
    assert finished.scheduled_time is not None
    desk.book(at=finished.scheduled_time)
    finishing.undo_finish(desk.salma, finished.id, version=finished.version)
    appointment = db.session.get_one(Appointment, finished.appointment_id, populate_existing=True)
    assert (appointment.status, appointment.is_overbooking) == ("CHECKED_IN", True)


def test_who_came_after_all_though_the_time_was_given_away_is_an_overbooking(desk: Desk) -> None:
    missed = desk.visit_in("NO_SHOW")
    assert missed.scheduled_time is not None
    other = desk.book(at=missed.scheduled_time)
    holding.came_after_all(desk.amina, missed.id, version=missed.version)
    late = db.session.get_one(Appointment, missed.appointment_id, populate_existing=True)
    assert (late.status, late.is_overbooking) == ("CHECKED_IN", True)
    assert not db.session.get_one(Appointment, other.appointment_id).is_overbooking


def test_a_missed_or_cancelled_visit_owes_nothing_until_the_patient_comes_after_all(desk: Desk) -> None:
    assert _payment(desk.visit_in("CANCELLED").id) == "VOIDED"
    missed = desk.visit_in("NO_SHOW")
    assert _payment(missed.id) == "VOIDED"
    holding.came_after_all(desk.amina, missed.id, version=missed.version)
    assert _payment(missed.id) == "PENDING"


def test_a_cancelled_ticket_keeps_its_number(desk: Desk) -> None:
    cancelled = desk.visit_in("CANCELLED")
    assert cancelled.ticket == "D-001"
    assert desk.walk_in().ticket == "D-002"


def test_the_doctor_who_saw_the_patient_earns_the_share(desk: Desk) -> None:
    opened = desk.walk_in()
    called = desk.next(desk.karim)
    assert called is not None and called.visit_id == opened.visit_id
    calling.open_visit(desk.karim, called.visit_id, version=called.version)
    desk.next(desk.karim)
    payment = db.session.scalars(select(Payment).where(Payment.visit_id == opened.visit_id)).one()
    assert payment.doctor_id == desk.cast.karim


def test_nothing_is_left_of_a_call_that_breaks_before_the_commit(desk: Desk) -> None:
    in_room = desk.visit_in("IN_PROGRESS")
    waiting = desk.walk_in()
    moves = db.session.scalar(select(func.count()).select_from(VisitTransition))
    failpoints.arm("call_next.before_commit", "raise")
    try:
        with pytest.raises(FailpointReached):
            desk.next(key="press")
    finally:
        failpoints.disarm()
    assert desk.visit(in_room.id).status == "IN_PROGRESS"
    assert desk.visit(waiting.visit_id).status == "WAITING"
    assert db.session.scalar(select(func.count()).select_from(VisitTransition)) == moves
    called = desk.next(key="press")
    assert called is not None and called.visit_id == waiting.visit_id


def test_the_usual_call_is_one_statement(desk: Desk, count_queries: object) -> None:
    desk.walk_in()
    hours.shifts(
        desk.salma, desk.cast.dental, clock.today("Africa/Cairo")
    )  # known to the process from here on
    with count_queries() as statements:  # type: ignore[operator]
        called = desk.next()
    assert called is not None and called.ticket == "D-001"
    assert len(statements) == 1, "\n".join(statements)


def test_how_many_statements_a_call_and_a_walk_in_take(desk: Desk, count_queries: object) -> None:
    patients = [desk.patient() for _ in range(3)]
    desk.walk_in(patient_id=patients[0])
    desk.walk_in(patient_id=patients[1])
    called = desk.next()
    assert called is not None
    calling.open_visit(desk.salma, called.visit_id, version=called.version)
    with count_queries() as statements:  # type: ignore[operator]
        desk.next()
    assert len(statements) <= 8, "\n".join(statements)
    with count_queries() as statements:  # type: ignore[operator]
        desk.walk_in(patient_id=patients[2])
    assert len(statements) <= 8, "\n".join(statements)


def _came(desk: Desk, at: Callable[[datetime], None], moment: datetime) -> UUID:
    at(moment)
    return desk.walk_in().visit_id


def _called_in_order(desk: Desk, actor: object = None) -> list[UUID]:
    """Call and open until nobody waits; return who came in, in order."""
    order = []
    while called := desk.next(actor, key=str(uuid4())):  # type: ignore[arg-type]
        order.append(called.visit_id)
        calling.open_visit(desk.salma, called.visit_id, version=called.version)
    return order


def _count(state: str) -> int:
    return db.session.scalar(select(func.count()).where(Visit.status == state)) or 0


def _payment(visit_id: UUID) -> str:
    return db.session.scalars(select(Payment.status).where(Payment.visit_id == visit_id)).one()
