"""Book an appointment: appointment, visit, payment, number and event in one transaction, all or none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.events.reception import AppointmentBooked
from clinic_web.kernel import bus, clock, idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.ids import dated_number, new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import Terms
from clinic_web.patients import api as patients
from clinic_web.reception import slots
from clinic_web.reception.access import NO_QUEUE
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models.appointments import SOURCES
from clinic_web.reception.service import answers, hours
from clinic_web.reception.service.numbers import timezone_of
from clinic_web.reception.service.payables import open_payment_for, require_here
from clinic_web.reception.service.statements import BOOK, doctors_day


@dataclass(frozen=True, kw_only=True)
class Booking:
    """What the desk asks for. ``start_time`` is aware; ``booking_source`` is one of appointments.SOURCES.

    ``overbooking_reason`` makes it a deliberate overbooking (right ``appointment.overbook``) where the time
    is taken, or the visit would end after the shift.
    """

    patient_id: UUID
    service_id: UUID
    doctor_id: UUID
    start_time: datetime
    booking_source: str = "PHONE"
    notes: str | None = None
    overbooking_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Booked:
    """The booking as it stands; ``ticket`` is None where the queue draws at check-in. Times are UTC.

    ``version`` is the visit's, ``appointment_version`` the appointment's: both 1 for a new booking.
    """

    appointment_id: UUID
    visit_id: UUID
    payment_id: UUID
    booking_id: str
    ticket: str | None
    start_time: datetime
    doctor_id: UUID
    queue_id: UUID
    version: int = 1
    appointment_version: int = 1


@dataclass(frozen=True)
class _Place:
    """Where a booking goes once it is found to be allowed: its span, and the day by the facility's clock."""

    start: datetime
    end: datetime
    timezone: str

    @property
    def day(self) -> date:
        return clock.local(self.start, self.timezone).date()


def book(actor: Actor, booking: Booking, *, key: str) -> Booked:
    """Book, once per ``key``: the same key and booking give the same answer again.

    Raises SlotRefused (422, field ``start_time``: past or outside hours) or SlotTaken (409), both with
    ``.nearest`` (list of slots.Slot); NotFound (404: patient, service, doctor), NotAllowed (403: overbooking
    without the right), RuleBroken (422), BadRequest (400: no key).
    """
    if booking.overbooking_reason:
        actor.require("appointment.overbook")
    if booking.booking_source not in SOURCES:
        raise RuleBroken(N_("Choose how the booking came."), field="booking_source")
    with transaction():
        claim = idempotency.claim(actor, "appointment.book", key, vars(booking))
        if claim.is_repetition:
            return answers.again(Booked, claim)
        booking = replace(booking, patient_id=patients.hold(actor, booking.patient_id))
        terms = organization.terms(actor, booking.service_id, booking.doctor_id)
        require_here(actor, terms)
        place = _place_of(actor, booking, terms)
        _require_open(actor, booking, terms, place)
        booked = _take_slot(actor, booking, terms, place)
        _tell(actor, booking, terms, booked)
        failpoint("book.before_commit")
        answers.keep(claim, booked)
        return booked


def _place_of(actor: Actor, booking: Booking, terms: Terms) -> _Place:
    start = booking.start_time.astimezone(UTC)
    return _Place(
        start, start + timedelta(minutes=terms.duration_minutes), timezone_of(actor, terms.facility_id)
    )


def _require_open(actor: Actor, booking: Booking, terms: Terms, place: _Place) -> None:
    """Refuse a time that is past, or in which the doctor sees nobody; with the nearest free ones."""
    if place.start <= clock.now():
        raise slots.SlotRefused(N_("This time is past."), nearest=_nearest(actor, booking, terms))
    latest_end = place.start if booking.overbooking_reason else place.end
    shifts = hours.shifts(actor, terms.clinic_id, place.day)
    if not any(
        shift.starts_at <= place.start and latest_end <= shift.ends_at
        for shift in shifts
        if shift.staff_id == booking.doctor_id
    ):
        sentence = N_("The doctor does not see patients in this clinic at this time.")
        raise slots.SlotRefused(sentence, nearest=_nearest(actor, booking, terms))


def _nearest(actor: Actor, booking: Booking, terms: Terms) -> list[slots.Slot]:
    return slots.nearest_slots(actor, terms.clinic_id, booking.service_id, near=booking.start_time)


def _take_slot(actor: Actor, booking: Booking, terms: Terms, place: _Place) -> Booked:
    """Write appointment, visit, number and payment. PostgreSQL decides whether the time is free.

    An overbooking is one only where the time really is taken: so marked, it would not keep its time.
    """
    values = _values(actor, booking, terms, place)
    audit.saw(actor, "appointment.book", "appointment", values["appointment_id"])
    row = BOOK.first(values)
    if row is None and booking.overbooking_reason:
        row = BOOK.first(values | {"is_overbooking": True})
    if row is None:
        raise slots.SlotTaken(N_("This time has just been taken."), nearest=_nearest(actor, booking, terms))
    if row.queue_id is None:
        raise NotFound(NO_QUEUE)
    visit_id: UUID = values["visit_id"]
    payment_id = open_payment_for(
        actor, booking, terms, visit_id=visit_id, ticket=row.ticket, due_at=place.start
    )
    return Booked(
        appointment_id=row.appointment_id,
        visit_id=visit_id,
        payment_id=payment_id,
        booking_id=values["booking_id"],
        ticket=row.ticket,
        start_time=place.start,
        doctor_id=booking.doctor_id,
        queue_id=row.queue_id,
    )


def _values(actor: Actor, booking: Booking, terms: Terms, place: _Place) -> dict[str, Any]:
    return {
        "organization_id": actor.organization_id,
        "facility_id": terms.facility_id,
        "clinic_id": terms.clinic_id,
        "timezone": place.timezone,
        "doctors_day": doctors_day(booking.doctor_id, place.day),
        "appointment_id": new_id(),
        "visit_id": new_id(),
        "number_id": new_id(),
        "transition_id": new_id(),
        "booking_id": dated_number("BK", place.day),
        "patient_id": booking.patient_id,
        "service_id": booking.service_id,
        "doctor_id": booking.doctor_id,
        "start_time": place.start,
        "end_time": place.end,
        "booking_source": booking.booking_source,
        "notes": booking.notes,
        "is_overbooking": False,
        "overbooking_reason": booking.overbooking_reason,
        "user_id": actor.user_id,
        "now": clock.now(),
    }


def _tell(actor: Actor, booking: Booking, terms: Terms, booked: Booked) -> None:
    """The desk's list changes; the wall does not: nobody waits yet."""
    bus.publish(
        AppointmentBooked(
            organization_id=actor.organization_id,
            facility_id=terms.facility_id,
            clinic_id=terms.clinic_id,
            appointment_id=booked.appointment_id,
            visit_id=booked.visit_id,
            payment_id=booked.payment_id,
            patient_id=booking.patient_id,
            doctor_id=booking.doctor_id,
            service_id=booking.service_id,
            start_time=booked.start_time,
            total_amount=terms.price,
            booking_id=booked.booking_id,
            ticket=booked.ticket,
        ),
        actor,
    )
    push.changed(queue_topic(booked.queue_id))
