"""What the desk shows of one queue's local day.

One statement reads the queue, its visits, its tally and the version of its live topic, so that a fragment
always knows which state it was rendered from. Names and money are asked of their owners, once each for the
whole list, whatever its length.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.payments import api as payments
from clinic_web.payments.api import Owed
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models.queues import TODAY, WHO_IS_NEXT
from clinic_web.reception.models.visits import (
    CALLED,
    IN_PROGRESS,
    ON_HOLD,
    PENDING_PAYMENT,
    SCHEDULED,
    WAITING,
)

AT_THE_DESK = (PENDING_PAYMENT, SCHEDULED)
IN_LINE = (WAITING, ON_HOLD)
WITH_A_DOCTOR = (CALLED, IN_PROGRESS)

# The columns of a DeskRow, for alias ``v`` (visits).
ROW = """
    v.id AS visit_id, v.version, v.status, v.ticket, v.clinic_id, v.queue_day, v.patient_id, v.doctor_id,
    v.attending_id, v.service_id, v.room_id, v.visit_type, v.scheduled_time, v.check_in_time, v.called_at,
    v.start_time, v.end_time, v.hold_reason, v.priority, v.priority_reason, v.priority_by, v.priority_at,
    CASE WHEN v.priority IS NOT NULL THEN
        (SELECT ARRAY[p.name, p.name_ar] FROM reception.queue_priorities p
          WHERE p.queue_id = v.queue_id AND p.code = v.priority)
    END AS priority_names,
    CASE WHEN v.status = 'ON_HOLD' THEN
        (SELECT max(t.at) FROM reception.visit_transitions t
          WHERE t.visit_id = v.id AND t.to_status = 'ON_HOLD')
    END AS held_at"""

# The queue, its tally, where its topic stands in the very snapshot that the rows are read from, and the rows;
# one line without a visit where there are none. Who waits comes first, in the order in which they are called.
QUEUE_DAY = text(
    f"""
    SELECT q.id AS queue_id, q.wait_target_minutes AS target, day.today, tally.*, {ROW},
           (SELECT s.seq FROM kernel.streams s WHERE s.topic = 'queue:' || q.id) AS seq,
           (SELECT s.epoch FROM kernel.streams s WHERE s.topic = 'queue:' || q.id) AS epoch
      FROM reception.queues q
     CROSS JOIN (SELECT {TODAY} AS today) AS day
     CROSS JOIN LATERAL (
           SELECT count(*) FILTER (WHERE d.status IN ('PENDING_PAYMENT', 'COMPLETED')) AS seen,
                  count(*) FILTER (WHERE d.status = 'NO_SHOW') AS missed,
                  count(*) FILTER (WHERE d.status = 'CANCELLED') AS cancelled
             FROM reception.visits d WHERE d.queue_id = q.id AND d.queue_day = day.today
           ) AS tally
      LEFT JOIN reception.visits v
             ON v.queue_id = q.id AND v.queue_day = day.today AND v.status = ANY(:statuses)
     WHERE q.organization_id = :organization_id AND q.clinic_id = :clinic_id AND q.kind = 'CLINIC'
     ORDER BY v.status IS DISTINCT FROM 'WAITING', {WHO_IS_NEXT}
    """  # noqa: S608 - the parts are constants of our own
)

WAITING_BY_CLINIC = text(
    f"""
    SELECT q.clinic_id, q.id AS queue_id,
           (SELECT count(*) FROM reception.visits v
             WHERE v.queue_id = q.id AND v.queue_day = {TODAY} AND v.status = 'WAITING') AS waiting,
           (SELECT s.seq FROM kernel.streams s WHERE s.topic = 'queue:' || q.id) AS seq,
           (SELECT s.epoch FROM kernel.streams s WHERE s.topic = 'queue:' || q.id) AS epoch
      FROM reception.queues q
     WHERE q.organization_id = :organization_id AND q.facility_id = :facility_id
       AND q.kind = 'CLINIC' AND q.is_active
    """  # noqa: S608 - the parts are constants of our own
)

# From a quarter of an hour before the time on, somebody may well stand here: their row offers the check-in.
DUE = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class DeskRow:
    """One visit as a row. ``place`` counts in calling order; its minutes count from ``since``."""

    visit_id: UUID
    version: int
    status: str
    ticket: str | None
    clinic_id: UUID
    queue_day: date
    patient_id: UUID
    doctor_id: UUID | None
    attending_id: UUID | None
    service_id: UUID
    room_id: UUID | None
    visit_type: str
    scheduled_time: datetime | None
    check_in_time: datetime | None
    called_at: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    held_at: datetime | None
    hold_reason: str | None
    priority: str | None
    priority_reason: str | None
    priority_by: UUID | None
    priority_at: datetime | None
    priority_names: list[str] | None
    place: int = 0
    name: str = ""
    doctor: StaffInfo | None = None
    service: ServiceInfo | None = None
    owed: Owed | None = None

    @property
    def since(self) -> datetime | None:
        moments = {
            WAITING: self.check_in_time,
            ON_HOLD: self.held_at or self.check_in_time,
            CALLED: self.called_at,
            IN_PROGRESS: self.start_time or self.called_at,
            PENDING_PAYMENT: self.end_time,
        }
        return moments.get(self.status)

    @property
    def minutes(self) -> int:
        return minutes_between(self.since, clock.now())

    @property
    def due_in(self) -> int:
        """Whole minutes until the appointment, negative once it has passed."""
        if self.scheduled_time is None:
            return 0
        seconds = (self.scheduled_time - clock.now()).total_seconds()
        return -minutes_between(self.scheduled_time, clock.now()) if seconds < 0 else int(seconds // 60)

    @property
    def is_due(self) -> bool:
        return self.scheduled_time is not None and self.scheduled_time - clock.now() <= DUE

    @property
    def balance(self) -> Decimal | None:
        return self.owed.balance_due if self.owed else None


@dataclass(frozen=True, kw_only=True)
class QueueDay:
    """One queue's day as the desk sees it: its rows, its tally and its version. ``target`` is in minutes."""

    queue_id: UUID
    clinic_id: UUID
    target: int
    day: date
    seq: int
    epoch: str
    seen: int
    missed: int
    cancelled: int
    rows: tuple[DeskRow, ...] = ()

    def in_status(self, *statuses: str) -> list[DeskRow]:
        return [row for row in self.rows if row.status in statuses]

    @property
    def topic(self) -> str:
        return queue_topic(self.queue_id)

    @property
    def leaving(self) -> list[DeskRow]:
        return sorted(
            self.in_status(PENDING_PAYMENT),
            key=lambda row: (row.end_time or row.since or clock.now(), row.visit_id),
        )

    @property
    def expected(self) -> list[DeskRow]:
        return sorted(
            self.in_status(SCHEDULED), key=lambda row: (row.scheduled_time or clock.now(), row.visit_id)
        )

    @property
    def waiting(self) -> list[DeskRow]:
        return self.in_status(WAITING)

    @property
    def on_hold(self) -> list[DeskRow]:
        return sorted(self.in_status(ON_HOLD), key=lambda row: (row.since or clock.now(), row.visit_id))


