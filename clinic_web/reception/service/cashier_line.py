"""Who was seen and has not paid joins the cashier's line by themselves, with the ticket they have."""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.access import visit_for
from clinic_web.reception.models import Queue, StationStop, Visit
from clinic_web.reception.models.queues import CASHIER
from clinic_web.reception.models.visits import CALLED, PENDING_PAYMENT, WAITING
from clinic_web.reception.service.numbers import today
from clinic_web.reception.service.stations import moved_stop
from clinic_web.reception.service.visit_stops import bring, shortest_line, stops_of


def join_by_itself(actor: Actor, visit_id: UUID) -> None:
    """Let a finished visit that has not been paid join a cashier's line that takes such visits.

    Of several it is the one in which the fewest wait. Nothing happens to a visit that was paid or opened
    again meanwhile, is not today's, has no number, or stands with a cashier already.
    """
    with transaction():
        visit = visit_for(actor, visit_id, lock=True)
        if visit.status != PENDING_PAYMENT or visit.ticket is None or _is_with_a_cashier(visit):
            return
        queue = shortest_line(visit, Queue.kind == CASHIER, Queue.takes_unpaid.is_(True))
        if queue is None or visit.queue_day != today(actor, visit.facility_id):
            return
        bring(actor, visit, queue)


def leave_by_itself(actor: Actor, visit_id: UUID) -> None:
    """Take a visit that joined by itself out of the cashier's line again, unless it is at the counter."""
    waiting = stops_of(visit_id, CASHIER).where(
        StationStop.created_by.is_(None), StationStop.status == WAITING
    )
    for stop in db.session.scalars(waiting.with_for_update(of=StationStop)):
        stop.cancel()
        moved_stop(actor, "station.take_out", stop)


def _is_with_a_cashier(visit: Visit) -> bool:
    stands = stops_of(visit.id, CASHIER).where(StationStop.status.in_((WAITING, CALLED)))
    return db.session.scalars(stands.limit(1)).first() is not None
