"""The calendar: who is booked when, and which times are free, by doctor for a day or by day for a week.

Eight statements at most, however many appointments there are: the queue with its topic, appointments, shifts,
leave, open offers, names, and the access log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, FacilityInfo, Leave, ServiceInfo, Shift, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models import WaitingOffer
from clinic_web.reception.models.waiting import OPEN
from clinic_web.reception.queries.treating import reads_notes

DAY, WEEK = "day", "week"
KEEP_THEIR_TIME = ("SCHEDULED", "WAITING", "CALLED", "IN_PROGRESS", "ON_HOLD", "PENDING_PAYMENT", "COMPLETED")

QUEUE = text(
    """
    SELECT q.id, s.seq, s.epoch FROM reception.queues q
      LEFT JOIN kernel.streams s ON s.topic = 'queue:' || q.id
     WHERE q.organization_id = :organization_id AND q.clinic_id = :clinic_id AND q.kind = 'CLINIC'
    """
)
# A doctor's appointments elsewhere are busy times here, without a name.
APPOINTMENTS = text(
    """
    SELECT a.id, a.version, a.start_time, a.end_time, a.doctor_id, a.clinic_id, a.patient_id, a.service_id,
           a.booking_id, a.booking_source, a.notes, a.is_overbooking, a.overbooking_reason, a.cancel_reason,
           v.id AS visit_id, v.status, v.ticket
      FROM reception.appointments a JOIN reception.visits v ON v.appointment_id = a.id
     WHERE a.organization_id = :organization_id
       AND a.start_time >= :since AND a.start_time < :until
       AND a.doctor_id = ANY(:doctor_ids)
       AND (a.clinic_id = :clinic_id OR a.status IN ('CONFIRMED', 'CHECKED_IN'))
     ORDER BY a.start_time, a.is_overbooking, a.id
    """
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One appointment; ``status`` is its visit's. ``is_elsewhere``: in another clinic, so without a name."""

    id: UUID
    version: int
    start_time: datetime
    end_time: datetime
    doctor_id: UUID
    clinic_id: UUID
    patient_id: UUID
    service_id: UUID
    booking_id: str
    booking_source: str
    notes: str | None
    is_overbooking: bool
    overbooking_reason: str | None
    cancel_reason: str | None
    visit_id: UUID
    status: str
    ticket: str | None
    name: str = ""
    phone: str | None = None
    service: ServiceInfo | None = None
    is_elsewhere: bool = False

    @property
    def keeps_its_time(self) -> bool:
        return self.status in KEEP_THEIR_TIME

    @property
    def may_move(self) -> bool:
        return self.status == "SCHEDULED" and not self.is_elsewhere


@dataclass(frozen=True, kw_only=True)
class Column:
    """What one column of the calendar shows: one doctor's day."""

    day: date
    doctor: StaffInfo
    shifts: list[Shift] = field(default_factory=list)
    leaves: list[Leave] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    offers: list[WaitingOffer] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.shifts or self.entries or self.leaves)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """``view`` is DAY (columns are doctors) or WEEK (columns are days of ``doctor``). ``day`` was asked for.

    ``service`` decides how long a free time is. ``topic`` tells every change of what is shown.
    """

    clinic: ClinicInfo
    facility: FacilityInfo
    view: str
    day: date
    today: date
    days: list[date]
    doctors: list[StaffInfo]
    doctor: StaffInfo | None
    services: list[ServiceInfo]
    service: ServiceInfo | None
    columns: list[Column]
    topic: str
    seq: int
    epoch: str

    @property
    def entries(self) -> list[Entry]:
        return [each for column in self.columns for each in column.entries if not each.is_elsewhere]

    @property
    def step(self) -> timedelta:
        return timedelta(days=1 if self.view == DAY else 7)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the address asks for; None: what is usual."""

    clinic_id: UUID
    view: str = DAY
    day: date | None = None
    doctor_id: UUID | None = None
    service_id: UUID | None = None


def calendar(actor: Actor, asked: Asked) -> Calendar:
    """Return the calendar; NotFound (404) for a clinic, doctor or service that is not there."""
    directory, facility = organization.directory(actor.organization_id), organization.facility(actor)
    clinic = directory.clinics.get(asked.clinic_id)
    if clinic is None or clinic.facility_id != facility.id:
        raise NotFound
    queue = db.session.execute(
        QUEUE, {"organization_id": actor.organization_id, "clinic_id": clinic.id}
    ).first()
    if queue is None:
        raise NotFound
    today = clock.today(facility.timezone)
    day = asked.day or today
    days = [day] if asked.view == DAY else _week_of(day, facility)
    doctors, services = directory.doctors_of(clinic.id), directory.services_of(clinic.id)
    doctor = _one_of(doctors, asked.doctor_id)
    if asked.view == WEEK and doctor is None:
        doctor = next(iter(doctors), None)
    service = _one_of(services, asked.service_id) or min(services, key=_length, default=None)
    shown = [doctor] if doctor else doctors
    columns = _columns(actor, clinic, facility, days, shown)
    return Calendar(
        clinic=clinic,
        facility=facility,
        view=asked.view,
        day=day,
        today=today,
        days=days,
        doctors=doctors,
        doctor=doctor,
        services=services,
        service=service,
        columns=[each for each in columns if asked.view == WEEK or asked.doctor_id or not each.is_empty],
        topic=queue_topic(queue.id),
        seq=queue.seq or 0,
        epoch=str(queue.epoch or ""),
    )


def _one_of(listed: list[Any], wanted: UUID | None) -> Any:
    if wanted is None:
        return None
    for each in listed:
        if each.id == wanted:
            return each
    raise NotFound


def _length(service: ServiceInfo) -> int:
    return service.duration_minutes


def _week_of(day: date, facility: FacilityInfo) -> list[date]:
    """A week begins as it does where people speak the facility's leading language: Saturday or Monday."""
    first_weekday = 5 if facility.languages[:1] == ("ar",) or facility.phone_country == "EG" else 0
    first = day - timedelta(days=(day.weekday() - first_weekday) % 7)
    return [first + timedelta(days=each) for each in range(7)]


