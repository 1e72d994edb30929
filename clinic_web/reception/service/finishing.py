"""The consultation ends: completed when it is paid, otherwise the patient goes to pay."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.events.reception import VisitCompleted, VisitFinished
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.ids import new_id
from clinic_web.payments import api as payments
from clinic_web.reception.access import visit_for
from clinic_web.reception.models import Visit
from clinic_web.reception.models.visits import (
    COMPLETED,
    IN_PROGRESS,
    PENDING_PAYMENT,
    StaleVisit,
    finished_status,
)
from clinic_web.reception.service.cashier_line import leave_by_itself
from clinic_web.reception.service.following import take_up_again
from clinic_web.reception.service.moves import Moved, OfVisit, moved, moving, publish, state_of, tell_line
from clinic_web.reception.service.statements import FINISH


def finish(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """IN_PROGRESS → COMPLETED if settled, else PENDING_PAYMENT (``Moved.status`` says which)."""
    with moving(actor, visit_id, version) as visit:
        if visit.status != IN_PROGRESS:
            raise StaleVisit(visit)
        status = end_consultation(actor, visit)
        audit.saw(actor, "visit.finish", "visit", visit.id)
        return replace(state_of(visit), status=status, version=version + 1)


def undo_finish(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """PENDING_PAYMENT → IN_PROGRESS. StaleScreen (409) when that doctor has called somebody meanwhile."""
    with moving(actor, visit_id, version) as visit:
        return _back_into_the_room(actor, visit)


def back_into_the_room(actor: Actor, visit_id: UUID) -> None:
    """Undo the finish that a wrong call brought with it, unless it has been paid meanwhile."""
    visit = visit_for(actor, visit_id, lock=True)
    if visit.status == PENDING_PAYMENT:
        _back_into_the_room(actor, visit)


def _back_into_the_room(actor: Actor, visit: Visit) -> Moved:
    witness = visit.undo_finish()
    take_up_again(actor, visit)
    leave_by_itself(actor, visit.id)
    return moved(actor, "visit.undo_finish", visit, witness)


def end_consultation(actor: Actor, visit: OfVisit) -> str:
    """Finish a locked visit that is IN_PROGRESS; return its new state.

    The payment's row is locked while we look whether it is settled: money that comes at the same instant
    comes before, and we see it, or after, and then it finds the visit PENDING_PAYMENT. The doctor who saw the
    patient earns the share, whoever was asked for at the desk.
    """
    status = finished_status(is_settled=payments.lock_for_visit(actor, visit.id).is_settled)
    if visit.attending_id is not None and visit.attending_id != visit.doctor_id:
        payments.give_ticket(actor, visit.id, None, visit.attending_id)
    FINISH.run(
        {
            "organization_id": visit.organization_id,
            "visit_id": visit.id,
            "status": status,
            "transition_id": new_id(),
            "user_id": actor.user_id,
            "now": clock.now(),
        },
    )
    publish(actor, VisitFinished, visit)
    if status == COMPLETED:
        publish(actor, VisitCompleted, visit)
    tell_line(visit.queue_id)
    return status
