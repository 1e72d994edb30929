"""Book an appointment: appointment, visit, payment, number and event in one transaction, all or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clinic_web.kernel.actor import Actor


@dataclass(frozen=True, kw_only=True)
class Booking:
    """What the desk asks for. ``start_time`` is aware; ``booking_source`` one of models.appointments.SOURCES.

    ``overbooking_reason`` makes it a deliberate overbooking (right ``appointment.overbook``).
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


def book(actor: Actor, booking: Booking, *, key: str) -> Booked:
    """Book, once per ``key``: the same key and booking give the same answer again.

    Raises SlotRefused (422, field ``start_time``: past or outside hours) or SlotTaken (409), both with
    ``.nearest`` (list of slots.Slot); NotFound (404: patient, service, doctor), NotAllowed (403: overbooking
    without the right), RuleBroken (422), BadRequest (400: no key).
    """
    raise NotImplementedError
