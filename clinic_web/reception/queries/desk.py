"""What the desk shows of one queue's local day.

One statement reads the queue, its visits, its tally and the version of its live topic, so that a fragment
always knows which state it was rendered from. Names and money are asked of their owners, once each for the
whole list, whatever its length.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, func, literal, select, true
from sqlalchemy.orm import aliased

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.tables import Stream
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, Directory, ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.payments import api as payments
from clinic_web.payments.api import Owed
from clinic_web.reception.live import QUEUE, queue_topic
from clinic_web.reception.models import Queue, Visit, VisitTransition
from clinic_web.reception.models.queues import CLINIC
from clinic_web.reception.models.visits import (
    CALLED,
    CANCELLED,
    COMPLETED,
    IN_PROGRESS,
    NO_SHOW,
    ON_HOLD,
    PENDING_PAYMENT,
    SCHEDULED,
    WAITING,
)

AT_THE_DESK = (PENDING_PAYMENT, SCHEDULED)
IN_LINE = (WAITING, ON_HOLD)
WITH_A_DOCTOR = (CALLED, IN_PROGRESS)

# From a quarter of an hour before the time on, somebody may well be standing here: their row offers the check-in.
DUE = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class DeskRow:
    """One visit as a row. ``place`` counts in calling order; ``since`` is the moment its minutes count from."""

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
    def balance(self) -> Any:
        return self.owed.balance_due if self.owed else None


@dataclass(frozen=True, kw_only=True)
class QueueDay:
    """One queue's day as the desk sees it: its rows in calling order, its tally and its version."""

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
        return sorted(self.in_status(PENDING_PAYMENT), key=lambda row: (row.end_time or row.since or clock.now(), row.visit_id))

    @property
    def expected(self) -> list[DeskRow]:
        return sorted(self.in_status(SCHEDULED), key=lambda row: (row.scheduled_time or clock.now(), row.visit_id))

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


def clinics(actor: Actor) -> list[ClinicTab]:
    """Return the facility's clinics that have a queue, in their order, with who waits in each."""
    facility = organization.facility(actor)
    waiting = (
        select(func.count())
        .where(Visit.queue_id == Queue.id, Visit.queue_day == clock.today(facility.timezone), Visit.status == WAITING)
        .correlate(Queue)
        .scalar_subquery()
    )
    statement = select(Queue.clinic_id, Queue.id, waiting).where(
        Queue.organization_id == actor.organization_id,
        Queue.facility_id == facility.id,
        Queue.kind == CLINIC,
        Queue.is_active,
    )
    by_clinic = {clinic_id: (queue_id, count) for clinic_id, queue_id, count in db.session.execute(statement)}
    listed = organization.directory(actor.organization_id).clinics_of(facility.id)
    return [ClinicTab(clinic, *by_clinic[clinic.id]) for clinic in listed if clinic.id in by_clinic]


def queue_day(actor: Actor, clinic_id: UUID, statuses: Iterable[str], *, is_named: bool = True) -> QueueDay:
    """Return the visits of a clinic's queue today that are in one of ``statuses``; NotFound (404) if the clinic
    is not the actor's. Who looked at whose rows is noted, unless the part names nobody (``is_named``)."""
    today = clock.today(organization.facility(actor).timezone)
    found = db.session.execute(_statement(actor, clinic_id, today, tuple(statuses))).mappings().all()
    if not found:
        raise NotFound
    head = found[0]
    rows = _in_calling_order([row_of(each) for each in found if each["visit_id"] is not None])
    return QueueDay(
        queue_id=head["queue_id"],
        clinic_id=clinic_id,
        target=head["target"],
        day=today,
        seq=head["seq"] or 0,
        epoch=str(head["epoch"] or ""),
        seen=head["seen"],
        missed=head["missed"],
        cancelled=head["cancelled"],
        rows=tuple(_seen(actor, rows) if is_named else rows),
    )


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


def _in_calling_order(rows: list[DeskRow]) -> list[DeskRow]:
    """Number the waiting ones: the statement read them in the order in which they are called."""
    places = itertools.count(1)
    return [replace(row, place=next(places)) if row.status == WAITING else row for row in rows]


def _statement(actor: Actor, clinic_id: UUID, today: date, statuses: tuple[str, ...]) -> Select[Any]:
    done = aliased(Visit)
    tally = (
        select(
            func.count().filter(done.status.in_((PENDING_PAYMENT, COMPLETED))).label("seen"),
            func.count().filter(done.status == NO_SHOW).label("missed"),
            func.count().filter(done.status == CANCELLED).label("cancelled"),
        )
        .where(done.queue_id == Queue.id, done.queue_day == today)
        .lateral()
    )
    in_list = and_(Visit.queue_id == Queue.id, Visit.queue_day == today, Visit.status.in_(statuses))
    return (
        select(
            Queue.id.label("queue_id"),
            Queue.wait_target_minutes.label("target"),
            *stream_columns(),
            tally.c.seen,
            tally.c.missed,
            tally.c.cancelled,
            *row_columns(),
        )
        .join(tally, true())
        .outerjoin(Visit, in_list)
        .where(Queue.organization_id == actor.organization_id, Queue.clinic_id == clinic_id, Queue.kind == CLINIC)
        .order_by(*CALLING_ORDER)
    )


def stream_columns() -> list[ColumnElement[Any]]:
    """Where the queue's live topic stands in the very snapshot that the rows are read from."""
    topic = literal(QUEUE) + cast(Queue.id, Text)
    return [
        select(column).where(Stream.topic == topic).correlate(Queue).scalar_subquery().label(name)
        for name, column in (("seq", Stream.seq), ("epoch", Stream.epoch))
    ]


def row_columns() -> list[ColumnElement[Any]]:
    """The columns of a DeskRow."""
    held_at = (
        select(func.max(VisitTransition.at))
        .where(VisitTransition.visit_id == Visit.id, VisitTransition.to_status == ON_HOLD)
        .correlate(Visit)
        .scalar_subquery()
    )
    plain = [getattr(Visit, name) for name in _OWN_COLUMNS]
    return [Visit.id.label("visit_id"), *plain, case((Visit.status == ON_HOLD, held_at)).label("held_at")]


_OWN_COLUMNS = (
    "version",
    "status",
    "ticket",
    "clinic_id",
    "queue_day",
    "patient_id",
    "doctor_id",
    "attending_id",
    "service_id",
    "room_id",
    "visit_type",
    "scheduled_time",
    "check_in_time",
    "called_at",
    "start_time",
    "end_time",
    "hold_reason",
    "priority",
    "priority_reason",
)


def row_of(found: Mapping[str, Any]) -> DeskRow:
    return DeskRow(visit_id=found["visit_id"], held_at=found["held_at"], **{name: found[name] for name in _OWN_COLUMNS})
