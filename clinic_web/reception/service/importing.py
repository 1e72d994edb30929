"""Visits in bulk: what another system has seen, or a day laid out for a demonstration.

Nobody is told, no payment is opened and no rule of the desk is asked: the past happened as it did. Numbers
are drawn from the same counters as everywhere, so a day with imported visits has no gaps either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.ids import dated_number, new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.access import NO_QUEUE
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models import Appointment, Queue, QueueDay, QueueNumber, Visit, VisitTransition
from clinic_web.reception.models import appointments as promise
from clinic_web.reception.models.queues import CLINIC, ISSUED, ticket_text
from clinic_web.reception.models.visits import (
    CALLED,
    CANCELLED,
    COMPLETED,
    FROM_APPOINTMENT,
    IN_PROGRESS,
    NO_SHOW,
    ON_HOLD,
    PENDING_PAYMENT,
    PRIORITIES,
    SCHEDULED,
    WAITING,
    WALK_IN,
)
from clinic_web.reception.service.numbers import timezone_of

CHUNK = 1000

# How the appointment of a visit stands, by the visit's state.
APPOINTMENT_IS: dict[str, str] = {
    SCHEDULED: promise.CONFIRMED,
    COMPLETED: promise.COMPLETED,
    PENDING_PAYMENT: promise.COMPLETED,
    NO_SHOW: promise.NO_SHOW,
    CANCELLED: promise.CANCELLED,
}


@dataclass(frozen=True, kw_only=True)
class PastVisit:
    """A visit as it stands, and when what happened. Times are aware; None: that did not happen (yet).

    With ``scheduled_at`` it has an appointment of ``minutes``, booked at ``booked_at``. ``left_at`` is when
    it was put on hold, missed or cancelled, and ``reason`` why. ``has_number``: draw a ticket, in the order
    of the rows. ``external_id`` is its id in the other system: a row with a known one is passed over.
    """

    patient_id: UUID
    service_id: UUID
    clinic_id: UUID
    facility_id: UUID
    doctor_id: UUID | None
    status: str = COMPLETED
    scheduled_at: datetime | None = None
    minutes: int = 20
    booked_at: datetime | None = None
    came_at: datetime | None = None
    called_at: datetime | None = None
    opened_at: datetime | None = None
    finished_at: datetime | None = None
    left_at: datetime | None = None
    reason: str | None = None
    attending_id: UUID | None = None
    room_id: UUID | None = None
    priority: str | None = None
    priority_reason: str | None = None
    has_number: bool = False
    external_id: str | None = None
    id: UUID = field(default_factory=new_id)

    @property
    def began_at(self) -> datetime:
        """What decides on which local day the visit is."""
        found = self.scheduled_at or self.came_at or self.opened_at or self.finished_at
        if found is None:
            raise ValueError("a past visit needs a time: scheduled_at, came_at, opened_at or finished_at")
        return found

    def moves(self) -> list[tuple[str, datetime]]:
        """Return the states it went through, as far as their times are known, and when."""
        steps = [
            (SCHEDULED, self.booked_at or self.scheduled_at if self.scheduled_at else None),
            (WAITING, self.came_at),
            (CALLED, self.called_at),
            (IN_PROGRESS, self.opened_at),
            (self.status if self.status in (COMPLETED, PENDING_PAYMENT) else COMPLETED, self.finished_at),
            (self.status if self.status in (ON_HOLD, NO_SHOW, CANCELLED) else CANCELLED, self.left_at),
        ]
        known = [(state, at) for state, at in steps if at is not None]
        return known if known and known[-1][0] == self.status else [*known, (self.status, self.began_at)]


@dataclass(frozen=True)
class _Placed:
    """A past visit in its queue, on its day, with its number if it draws one."""

    visit: PastVisit
    queue: Queue
    day: date
    number: int | None = None

    @property
    def ticket(self) -> str | None:
        return None if self.number is None else ticket_text(self.queue.prefix, self.number)


def import_past_visits(actor: Actor, rows: Iterable[PastVisit]) -> int:
    """Write past visits with appointments, numbers and moves; return how many were new.

    A second run with the same ``external_id``s changes nothing. A thousand rows take a few statements.
    Raises NotFound (404) when a clinic has no queue.
    """
    waiting, count = iter(rows), 0
    with transaction():
        queues = _queues(actor)
        while chunk := list(islice(waiting, CHUNK)):
            known = _known(actor, chunk)
            new = [row for row in chunk if row.external_id not in known]
            _write(actor, _numbered(actor, [_place(actor, row, queues) for row in new]))
            count += len(new)
    return count


def _queues(actor: Actor) -> dict[UUID, Queue]:
    found = select(Queue).where(Queue.organization_id == actor.organization_id, Queue.kind == CLINIC)
    return {queue.clinic_id: queue for queue in db.session.scalars(found) if queue.clinic_id is not None}


def _known(actor: Actor, rows: Sequence[PastVisit]) -> set[str | None]:
    ids = [row.external_id for row in rows if row.external_id is not None]
    found = select(Visit.external_id).where(
        Visit.organization_id == actor.organization_id, Visit.external_id.in_(ids)
    )
    return set(db.session.scalars(found)) if ids else set()


def _place(actor: Actor, row: PastVisit, queues: dict[UUID, Queue]) -> _Placed:
    queue = queues.get(row.clinic_id)
    if queue is None:
        raise NotFound(NO_QUEUE)
    return _Placed(row, queue, clock.local(row.began_at, timezone_of(actor, row.facility_id)).date())


def _numbered(actor: Actor, rows: Sequence[_Placed]) -> list[_Placed]:
    """Draw the numbers, for each queue and day as many as are wanted at once."""
    wanted: dict[tuple[UUID, date], int] = defaultdict(int)
    for row in rows:
        if row.visit.has_number:
            wanted[row.queue.id, row.day] += 1
    following = {place: _draw(actor, *place, count) for place, count in sorted(wanted.items())}
    return [
        _Placed(row.visit, row.queue, row.day, next(following[row.queue.id, row.day]))
        if row.visit.has_number
        else row
        for row in rows
    ]


def _draw(actor: Actor, queue_id: UUID, day: date, count: int) -> Iterator[int]:
    drawn = pg_insert(QueueDay).values(
        organization_id=actor.organization_id, queue_id=queue_id, day=day, last_number=count
    )
    last = db.session.execute(
        drawn.on_conflict_do_update(
            index_elements=["queue_id", "day"], set_={"last_number": QueueDay.last_number + count}
        ).returning(QueueDay.last_number)
    ).scalar_one()
    return iter(range(last - count + 1, last + 1))


def _write(actor: Actor, rows: Sequence[_Placed]) -> None:
    booked = {row.visit.id: new_id() for row in rows if row.visit.scheduled_at is not None}
    _insert(
        Appointment,
        [_appointment(actor, row, booked[row.visit.id]) for row in rows if row.visit.id in booked],
    )
    _insert(Visit, [_visit(actor, row, booked.get(row.visit.id)) for row in rows])
    _insert(QueueNumber, [_number(actor, row) for row in rows if row.number is not None])
    for queue_id in {row.queue.id for row in rows}:
        push.changed(queue_topic(queue_id))
    _insert(VisitTransition, [move for row in rows for move in _moves(actor, row.visit)])


def _insert(table: Any, values: list[dict[str, Any]]) -> None:
    if values:
        db.session.execute(insert(table), values)


def _appointment(actor: Actor, row: _Placed, appointment_id: UUID) -> dict[str, Any]:
    visit, start = row.visit, row.visit.began_at
    is_off = visit.status == CANCELLED
    return {
        "id": appointment_id,
        "organization_id": actor.organization_id,
        "facility_id": visit.facility_id,
        "booking_id": dated_number("BK", row.day),
        "clinic_id": visit.clinic_id,
        "doctor_id": visit.doctor_id,
        "patient_id": visit.patient_id,
        "service_id": visit.service_id,
        "start_time": start,
        "end_time": start + timedelta(minutes=visit.minutes),
        "status": APPOINTMENT_IS.get(visit.status, promise.CHECKED_IN),
        "booking_source": "SYSTEM",
        "cancelled_at": visit.left_at if is_off else None,
        "cancel_reason": visit.reason if is_off else None,
        "created_by": actor.user_id,
        "created_at": visit.booked_at or start,
    }


def _visit(actor: Actor, row: _Placed, appointment_id: UUID | None) -> dict[str, Any]:
    visit = row.visit
    return {
        "id": visit.id,
        "organization_id": actor.organization_id,
        "facility_id": visit.facility_id,
        "clinic_id": visit.clinic_id,
        "queue_id": row.queue.id,
        "appointment_id": appointment_id,
        "doctor_id": visit.doctor_id,
        "attending_id": visit.attending_id,
        "patient_id": visit.patient_id,
        "service_id": visit.service_id,
        "room_id": visit.room_id,
        "queue_day": row.day,
        "queue_number": row.number,
        "ticket": row.ticket,
        "scheduled_time": visit.scheduled_at,
        "check_in_time": visit.came_at,
        "called_at": visit.called_at,
        "start_time": visit.opened_at,
        "end_time": visit.finished_at,
        "times_called": 0 if visit.called_at is None else 1,
        "hold_reason": visit.reason if visit.status == ON_HOLD else None,
        "priority": visit.priority,
        "priority_rank": PRIORITIES.get(visit.priority or "", 0),
        "priority_reason": visit.priority_reason,
        "priority_at": visit.came_at if visit.priority else None,
        "visit_type": FROM_APPOINTMENT if appointment_id else WALK_IN,
        "status": visit.status,
        "external_id": visit.external_id,
        "created_by": actor.user_id,
    }


def _number(actor: Actor, row: _Placed) -> dict[str, Any]:
    return {
        "id": new_id(),
        "organization_id": actor.organization_id,
        "queue_id": row.queue.id,
        "day": row.day,
        "number": row.number,
        "visit_id": row.visit.id,
        "state": ISSUED,
        "issued_at": row.visit.booked_at or row.visit.came_at or row.visit.began_at,
    }


def _moves(actor: Actor, visit: PastVisit) -> Iterator[dict[str, Any]]:
    before: str | None = None
    for status, at in visit.moves():
        yield {
            "id": new_id(),
            "organization_id": actor.organization_id,
            "visit_id": visit.id,
            "from_status": before,
            "to_status": status,
            "room_id": visit.room_id if status in (CALLED, IN_PROGRESS) else None,
            "reason": visit.reason if status in (ON_HOLD, CANCELLED) else None,
            "by_user_id": actor.user_id,
            "at": at,
        }
        before = status
