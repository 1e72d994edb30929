"""What a move to another clinic or doctor would change, before somebody makes it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, text

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.payments import api as payments
from clinic_web.reception.access import queue_of_clinic
from clinic_web.reception.models import QueuePriority
from clinic_web.reception.models.queues import TODAY, ticket_text
from clinic_web.reception.models.visits import CALLED, ON_HOLD, WAITING
from clinic_web.reception.queries.desk import DeskRow
from clinic_web.reception.queries.hand import VisitInHand
from clinic_web.reception.service.numbers import timezone_of

MAY_MOVE = (WAITING, CALLED, ON_HOLD)

# Who would be called before, were the visit there with this rank and number: as models.queues.WHO_IS_NEXT.
AHEAD = text(
    f"""
    WITH q AS (SELECT id, policy FROM reception.queues WHERE id = :queue_id),
         n AS (SELECT coalesce(max(d.last_number), 0) AS last FROM reception.queue_days d
                WHERE d.queue_id = :queue_id AND d.day = {TODAY})
    SELECT n.last,
           (SELECT count(*) FROM reception.visits v CROSS JOIN q
             WHERE v.queue_id = q.id AND v.queue_day = {TODAY} AND v.status = 'WAITING' AND v.id <> :visit_id
               AND (CAST(:doctor_id AS uuid) IS NULL OR v.doctor_id IS NULL OR v.doctor_id = :doctor_id)
               AND (-v.priority_rank,
                    CASE WHEN q.policy = 'APPOINTMENT_TIME'
                         THEN coalesce(v.scheduled_time, v.check_in_time) ELSE '-infinity' END,
                    v.queue_number)
                 < (-CAST(:rank AS integer),
                    CASE WHEN q.policy = 'APPOINTMENT_TIME'
                         THEN CAST(:counts_from AS timestamptz) ELSE '-infinity' END,
                    coalesce(CAST(:number AS integer), n.last + 1))) AS ahead
      FROM n
    """  # noqa: S608 - the parts are constants of our own
)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would change. ``ticket`` is the one that would be drawn at this moment, None where it is kept;
    ``ahead`` counts who would be called before; ``difference`` is None unless paid money stays as it is."""

    ticket: str | None
    ahead: int
    old_total: Decimal
    new_total: Decimal
    difference: Decimal | None
    loses_priority: bool


def preview(
    actor: Actor, held: VisitInHand, clinic_id: UUID, service_id: UUID, doctor_id: UUID | None
) -> Preview:
    """Return what moving the visit would change; NotFound (404) for a service or doctor that is not there."""
    row = held.row
    terms = organization.terms(actor, service_id, doctor_id)
    queue = queue_of_clinic(actor, clinic_id)
    is_other = queue.id != held.queue_id
    rank = db.session.scalar(
        select(QueuePriority.rank).where(
            QueuePriority.queue_id == queue.id, QueuePriority.code == row.priority, QueuePriority.is_active
        )
    )
    asked = {
        "queue_id": queue.id,
        "visit_id": row.visit_id,
        "doctor_id": doctor_id,
        "rank": rank or 0,
        "counts_from": row.scheduled_time or row.check_in_time,
        "number": None if is_other else _number_of(row),
        "timezone": timezone_of(actor, queue.facility_id),
    }
    found = db.session.execute(AHEAD, asked).one()
    old_total = row.owed.total_amount if row.owed else Decimal(0)
    is_kept = payments.keeps_terms(actor, row.visit_id)
    return Preview(
        ticket=ticket_text(queue.prefix, found.last + 1) if is_other else None,
        ahead=found.ahead,
        old_total=old_total,
        new_total=old_total if is_kept else terms.price,
        difference=terms.price - old_total if is_kept else None,
        loses_priority=row.priority is not None and rank is None,
    )


def _number_of(row: DeskRow) -> int | None:
    return int(row.ticket.rpartition("-")[2]) if row.ticket else None


def may_move(actor: Actor, held: VisitInHand, today: object) -> bool:
    """Return whether the visit can be moved now: somebody who waits or is called, today."""
    return actor.can("visit.move") and held.row.status in MAY_MOVE and held.row.queue_day == today
