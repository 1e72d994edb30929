"""Who is affected when a doctor is away, and where each could go instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.reception.models import Appointment, Visit
from clinic_web.reception.models.appointments import CHECKED_IN, CONFIRMED
from clinic_web.reception.models.settlements import MOST
from clinic_web.reception.slots import Slot, slots

SAME, ANYONE, NOBODY = "same", "anyone", "cancel"
DAYS_AHEAD = 14


@dataclass(frozen=True, kw_only=True)
class Affected:
    """One appointment in the span; ``instead`` is the free time proposed for it, None where there is none."""

    id: UUID
    version: int
    visit_id: UUID
    status: str
    ticket: str | None
    clinic_id: UUID
    service_id: UUID
    patient_id: UUID
    start_time: datetime
    end_time: datetime
    name: str = ""
    phone: str | None = None
    service: ServiceInfo | None = None
    doctor: StaffInfo | None = None
    instead: Slot | None = None
    instead_doctor: StaffInfo | None = None

    @property
    def length(self) -> timedelta:
        return self.end_time - self.start_time

    @property
    def may_move(self) -> bool:
        return self.status == "SCHEDULED"


def affected(
    actor: Actor, doctor_id: UUID, since: datetime, until: datetime, *, clinic_id: UUID | None = None
) -> list[Affected]:
    """Return the appointments that still hold a time inside the span, by time; the look is noted."""
    wanted = (
        select(Appointment, Visit.id, Visit.status, Visit.ticket)
        .join(Visit, Visit.appointment_id == Appointment.id)
        .where(
            Appointment.organization_id == actor.organization_id,
            Appointment.doctor_id == doctor_id,
            Appointment.status.in_((CONFIRMED, CHECKED_IN)),
            Appointment.start_time < until,
            Appointment.end_time > since,
        )
    )
    if clinic_id is not None:
        wanted = wanted.where(Appointment.clinic_id == clinic_id)
    found = db.session.execute(wanted.order_by(Appointment.start_time, Appointment.id).limit(MOST)).all()
    directory = organization.directory(actor.organization_id)
    ids = dict.fromkeys(row.patient_id for row, *_ in found)
    with transaction():
        cards = patients.cards(actor, ids) if ids else {}
        if ids:
            audit.saw(actor, "appointment.affected", "patient", ids=ids)
        return [
            Affected(
                id=row.id,
                version=row.version,
                visit_id=visit_id,
                status=status,
                ticket=ticket,
                clinic_id=row.clinic_id,
                service_id=row.service_id,
                patient_id=row.patient_id,
                start_time=row.start_time,
                end_time=row.end_time,
                name=cards[row.patient_id].name if row.patient_id in cards else "",
                phone=cards[row.patient_id].phone if row.patient_id in cards else None,
                service=directory.services.get(row.service_id),
                doctor=directory.staff.get(row.doctor_id),
            )
            for row, visit_id, status, ticket in found
        ]


def with_proposals(
    actor: Actor, rows: Iterable[Affected], away: Slot, *, how: str = ANYONE
) -> list[Affected]:
    """Give each row the nearest free time from its day on that no other row is given: of the same doctor
    (``how`` SAME) or of anyone. ``away`` is who is away when: a time in it is none, also before the leave is
    written. Each day is read once per service, however many rows there are."""
    if how not in (SAME, ANYONE):
        return list(rows)
    staff = organization.directory(actor.organization_id).staff
    free = _Free(actor, away, only=away.doctor_id if how == SAME else None)
    found = []
    for row in rows:
        slot = free.take_for(row) if row.may_move else None
        doctor = staff.get(slot.doctor_id) if slot else None
        found.append(replace(row, instead=slot, instead_doctor=doctor))
    return found


class _Free:
    """The free times of the coming days; what one row is given, the next is not."""

    def __init__(self, actor: Actor, away: Slot, *, only: UUID | None) -> None:
        self.actor, self.only = actor, only
        self.timezone = organization.facility(actor).timezone
        self.days: dict[tuple[UUID, date], list[Slot]] = {}
        self.given = [away]

    def take_for(self, row: Affected) -> Slot | None:
        first = clock.local(max(row.start_time, clock.now()), self.timezone).date()
        for ahead in range(DAYS_AHEAD):
            free = self._free_on(row, first + timedelta(days=ahead))
            long_enough = [slot for slot in free if slot.end_time - slot.start_time >= row.length]
            if long_enough:
                nearest = min(
                    long_enough, key=lambda slot: (abs(slot.start_time - row.start_time), slot.doctor_id)
                )
                self._give(nearest)
                return nearest
        return None

    def _free_on(self, row: Affected, day: date) -> list[Slot]:
        key = (row.service_id, day)
        if key not in self.days:
            lanes = slots(self.actor, row.clinic_id, row.service_id, day, self.only)
            free = [slot for lane in lanes for slot in lane.free]
            self.days[key] = [slot for slot in free if not any(_meet(slot, each) for each in self.given)]
        return self.days[key]

    def _give(self, given: Slot) -> None:
        self.given.append(given)
        for key, free in self.days.items():
            self.days[key] = [slot for slot in free if not _meet(slot, given)]


def _meet(one: Slot, other: Slot) -> bool:
    return (
        one.doctor_id == other.doctor_id
        and other.start_time < one.end_time
        and one.start_time < other.end_time
    )
