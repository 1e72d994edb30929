"""Appointments: find a free time, book it, give it up, give it another time."""

from __future__ import annotations

from datetime import UTC
from uuid import UUID

from clinic_web.interop.endpoint import Answer, Call, endpoint
from clinic_web.interop.resources import lists
from clinic_web.interop.shapes import reception as shapes
from clinic_web.interop.shapes.common import Page
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.ids import new_id
from clinic_web.organization import api as organization
from clinic_web.reception import api as reception

TAG = "Appointments"
STATES = {
    "CONFIRMED": "confirmed",
    "CHECKED_IN": "checked-in",
    "COMPLETED": "completed",
    "CANCELLED": "cancelled",
    "NO_SHOW": "no-show",
}


def version_of(who: Actor, appointment_id: UUID) -> int:
    return reception.plain_appointment(who, appointment_id).version


@endpoint(
    "GET",
    "/appointments",
    tag=TAG,
    scope="appointment.view",
    query=shapes.AppointmentsAsked,
    answers=Page[shapes.Appointment],
)
def appointments(call: Call) -> Answer:
    """List appointments, the earliest first.

    Those of the token's facility. Who asks for one patient's needs to be let into that chart.
    """
    asked = lists.asked(call.who, call.query, reception.APPOINTMENTS_ASK, {"status": STATES})
    found = reception.plain_appointments(call.who, asked, call.query.limit)
    lists.saw(call.who, "appointment.list", "appointment", [row.id for row in found[0]])
    return lists.page(call, found, shapes.Appointment.model_validate, Page[shapes.Appointment])


@endpoint(
    "GET",
    "/appointments/<uuid:appointment_id>",
    tag=TAG,
    scope="appointment.view",
    answers=shapes.AppointmentInFull,
    shows=True,
    of=version_of,
)
def appointment(call: Call, appointment_id: UUID) -> Answer:
    """Read an appointment."""
    lists.saw_one(call.who, "appointment.list", "appointment", appointment_id)
    return _in_full(call.who, appointment_id)


@endpoint(
    "POST",
    "/appointments",
    tag=TAG,
    scope="appointment.book",
    body=shapes.NewAppointment,
    answers=shapes.Appointment,
    creates=True,
    shows=True,
    refuses=(404, 409),
)
def book_appointment(call: Call) -> Answer:
    """Book an appointment.

    A time that is taken is 409, one in which the doctor sees nobody 422; both name the nearest free times.
    """
    asked: shapes.NewAppointment = call.body
    booking = reception.Booking(
        patient_id=asked.patient_id,
        service_id=asked.service_id,
        doctor_id=asked.doctor_id,
        start_time=asked.start_time.astimezone(UTC),
        booking_source=asked.booking_source,
        notes=asked.notes,
        overbooking_reason=asked.overbooking_reason,
    )
    booked = reception.book(call.who, booking, key=f"api:{call.key}")
    row = reception.plain_appointment(call.who, booked.appointment_id)
    return Answer(
        shape=shapes.Appointment.model_validate(row),
        version=row.version,
        location=f"/api/v1/appointments/{row.id}",
    )


@endpoint(
    "PATCH",
    "/appointments/<uuid:appointment_id>",
    tag=TAG,
    scope="appointment.book",
    body=shapes.Notes,
    answers=shapes.AppointmentInFull,
    changes=True,
    shows=True,
    of=version_of,
)
def note_appointment(call: Call, appointment_id: UUID) -> Answer:
    """Change what is noted beside an appointment."""
    reception.note(call.who, appointment_id, call.body.notes, version=call.version)
    return _in_full(call.who, appointment_id)


@endpoint(
    "POST",
    "/appointments/<uuid:appointment_id>/cancel",
    tag=TAG,
    scope="appointment.cancel",
    body=shapes.Because,
    answers=shapes.AppointmentInFull,
    changes=True,
    shows=True,
    of=version_of,
)
def cancel_appointment(call: Call, appointment_id: UUID) -> Answer:
    """Cancel an appointment, with its visit; what was not paid yet is not owed any more."""
    reception.cancel_appointment(call.who, appointment_id, call.body.reason, version=call.version)
    return _in_full(call.who, appointment_id)


@endpoint(
    "POST",
    "/appointments/<uuid:appointment_id>/reschedule",
    tag=TAG,
    scope="appointment.reschedule",
    body=shapes.NewTime,
    answers=shapes.AppointmentInFull,
    changes=True,
    shows=True,
    of=version_of,
)
def reschedule_appointment(call: Call, appointment_id: UUID) -> Answer:
    """Give an appointment another time or doctor.

    Only while the patient is still expected. Times that can't be had are refused as at the booking.
    """
    asked: shapes.NewTime = call.body
    new = reception.NewTime(
        doctor_id=asked.doctor_id,
        start_time=asked.start_time.astimezone(UTC),
        overbooking_reason=asked.overbooking_reason,
    )
    # If-Match lets it happen once: the key that desks send is not needed from programs.
    reception.reschedule(call.who, appointment_id, new, version=call.version, key=f"api:{new_id()}")
    return _in_full(call.who, appointment_id)


@endpoint("GET", "/slots", tag=TAG, scope="appointment.book", query=shapes.SlotsAsked, answers=shapes.Slots,
          refuses=(404,))  # fmt: skip
def free_slots(call: Call) -> Answer:
    """List the free times of a service on a day, by doctor and time."""
    asked: shapes.SlotsAsked = call.query
    clinic_id = _clinic_of(call.who, asked.service)
    lanes = reception.slots(call.who, clinic_id, asked.service, asked.day, asked.doctor)
    free = [shapes.Slot.model_validate(slot) for lane in lanes for slot in lane.free]
    return Answer(shape=shapes.Slots(items=free))


def _clinic_of(who: Actor, service_id: UUID) -> UUID:
    directory = organization.directory(who.organization_id)
    service = directory.services.get(service_id)
    clinic = directory.clinics.get(service.clinic_id) if service else None
    if clinic is None or who.facility_id not in (None, clinic.facility_id):
        raise NotFound(N_("This service is not offered (any more)."))
    return clinic.id


def _in_full(who: Actor, appointment_id: UUID) -> Answer:
    row = reception.plain_appointment(who, appointment_id)
    return Answer(shape=shapes.AppointmentInFull.model_validate(row), version=row.version)
