"""What reception does when other modules tell something."""

from __future__ import annotations

from uuid import UUID

from clinic_web.events.payments import PaymentCompleted, PaymentRefunded, PaymentVoided
from clinic_web.events.reception import VisitCompleted
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.errors import NotFound
from clinic_web.payments import api as payments
from clinic_web.reception.access import visit_for
from clinic_web.reception.models.visits import PENDING_PAYMENT
from clinic_web.reception.service.moves import moved, publish


def complete_paid_visit(event: PaymentCompleted) -> None:
    """A visit that waited for its payment completes.

    In any other state the money came before the finish, which will see it; or the event came twice.
    """
    if event.visit_id is not None:
        _complete(system_actor(event.organization_id, name="payments"), event.visit_id)


def complete_settled_visit(event: PaymentRefunded | PaymentVoided) -> None:
    """A visit that waited for money which nobody owes any more completes, too."""
    if event.visit_id is None:
        return
    actor = system_actor(event.organization_id, name="payments")
    owed = payments.owed_for_visits(actor, [event.visit_id]).get(event.visit_id)
    if owed and owed.is_settled:  # not when the claim was taken up again meanwhile, or a receipt corrected
        _complete(actor, event.visit_id)


def _complete(actor: Actor, visit_id: UUID) -> None:
    try:
        visit = visit_for(actor, visit_id, lock=True)
    except NotFound:
        return  # the payment of something else than a visit of ours
    if visit.status != PENDING_PAYMENT:
        return
    witness = visit.complete()
    publish(actor, VisitCompleted, visit)
    moved(actor, "visit.complete", visit, witness)
