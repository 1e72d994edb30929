"""The only way to load an order for a person: tenant and facility decide; foreign is 404."""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.orders.service import keeping
from clinic_web.orders.service.keeping import Known
from clinic_web.reception import api as reception
from clinic_web.reception.api import VisitCard

NO_ORDER = N_("This order is not here (any more).")
NO_VISIT = N_("This visit is not here (any more).")


def order_for(actor: Actor, order_id: UUID) -> Known:
    """Return the order as it is now; NotFound (404) if it is not the actor's to see."""
    order = keeping.read(actor.organization_id, order_id)
    if order is None or actor.facility_id not in (None, order.facility_id):
        raise NotFound(NO_ORDER)
    return order


def visit_for(actor: Actor, visit_id: UUID | None) -> VisitCard:
    """Return the visit; NotFound (404) if it is not the actor's to see."""
    visit = reception.visit_of(actor, visit_id) if visit_id else None
    if visit is None:
        raise NotFound(NO_VISIT)
    return visit