@dataclass(frozen=True)
class ClinicTab:
    """A clinic of the facility with the number of people who wait there now."""

    clinic: ClinicInfo
    queue_id: UUID
    waiting: int
    seq: int
    epoch: str


def clinics(actor: Actor) -> list[ClinicTab]:
    """Return the facility's clinics that have a queue, in their order, with who waits in each."""
    facility = organization.facility(actor)
    where = {
        "organization_id": actor.organization_id,
        "facility_id": facility.id,
        "timezone": facility.timezone,
    }
    queues = {row.clinic_id: row for row in db.session.execute(WAITING_BY_CLINIC, where)}
    listed = organization.directory(actor.organization_id).clinics_of(facility.id)
    return [
        ClinicTab(clinic, row.queue_id, row.waiting, row.seq or 0, str(row.epoch or ""))
        for clinic in listed
        if (row := queues.get(clinic.id)) is not None
    ]


def queue_day(actor: Actor, clinic_id: UUID, statuses: Iterable[str], *, is_named: bool = True) -> QueueDay:
    """Return today's visits of a clinic's queue in one of ``statuses``; NotFound (404) for a foreign clinic.

    Who looked at whose rows is noted, unless the part of the screen names nobody (``is_named``).
    """
    where = {
        "organization_id": actor.organization_id,
        "clinic_id": clinic_id,
        "timezone": organization.facility(actor).timezone,
        "statuses": list(statuses),
    }
    found = db.session.execute(QUEUE_DAY, where).mappings().all()
    if not found:
        raise NotFound
    head = found[0]
    rows = [
        row_of(each, place=place if each["status"] == WAITING else 0)
        for place, each in enumerate(found, 1)
        if each["visit_id"] is not None
    ]
    return QueueDay(
        clinic_id=clinic_id,
        day=head["today"],
        seq=head["seq"] or 0,
        epoch=str(head["epoch"] or ""),
        rows=tuple(_seen(actor, rows) if is_named else rows),
        **{name: head[name] for name in ("queue_id", "target", "seen", "missed", "cancelled")},
    )


_FROM_ELSEWHERE = {"place", "name", "doctor", "service", "owed"}


def row_of(found: Mapping[Any, Any], *, place: int = 0) -> DeskRow:
    """Return the row that the columns ``ROW`` describe."""
    own = {each.name: found[each.name] for each in fields(DeskRow) if each.name not in _FROM_ELSEWHERE}
    return DeskRow(place=place, **own)


def minutes_between(start: datetime | None, end: datetime) -> int:
    """Return whole minutes, never negative; 0 without a start."""
    return max(0, int((end - start).total_seconds() // 60)) if start else 0


def with_facts(actor: Actor, rows: list[DeskRow]) -> list[DeskRow]:
    """Return the rows with what others know of them, except the name: doctor, service, what is owed."""
    directory = organization.directory(actor.organization_id)
    owed = payments.owed_for_visits(actor, [row.visit_id for row in rows]) if rows else {}
    return [
        replace(
            row,
            doctor=directory.staff.get(row.doctor_id) if row.doctor_id else None,
            service=directory.services.get(row.service_id),
            owed=owed.get(row.visit_id),
        )
        for row in rows
    ]


def with_names(actor: Actor, rows: list[DeskRow]) -> list[DeskRow]:
    """Return the rows with their patients' names, asked in one go."""
    cards = patients.cards(actor, {row.patient_id for row in rows}) if rows else {}
    return [replace(row, name=cards[row.patient_id].name) if row.patient_id in cards else row for row in rows]


def _seen(actor: Actor, rows: list[DeskRow]) -> list[DeskRow]:
    """One access-log row for the whole list, with the patients on it."""
    with transaction():
        complete = with_names(actor, with_facts(actor, rows))
        if rows:
            audit.saw(actor, "desk.view", "patient", ids=dict.fromkeys(row.patient_id for row in rows))
    return complete
