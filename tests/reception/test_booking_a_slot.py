"""The desk books: all of it or nothing, once per press, never over another appointment unless on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import clock, failpoints
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest, NotAllowed, NotFound, RuleBroken
from clinic_web.kernel.failpoints import FailpointReached
from clinic_web.kernel.tables import DomainEvent
from clinic_web.payments import api as payments
from clinic_web.reception.models import Appointment, Queue, QueueNumber, Visit
from clinic_web.reception.service import booking, checking_in
from clinic_web.reception.service.booking import Booking
from clinic_web.reception.slots import FREE, OVER, TAKEN, SlotRefused, SlotTaken, nearest_slots, slots
from tests import factories
from tests.reception.desk import Desk


def test_a_booking_is_appointment_visit_payment_number_and_event(desk: Desk, pushed: list[str]) -> None:
    booked = desk.book(at=desk.tomorrow(9), notes="first time")
    appointment = db.session.get_one(Appointment, booked.appointment_id)
    visit = desk.visit(booked.visit_id)
    day = desk.tomorrow(9).date()
    assert appointment.end_time - appointment.start_time == timedelta(minutes=20)
    assert (appointment.status, visit.status, visit.queue_day) == ("CONFIRMED", "SCHEDULED", day)
    assert (booked.ticket, visit.ticket, visit.queue_number) == ("D-001", "D-001", 1)
    assert booked.booking_id.startswith(f"BK-{day:%Y%m%d}-")
    owed = payments.owed_for_visits(desk.amina, [visit.id])[visit.id]
    assert (owed.payment_id, owed.total_amount) == (booked.payment_id, 450)
    told = db.session.scalars(select(DomainEvent).where(DomainEvent.event_type == "appointment.booked")).one()
    assert (told.aggregate_id, told.event_data["ticket"]) == (appointment.id, "D-001")
    assert f"queue:{desk.cast.dental_queue}" in pushed
    seen = db.session.scalars(select(AccessLog).where(AccessLog.action == "appointment.book")).one()
    assert (seen.user_id, seen.resource_id) == (desk.amina.user_id, appointment.id)


def test_each_day_has_numbers_of_its_own(desk: Desk) -> None:
    days = [desk.tomorrow(9), desk.tomorrow(10), desk.on(2, 9), desk.tomorrow(11)]
    assert [desk.book(at=day).ticket for day in days] == ["D-001", "D-002", "D-001", "D-003"]


def test_a_second_press_of_the_same_key_is_the_same_booking(desk: Desk) -> None:
    patient = desk.patient()
    first = desk.book(at=desk.tomorrow(9), patient_id=patient, key="press")
    again = desk.book(at=desk.tomorrow(9), patient_id=patient, key="press")
    assert again == first
    assert db.session.scalar(select(func.count()).select_from(Appointment)) == 1


def test_the_same_key_for_another_booking_is_refused(desk: Desk) -> None:
    desk.book(at=desk.tomorrow(9), key="press")
    with pytest.raises(RuleBroken):
        desk.book(at=desk.tomorrow(10), key="press")


def test_without_a_key_nothing_is_booked(desk: Desk) -> None:
    wanted = Booking(
        patient_id=desk.patient(),
        service_id=desk.cast.cleaning,
        doctor_id=desk.cast.salma,
        start_time=desk.tomorrow(9),
    )
    with pytest.raises(BadRequest):
        booking.book(desk.amina, wanted, key="")


def test_all_or_nothing_when_it_breaks_before_the_commit(desk: Desk) -> None:
    failpoints.arm("book.before_commit", "raise")
    try:
        with pytest.raises(FailpointReached):
            desk.book(at=desk.tomorrow(9))
    finally:
        failpoints.disarm()
    for table in (Appointment, Visit, QueueNumber):
        assert db.session.scalar(select(func.count()).select_from(table)) == 0
    assert desk.book(at=desk.tomorrow(9)).ticket == "D-001"


@pytest.mark.parametrize("minutes", [-1, 0, -24 * 60])
def test_a_slot_in_the_past_is_refused_with_the_nearest_free_ones(desk: Desk, minutes: int) -> None:
    with pytest.raises(SlotRefused) as refused:
        desk.book(at=clock.now() + timedelta(minutes=minutes))
    assert refused.value.field == "start_time"
    nearest = refused.value.nearest
    assert len(nearest) == 3
    assert all(slot.start_time > clock.now() and slot.state == FREE for slot in nearest)
    assert {slot.doctor_id for slot in nearest} == {desk.cast.salma, desk.cast.karim}


def test_a_slot_outside_hours_is_refused_with_the_nearest_free_ones(desk: Desk) -> None:
    hana = _doctor_from(desk, time(9), time(13))
    for hour, minute in ((8, 59), (13, 0), (12, 50), (20, 0)):
        with pytest.raises(SlotRefused) as refused:
            desk.book(at=desk.tomorrow(hour, minute), doctor_id=hana)
        assert refused.value.field == "start_time"
        assert len(refused.value.nearest) == 3
    assert desk.book(at=desk.tomorrow(12, 40), doctor_id=hana).ticket == "D-001"


def test_a_taken_slot_is_refused_with_the_nearest_free_ones(desk: Desk) -> None:
    desk.book(at=desk.tomorrow(9, 20))
    for minute in (1, 20, 39):
        with pytest.raises(SlotTaken) as refused:
            desk.book(at=desk.tomorrow(9, minute))
        starts = {(slot.doctor_id, slot.start_time) for slot in refused.value.nearest}
        assert len(starts) == 3
        assert (desk.cast.salma, desk.tomorrow(9, 20)) not in starts
    booked = [desk.book(at=desk.tomorrow(9)), desk.book(at=desk.tomorrow(9, 40))]
    assert [each.ticket for each in booked] == ["D-002", "D-003"]


@pytest.mark.parametrize("state", ["CANCELLED", "NO_SHOW"])
def test_a_cancelled_or_missed_appointment_frees_its_slot(desk: Desk, state: str) -> None:
    former = desk.visit_in(state)
    assert desk.book(at=former.scheduled_time, doctor_id=former.doctor_id).ticket == "D-002"


def test_an_overbooking_needs_the_right_and_a_reason_and_really_is_one(desk: Desk) -> None:
    at = desk.tomorrow(9)
    desk.book(at=at)
    may_not = desk.amina
    desk.amina = replace(may_not, permissions=may_not.permissions - {"appointment.overbook"})
    with pytest.raises(NotAllowed):
        desk.book(at=at, overbooking_reason="pain")
    desk.amina = replace(may_not, permissions=may_not.permissions | {"appointment.overbook"})
    over = desk.book(at=at, overbooking_reason="pain")
    appointment = db.session.get_one(Appointment, over.appointment_id)
    assert (appointment.is_overbooking, appointment.overbooking_reason) == (True, "pain")
    free = desk.book(at=desk.tomorrow(11), overbooking_reason="pain")
    assert not db.session.get_one(Appointment, free.appointment_id).is_overbooking
    with pytest.raises(SlotTaken):
        desk.book(at=desk.tomorrow(11))


def test_a_visit_may_go_over_the_end_of_the_shift_only_on_purpose(desk: Desk) -> None:
    hana = _doctor_from(desk, time(9), time(13))
    desk.amina = replace(desk.amina, permissions=desk.amina.permissions | {"appointment.overbook"})
    assert desk.book(at=desk.tomorrow(13), doctor_id=hana, overbooking_reason="fever").ticket
    with pytest.raises(SlotRefused):
        desk.book(at=desk.tomorrow(13, 1), doctor_id=hana, overbooking_reason="fever")


@pytest.mark.parametrize("unknown", ["patient_id", "service_id", "doctor_id"])
def test_what_is_unknown_here_can_not_be_booked(desk: Desk, unknown: str) -> None:
    with pytest.raises(NotFound):
        desk.book(at=desk.tomorrow(9), **{unknown: uuid4()})


def test_the_outsider_can_not_book_here(desk: Desk) -> None:
    patient = desk.patient()
    desk.taken_over_by(desk.omar)
    with pytest.raises(NotFound):
        desk.book(at=desk.tomorrow(9), patient_id=patient)


def test_a_service_of_another_facility_is_not_offered_at_this_desk(desk: Desk) -> None:
    elsewhere = replace(desk.amina, facility_id=uuid4())
    patient, desk.amina = desk.patient(), elsewhere
    with pytest.raises(NotFound):
        desk.book(at=desk.tomorrow(9), patient_id=patient)


def test_a_queue_that_draws_at_check_in_gives_the_number_then(desk: Desk) -> None:
    db.session.get_one(Queue, desk.cast.dental_queue).draw_at = "CHECK_IN"
    db.session.commit()
    later, sooner = desk.book(at=desk.soon(60)), desk.book(at=desk.soon(30))
    assert (later.ticket, sooner.ticket) == (None, None)
    tickets = [
        checking_in.check_in(desk.amina, each.visit_id, version=each.version).ticket
        for each in (sooner, later)
    ]
    assert tickets == ["D-001", "D-002"]
    visit = desk.visit(sooner.visit_id)
    undone = checking_in.undo_check_in(desk.amina, visit.id, version=visit.version)
    again = checking_in.check_in(desk.amina, visit.id, version=undone.version)
    assert again.ticket == "D-001"


def test_another_days_appointment_can_not_be_checked_in_today(desk: Desk) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    with pytest.raises(RuleBroken):
        checking_in.check_in(desk.amina, booked.visit_id, version=booked.version)
    assert desk.visit(booked.visit_id).status == "SCHEDULED"


def test_the_lanes_of_a_day(desk: Desk, at: Callable[[datetime], None]) -> None:
    hana = _doctor_from(desk, time(9), time(10, 30))
    desk.book(at=desk.tomorrow(9, 20), doctor_id=hana)
    day = desk.tomorrow(9).date()
    lanes = slots(desk.amina, desk.cast.dental, desk.cast.cleaning, day, hana)
    assert [(f"{_local(slot.start_time)}", slot.state) for slot in lanes[0].slots] == [
        ("09:00", FREE),
        ("09:20", TAKEN),
        ("09:40", FREE),
        ("10:00", FREE),
        ("10:20", OVER),
    ]
    at(desk.tomorrow(9, 40))
    lanes = slots(desk.amina, desk.cast.dental, desk.cast.cleaning, day, hana)
    assert [_local(slot.start_time) for slot in lanes[0].slots] == ["10:00", "10:20"]


def test_a_longer_service_needs_all_of_its_time_free(desk: Desk) -> None:
    hana = _doctor_from(desk, time(9), time(10, 30))
    desk.book(at=desk.tomorrow(9, 40), doctor_id=hana)
    lanes = slots(desk.amina, desk.cast.dental, desk.cast.filling, desk.tomorrow(9).date(), hana)
    assert [slot.state for slot in lanes[0].slots] == [FREE, TAKEN, FREE, OVER]


def test_the_nearest_slots_go_on_tomorrow_when_today_is_full(desk: Desk) -> None:
    hana = _doctor_from(desk, time(9), time(9, 40))
    nearest = nearest_slots(desk.amina, desk.cast.dental, desk.cast.cleaning, doctor_id=hana)
    assert [slot.start_time for slot in nearest] == [
        desk.tomorrow(9),
        desk.tomorrow(9, 20),
        desk.on(2, 9),
    ]


def _doctor_from(desk: Desk, starts_at: time, ends_at: time) -> Any:
    hana = factories.doctor(
        organization_id=desk.cast.organization_id,
        facility_id=desk.cast.facility_id,
        clinics=[desk.cast.dental],
        first_name="Hana",
        all_day=False,
    )
    for weekday in range(7):
        factories.working_hours(
            organization_id=desk.cast.organization_id,
            staff_id=hana,
            clinic_id=desk.cast.dental,
            weekday=weekday,
            starts_at=starts_at,
            ends_at=ends_at,
        )
    db.session.commit()
    return hana


def _local(moment: datetime) -> str:
    return f"{clock.local(moment, 'Africa/Cairo'):%H:%M}"
