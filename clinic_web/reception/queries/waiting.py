"""The waiting list as screens show it, with the offers that are open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.reception.models import Appointment, WaitingEntry, WaitingOffer
from clinic_web.reception.models.waiting import LISTED, OPEN

FITTING = 5
MOST = 200


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One wish with what others know of it. ``earlier_than`` is the appointment that it would replace."""

    id: UUID
    version: int
    clinic_id: UUID
    patient_id: UUID
    from_date: date
    until_date: date
    from_time: time | None
    until_time: time | None
    urgency: str
    note: str | None
    status: str
    since: datetime
    name: str
    phone: str | None
    service: ServiceInfo | None
    service_id: UUID
    doctor: StaffInfo | None
    appointment_id: UUID | None
    earlier_than: datetime | None
    booked_appointment_id: UUID | None

    def is_over(self, today: date) -> bool:
        return self.until_date < today


@dataclass(frozen=True, kw_only=True)
class Offered:
    """An open offer: which time of whom, to whom, until when."""

    id: UUID
    start_time: datetime
    expires_at: datetime
    doctor: StaffInfo | None
    wish: Waiting


def listed(actor: Actor, clinic_id: UUID, *, is_all: bool = False) -> list[Waiting]:
    """Return who waits, in the order in which they are asked; ``is_all``: also who has got a time or left."""
    wanted = _of_clinic(actor, clinic_id)
    if not is_all:
        wanted = wanted.where(WaitingEntry.status == LISTED)
    order = (WaitingEntry.urgency_rank.desc(), WaitingEntry.created_at, WaitingEntry.id)
    return _waiting(actor, db.session.execute(wanted.order_by(*order).limit(MOST)).all())


def fitting(actor: Actor, clinic_id: UUID, doctor_id: UUID, start: datetime) -> list[Waiting]:
    """Return the first few who wait for a time such as this one."""
    local = clock.local(start, organization.facility(actor).timezone)
    wanted = _of_clinic(actor, clinic_id).where(
        WaitingEntry.status == LISTED,
        or_(WaitingEntry.doctor_id.is_(None), WaitingEntry.doctor_id == doctor_id),
        WaitingEntry.from_date <= local.date(),
        WaitingEntry.until_date >= local.date(),
        or_(WaitingEntry.from_time.is_(None), WaitingEntry.from_time <= local.time()),
        or_(WaitingEntry.until_time.is_(None), WaitingEntry.until_time > local.time()),
        or_(Appointment.id.is_(None), Appointment.start_time > start),
    )
    order = (WaitingEntry.urgency_rank.desc(), WaitingEntry.created_at, WaitingEntry.id)
    return _waiting(actor, db.session.execute(wanted.order_by(*order).limit(FITTING)).all())


def open_offers(actor: Actor, clinic_id: UUID) -> list[Offered]:
    """Return what is on offer in a clinic now, by time."""
    rows = db.session.execute(
        _of_clinic(actor, clinic_id)
        .add_columns(WaitingOffer)
        .join(WaitingOffer, WaitingOffer.entry_id == WaitingEntry.id)
        .where(WaitingOffer.status == OPEN, WaitingOffer.start_time > clock.now())
        .order_by(WaitingOffer.start_time, WaitingOffer.id)
    ).all()
    staff = organization.directory(actor.organization_id).staff
    wishes = _waiting(actor, [row[:2] for row in rows])
    return [
        Offered(
            id=row[2].id,
            start_time=row[2].start_time,
            expires_at=row[2].expires_at,
            doctor=staff.get(row[2].doctor_id),
            wish=wish,
        )
        for row, wish in zip(rows, wishes, strict=True)
    ]


def one(actor: Actor, entry_id: UUID) -> Waiting | None:
    """Return one wish, or None."""
    wanted = (
        select(WaitingEntry, Appointment.start_time)
        .outerjoin(Appointment, Appointment.id == WaitingEntry.appointment_id)
        .where(WaitingEntry.organization_id == actor.organization_id, WaitingEntry.id == entry_id)
    )
    return next(iter(_waiting(actor, db.session.execute(wanted).all())), None)


def _of_clinic(actor: Actor, clinic_id: UUID) -> Select[WaitingEntry, datetime]:
    return (
        select(WaitingEntry, Appointment.start_time)
        .outerjoin(Appointment, Appointment.id == WaitingEntry.appointment_id)
        .where(WaitingEntry.organization_id == actor.organization_id, WaitingEntry.clinic_id == clinic_id)
    )


def _waiting(actor: Actor, rows: Iterable[Any]) -> list[Waiting]:
    """One access-log row for the whole list, with the patients on it."""
    found = list(rows)
    if not found:
        return []
    directory = organization.directory(actor.organization_id)
    ids = dict.fromkeys(entry.patient_id for entry, _ in found)
    with transaction():
        cards = patients.cards(actor, ids)
        audit.saw(actor, "appointment.waiting_list", "patient", ids=ids)
        return [
            Waiting(
                **{name: getattr(entry, name) for name in COPIED},
                since=entry.created_at,
                name=cards[entry.patient_id].name if entry.patient_id in cards else "",
                phone=cards[entry.patient_id].phone if entry.patient_id in cards else None,
                service=directory.services.get(entry.service_id),
                doctor=directory.staff.get(entry.doctor_id) if entry.doctor_id else None,
                earlier_than=earlier_than,
            )
            for entry, earlier_than in found
        ]


COPIED = (
    "id",
    "version",
    "clinic_id",
    "patient_id",
    "from_date",
    "until_date",
    "from_time",
    "until_time",
    "urgency",
    "note",
    "status",
    "service_id",
    "appointment_id",
    "booked_appointment_id",
)
