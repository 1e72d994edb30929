"""Who was seen and has not paid joins the cashier's line by themselves, with the ticket they have."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, func, select

from clinic_web.kernel import push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.access import visit_for
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models import Queue, StationStop, Visit
from clinic_web.reception.models.queues import CASHIER
from clinic_web.reception.models.visits import CALLED, PENDING_PAYMENT, WAITING
from clinic_web.reception.service.numbers import today
from clinic_web.reception.service.station_joining import join
from clinic_web.reception.service.stations import moved_stop


def join_by_itself(actor: Actor, visit_id: UUID) -> None:
    """Let a finished visit that has not been paid join a cashier's line that takes such visits.

    Of several it is the one in which the fewest wait. Nothing happens to a visit that was paid or opened
    again meanwhile, is not today's, has no number, or stands with a cashier already.
    """
    with transaction():
        visit = visit_for(actor, visit_id, lock=True)
        if visit.status != PENDING_PAYMENT or visit.ticket is None or _is_with_a_cashier(visit):
            return
        queue = _cashier_of(visit)
        if queue is None or visit.queue_day != today(actor, visit.facility_id):
            return
        join(
            actor,
            queue,
            visit_id=visit.id,
            patient_id=visit.patient_id,
            queue_day=visit.queue_day,
            ticket=visit.ticket,
            priority_rank=visit.priority_rank,
        )
        push.changed(queue_topic(visit.queue_id))  # whoever has the visit in hand sees where it goes


def leave_by_itself(actor: Actor, visit_id: UUID) -> None:
    """Take a visit that joined by itself out of the cashier's line again, unless it is at the counter."""
    waiting = _stops_of(visit_id).where(StationStop.created_by.is_(None), StationStop.status == WAITING)
    for stop in db.session.scalars(waiting.with_for_update(of=StationStop)):
        stop.cancel()
        moved_stop(actor, "station.take_out", stop)


def _is_with_a_cashier(visit: Visit) -> bool:
    stands = _stops_of(visit.id).where(StationStop.status.in_((WAITING, CALLED)))
    return db.session.scalars(stands.limit(1)).first() is not None


def _stops_of(visit_id: UUID) -> Select[StationStop]:
    return (
        select(StationStop)
        .join(Queue, Queue.id == StationStop.queue_id)
        .where(StationStop.visit_id == visit_id, Queue.kind == CASHIER)
    )


def _cashier_of(visit: Visit) -> Queue | None:
    waiting = (
        select(func.count())
        .where(
            StationStop.queue_id == Queue.id,
            StationStop.queue_day == visit.queue_day,
            StationStop.status == WAITING,
        )
        .scalar_subquery()
    )
    open_here = select(Queue).where(
        Queue.facility_id == visit.facility_id, Queue.kind == CASHIER, Queue.is_active, Queue.takes_unpaid
    )
    return db.session.scalars(open_here.order_by(waiting, Queue.prefix).limit(1)).first()
