"""Appointments and visits as the API has them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from clinic_web.interop.shapes.common import Day, In, Moment, Note, Out, Paged, Reason

AppointmentStatus = Literal["CONFIRMED", "CHECKED_IN", "COMPLETED", "CANCELLED", "NO_SHOW"]
BookingSource = Literal["PHONE", "WALK_IN", "ONLINE", "SYSTEM"]
VisitStatus = Literal[
    "SCHEDULED",
    "WAITING",
    "ON_HOLD",
    "CALLED",
    "IN_PROGRESS",
    "PENDING_PAYMENT",
    "COMPLETED",
    "NO_SHOW",
    "CANCELLED",
]
VisitType = Literal["SCHEDULED", "WALK_IN"]


class Appointment(Out):
    """A promise of a doctor's time. ``version`` stands in the ETag of the one appointment, too."""

    id: UUID
    version: int
    booking_id: str
    status: AppointmentStatus
    booking_source: BookingSource
    facility_id: UUID
    clinic_id: UUID
    doctor_id: UUID
    service_id: UUID
    patient_id: UUID
    start_time: datetime
    end_time: datetime
    is_overbooking: bool
    visit_id: UUID | None
    ticket: str | None = Field(description="The number in the line, where it is drawn at the booking.")


class AppointmentInFull(Appointment):
    notes: str | None


class AppointmentsAsked(Paged):
    first: Day | None = Field(None, alias="from", description="First day, by the facility's clock.")
    last: Day | None = Field(None, alias="to", description="Last day, included.")
    clinic: UUID | None = None
    doctor: UUID | None = None
    service: UUID | None = None
    patient: UUID | None = None
    status: AppointmentStatus | None = None


class NewAppointment(In):
    """``overbooking_reason`` books on top of another appointment; that takes the right to."""

    patient_id: UUID
    service_id: UUID
    doctor_id: UUID
    start_time: Moment
    booking_source: BookingSource = "SYSTEM"
    notes: Note | None = None
    overbooking_reason: Reason | None = None


class NewTime(In):
    doctor_id: UUID
    start_time: Moment
    overbooking_reason: Reason | None = None


class Because(In):
    reason: Reason


class Notes(In):
    """What stands beside the appointment from now on; null takes it away."""

    notes: Note | None


class Nothing(In):
    """An empty object: the address says everything."""


class SlotsAsked(In):
    service: UUID
    day: Day
    doctor: UUID | None = None


class Slot(Out):
    doctor_id: UUID
    start_time: datetime
    end_time: datetime
    room_id: UUID | None


class Slots(Out):
    """The free times of a day."""

    items: list[Slot]


class Visit(Out):
    """A patient's presence in a line. ``doctor_id`` is who called them, or else whom they came to see."""

    id: UUID
    version: int
    ticket: str | None
    status: VisitStatus
    visit_type: VisitType
    day: date
    facility_id: UUID
    clinic_id: UUID
    service_id: UUID
    patient_id: UUID
    doctor_id: UUID | None
    appointment_id: UUID | None
    scheduled_time: datetime | None
    check_in_time: datetime | None
    called_at: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    priority: str | None


class VisitsAsked(Paged):
    first: Day | None = Field(None, alias="from", description="First day of the line.")
    last: Day | None = Field(None, alias="to", description="Last day, included.")
    clinic: UUID | None = None
    doctor: UUID | None = None
    service: UUID | None = None
    patient: UUID | None = None
    status: VisitStatus | None = None
    type: VisitType | None = None


class NewVisit(In):
    """A walk-in: a visit without an appointment, waiting at once. A priority needs its reason."""

    patient_id: UUID
    service_id: UUID
    doctor_id: UUID | None = None
    priority: str | None = Field(None, pattern=r"^[A-Z][A-Z0-9_]{0,29}$")
    priority_reason: Reason | None = None