def _columns(
    actor: Actor, clinic: ClinicInfo, facility: FacilityInfo, days: list[date], doctors: list[StaffInfo]
) -> list[Column]:
    """A column for each day and doctor; of what was read, each takes its own."""
    if not doctors:
        return []
    since = organization.moment_at(days[0], time.min, facility.timezone)
    until = organization.moment_at(days[-1] + timedelta(days=1), time.min, facility.timezone)
    shifts = organization.shifts_on(actor, clinic.id, days)
    leaves = organization.leaves(actor, clinic_id=clinic.id, since=since, until=until)
    entries = _entries(actor, clinic, {each.id for each in doctors}, since, until)
    offers = _offers(actor, clinic, since, until)
    found = []
    for day in days:
        begins = organization.moment_at(day, time.min, facility.timezone)
        ends = organization.moment_at(day + timedelta(days=1), time.min, facility.timezone)
        found += [
            Column(
                day=day,
                doctor=doctor,
                shifts=[each for each in shifts[day] if each.staff_id == doctor.id],
                leaves=[
                    each
                    for each in leaves
                    if each.staff_id == doctor.id and each.starts_at < ends and each.ends_at > begins
                ],
                entries=_within(entries, doctor.id, begins, ends),
                offers=_within(offers, doctor.id, begins, ends),
            )
            for doctor in doctors
        ]
    return found


def _within(rows: Iterable[Any], doctor_id: UUID, begins: datetime, ends: datetime) -> list[Any]:
    return [each for each in rows if each.doctor_id == doctor_id and begins <= each.start_time < ends]


def _entries(
    actor: Actor, clinic: ClinicInfo, doctor_ids: set[UUID], since: datetime, until: datetime
) -> list[Entry]:
    where = {
        "organization_id": actor.organization_id,
        "clinic_id": clinic.id,
        "doctor_ids": list(doctor_ids),
        "since": since,
        "until": until,
    }
    rows = db.session.execute(APPOINTMENTS, where).mappings().all()
    mine = dict.fromkeys(row["patient_id"] for row in rows if row["clinic_id"] == clinic.id)
    directory = organization.directory(actor.organization_id)
    with transaction():
        cards = patients.cards(actor, mine) if mine else {}
        if mine:
            audit.saw(actor, "appointment.calendar", "patient", ids=mine)
    hidden = {} if reads_notes(actor, clinic.id) else {"notes": None}
    return [_entry({**row, **hidden}, clinic, cards, directory.services) for row in rows]


def _entry(
    row: Mapping[Any, Any],
    clinic: ClinicInfo,
    cards: Mapping[UUID, Any],
    services: Mapping[UUID, ServiceInfo],
) -> Entry:
    if row["clinic_id"] != clinic.id:
        return Entry(**row, is_elsewhere=True)
    card = cards.get(row["patient_id"])
    return Entry(
        **row,
        name=card.name if card else "",
        phone=card.phone if card else None,
        service=services.get(row["service_id"]),
    )


def _offers(actor: Actor, clinic: ClinicInfo, since: datetime, until: datetime) -> list[WaitingOffer]:
    found = select(WaitingOffer).where(
        WaitingOffer.organization_id == actor.organization_id,
        WaitingOffer.clinic_id == clinic.id,
        WaitingOffer.status == OPEN,
        WaitingOffer.start_time >= since,
        WaitingOffer.start_time < until,
    )
    return list(db.session.scalars(found))
