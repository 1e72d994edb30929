"""A visit's ticket joins a station's line without anybody sending it: something waits for it there."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from clinic_web.kernel import push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.access import visit_for
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models import Queue, StationStop, Visit
from clinic_web.reception.models.visits import CALLED, CANCELLED, COMPLETED, PENDING_PAYMENT, WAITING
from clinic_web.reception.service.numbers import today
from clinic_web.reception.service.station_joining import join
from clinic_web.reception.service.stations import Stopped, state_of_stop

IS_OVER = (PENDING_PAYMENT, COMPLETED)


def join_station(actor: Actor, kind: str, visit_id: UUID, *, again: bool = False) -> Stopped | None:
    """Let a finished visit's ticket join the open station of ``kind`` (PHARMACY, LAB) where fewest wait.

    Idempotent: nothing happens (None) to a ticket that stands in such a line already, or stood there before;
    with ``again`` (something new waits for it) only to one that stands there or was taken out by hand. Nor
    to a visit that is not over, is not today's, has no number, or where no such station is open. The visit is
    locked, so what is told twice at the same instant joins once.
    """
    with transaction():
        try:
            visit = visit_for(actor, visit_id, lock=True)
        except NotFound:
            return None
        if visit.status not in IS_OVER or visit.ticket is None or _stays_out(visit, kind, again):
            return None
        queue = shortest_line(visit, Queue.kind == kind)
        if queue is None or visit.queue_day != today(actor, visit.facility_id):
            return None
        return state_of_stop(bring(actor, visit, queue))


def bring(actor: Actor, visit: Visit, queue: Queue) -> StationStop:
    """Let the ticket of a locked visit join a line, and tell whoever has the visit in hand where it goes."""
    stop = join(
        actor,
        queue,
        visit_id=visit.id,
        patient_id=visit.patient_id,
        queue_day=visit.queue_day,
        ticket=visit.ticket,
        priority_rank=visit.priority_rank,
    )
    push.changed(queue_topic(visit.queue_id))
    return stop


def _stays_out(visit: Visit, kind: str, again: bool) -> bool:
    stands = stops_of(visit.id, kind)
    if again:
        stands = stands.where(StationStop.status.in_((WAITING, CALLED, CANCELLED)))
    return db.session.scalars(stands.limit(1)).first() is not None


def stops_of(visit_id: UUID, kind: str) -> Select[StationStop]:
    return (
        select(StationStop)
        .join(Queue, Queue.id == StationStop.queue_id)
        .where(StationStop.visit_id == visit_id, Queue.kind == kind)
    )


def shortest_line(visit: Visit, *conditions: ColumnElement[bool]) -> Queue | None:
    """Return the open queue of the visit's facility that fits and in which the fewest wait."""
    waiting = (
        select(func.count())
        .where(
            StationStop.queue_id == Queue.id,
            StationStop.queue_day == visit.queue_day,
            StationStop.status == WAITING,
        )
        .scalar_subquery()
    )
    open_here = select(Queue).where(Queue.facility_id == visit.facility_id, Queue.is_active, *conditions)
    return db.session.scalars(open_here.order_by(waiting, Queue.prefix).limit(1)).first()
