"""What reception does when other modules tell something."""

from __future__ import annotations

from clinic_web.events.payments import PaymentCompleted
from clinic_web.events.reception import (
    VisitCalled,
    VisitCancelled,
    VisitCheckedIn,
    VisitCompleted,
    VisitMoved,
)
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.errors import NotFound
from clinic_web.reception.access import visit_for
from clinic_web.reception.models.visits import PENDING_PAYMENT
from clinic_web.reception.service import telling_ahead
from clinic_web.reception.service.moves import moved, publish


def tell_who_is_soon(event: VisitCalled | VisitCheckedIn | VisitCancelled | VisitMoved) -> None:
    """The line moved: whoever has three, two or one before them now is told, once each."""
    telling_ahead.tell_next(event.organization_id, event.clinic_id, event.visit_id)


def complete_paid_visit(event: PaymentCompleted) -> None:
    """A visit that waited for its payment completes.

    In any other state the money came before the finish, which will see it; or the event came twice.
    """
    if event.visit_id is None:
        return
    actor = system_actor(event.organization_id, name="payments")
    try:
        visit = visit_for(actor, event.visit_id, lock=True)
    except NotFound:
        return  # the payment of something else than a visit of ours
    if visit.status != PENDING_PAYMENT:
        return
    witness = visit.complete()
    publish(actor, VisitCompleted, visit)
    moved(actor, "visit.complete", visit, witness)
