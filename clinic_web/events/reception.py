"""What reception tells: appointments and the moves of visits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class AppointmentBooked:
    """An appointment, its visit and its payment exist; ``ticket`` is null where it is drawn at check-in."""

    TOPIC: ClassVar[str] = "appointment.booked"
    AGGREGATE: ClassVar[tuple[str, str]] = ("appointment", "appointment_id")
    organization_id: UUID
    facility_id: UUID
    clinic_id: UUID
    appointment_id: UUID
    visit_id: UUID
    payment_id: UUID
    patient_id: UUID
    doctor_id: UUID
    service_id: UUID
    start_time: datetime
    total_amount: Decimal
    booking_id: str
    ticket: str | None = None


@dataclass(frozen=True, kw_only=True)
class AppointmentRescheduled:
    """An appointment has another time or doctor. ``ticket`` is another one only when the day is."""

    TOPIC: ClassVar[str] = "appointment.rescheduled"
    AGGREGATE: ClassVar[tuple[str, str]] = ("appointment", "appointment_id")
    organization_id: UUID
    facility_id: UUID
    clinic_id: UUID
    appointment_id: UUID
    visit_id: UUID
    patient_id: UUID
    service_id: UUID
    doctor_id: UUID
    start_time: datetime
    former_doctor_id: UUID
    former_start_time: datetime
    former_end_time: datetime
    move_id: UUID
    booking_id: str
    ticket: str | None = None


@dataclass(frozen=True, kw_only=True)
class SessionCancelled:
    """A doctor sees nobody in a clinic for a day or a part of it: ``appointments`` are affected."""

    TOPIC: ClassVar[str] = "session.cancelled"
    AGGREGATE: ClassVar[tuple[str, str]] = ("session", "leave_id")
    organization_id: UUID
    facility_id: UUID
    clinic_id: UUID
    leave_id: UUID
    doctor_id: UUID
    starts_at: datetime
    ends_at: datetime
    appointments: int


@dataclass(frozen=True, kw_only=True)
class WaitingOfferClosed:
    """An offer of a freed time was declined or ran out: the time is the next one's."""

    TOPIC: ClassVar[str] = "waiting.offer_closed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("waiting_offer", "offer_id")
    organization_id: UUID
    clinic_id: UUID
    offer_id: UUID
    doctor_id: UUID
    start_time: datetime
    end_time: datetime


@dataclass(frozen=True, kw_only=True)
class AppointmentCancelled:
    """What was promised is off. Events from before it was told what that was lack the last five."""

    TOPIC: ClassVar[str] = "appointment.cancelled"
    AGGREGATE: ClassVar[tuple[str, str]] = ("appointment", "appointment_id")
    organization_id: UUID
    appointment_id: UUID
    visit_id: UUID
    patient_id: UUID
    facility_id: UUID | None = None
    clinic_id: UUID | None = None
    doctor_id: UUID | None = None
    start_time: datetime | None = None
    booking_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class AppointmentMissed:
    TOPIC: ClassVar[str] = "appointment.missed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("appointment", "appointment_id")
    organization_id: UUID
    appointment_id: UUID
    visit_id: UUID
    patient_id: UUID


@dataclass(frozen=True, kw_only=True)
class VisitOpened:
    """A walk-in: a visit and its payment without an appointment."""

    TOPIC: ClassVar[str] = "visit.opened"
    AGGREGATE: ClassVar[tuple[str, str]] = ("visit", "visit_id")
    organization_id: UUID
    facility_id: UUID
    clinic_id: UUID
    visit_id: UUID
    payment_id: UUID
    patient_id: UUID
    service_id: UUID
    total_amount: Decimal
    doctor_id: UUID | None = None
    ticket: str | None = None


@dataclass(frozen=True, kw_only=True)
class _VisitMoved:
    """What every move of a visit tells."""

    AGGREGATE: ClassVar[tuple[str, str]] = ("visit", "visit_id")
    organization_id: UUID
    clinic_id: UUID
    visit_id: UUID
    patient_id: UUID
    ticket: str | None = None
    doctor_id: UUID | None = None
    room_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class VisitMoved:
    """A visit that waits went over to another line, doctor or service; ``total_amount`` is owed now."""

    TOPIC: ClassVar[str] = "visit.moved"
    AGGREGATE: ClassVar[tuple[str, str]] = ("visit", "visit_id")
    organization_id: UUID
    visit_id: UUID
    patient_id: UUID
    from_clinic_id: UUID
    clinic_id: UUID
    service_id: UUID
    total_amount: Decimal
    from_ticket: str | None = None
    ticket: str | None = None
    from_doctor_id: UUID | None = None
    doctor_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class VisitNext(_VisitMoved):
    """It is soon this visit's turn: ``before`` others (three, two, one) come first. Told once each."""

    TOPIC: ClassVar[str] = "visit.next"
    before: int = 1


@dataclass(frozen=True, kw_only=True)
class DoctorDelayed:
    """A doctor runs late in a clinic: ``minutes`` in whole quarters of an hour, each told once a day."""

    TOPIC: ClassVar[str] = "doctor.delayed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("staff", "doctor_id")
    organization_id: UUID
    facility_id: UUID
    clinic_id: UUID
    queue_id: UUID
    doctor_id: UUID
    minutes: int


@dataclass(frozen=True, kw_only=True)
class _AtStation:
    """What happens to a ticket in a station's line; a walk-in there has no visit and may have no patient."""

    AGGREGATE: ClassVar[tuple[str, str]] = ("station_stop", "stop_id")
    organization_id: UUID
    queue_id: UUID
    stop_id: UUID
    ticket: str
    visit_id: UUID | None = None
    patient_id: UUID | None = None
    room_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class StationJoined(_AtStation):
    TOPIC: ClassVar[str] = "station.joined"


@dataclass(frozen=True, kw_only=True)
class StationCalled(_AtStation):
    """Your turn at the counter: ``room_id`` says where."""

    TOPIC: ClassVar[str] = "station.called"


@dataclass(frozen=True, kw_only=True)
class StationFinished(_AtStation):
    TOPIC: ClassVar[str] = "station.finished"


@dataclass(frozen=True, kw_only=True)
class VisitCheckedIn(_VisitMoved):
    TOPIC: ClassVar[str] = "visit.checked_in"


@dataclass(frozen=True, kw_only=True)
class VisitCalled(_VisitMoved):
    """Your turn: ``room_id`` says where."""

    TOPIC: ClassVar[str] = "visit.called"


@dataclass(frozen=True, kw_only=True)
class VisitStarted(_VisitMoved):
    TOPIC: ClassVar[str] = "visit.started"


@dataclass(frozen=True, kw_only=True)
class VisitFinished(_VisitMoved):
    TOPIC: ClassVar[str] = "visit.finished"


@dataclass(frozen=True, kw_only=True)
class VisitCompleted(_VisitMoved):
    TOPIC: ClassVar[str] = "visit.completed"


@dataclass(frozen=True, kw_only=True)
class VisitMissed(_VisitMoved):
    TOPIC: ClassVar[str] = "visit.missed"


@dataclass(frozen=True, kw_only=True)
class VisitCancelled(_VisitMoved):
    TOPIC: ClassVar[str] = "visit.cancelled"
