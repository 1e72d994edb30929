"""The patient has come: check in, take it back, give priority."""

from __future__ import annotations

from uuid import UUID

from clinic_web.events.reception import VisitCheckedIn
from clinic_web.kernel.actor import Actor
from clinic_web.reception.models.appointments import CHECKED_IN, CONFIRMED
from clinic_web.reception.models.visits import SCHEDULED
from clinic_web.reception.queries import priorities
from clinic_web.reception.service import numbers
from clinic_web.reception.service.following import follow
from clinic_web.reception.service.moves import Moved, moved, moving, publish, require_absent, require_reason


def check_in(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """SCHEDULED → WAITING, the appointment CHECKED_IN; draws the number where the queue draws at check-in.

    Raises StaleScreen (409), NotFound (404), RuleBroken (422: not today's appointment, or the patient
    already waits in this line).
    """
    with moving(actor, visit_id, version) as visit:
        if visit.status == SCHEDULED:  # any other state refuses by itself
            numbers.require_today(actor, visit)
            require_absent(visit.queue_id, visit.queue_day, visit.patient_id)
        witness = visit.check_in()
        follow(actor, visit, CHECKED_IN)
        numbers.give_number(actor, visit)
        publish(actor, VisitCheckedIn, visit)
        return moved(actor, "visit.check_in", visit, witness)


def undo_check_in(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """WAITING → SCHEDULED, the appointment CONFIRMED. The number stays. A walk-in can't: RuleBroken (422)."""
    with moving(actor, visit_id, version) as visit:
        witness = visit.undo_check_in()
        follow(actor, visit, CONFIRMED)
        return moved(actor, "visit.undo_check_in", visit, witness)


def prioritise(
    actor: Actor, visit_id: UUID, priority: str | None, reason: str | None, *, version: int
) -> Moved:
    """Give a visit that has not been called ``priority`` with its reason; None takes it away.

    Raises RuleBroken (422, field ``priority`` or ``priority_reason``), StaleScreen (409), NotFound (404).
    """
    require_reason(priority, reason)
    with moving(actor, visit_id, version) as visit:
        rank = priorities.rank_of(visit.queue_id, priority)
        visit.prioritise(priority, reason if priority else None, actor.user_id, rank=rank)
        return moved(actor, "visit.prioritise", visit)
