"""The live topic of a facility's stock, ``stock:<facility>``, and who may hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from clinic_web.organization import api as organization

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

STOCK = "stock:"


def stock_topic(facility_id: UUID) -> str:
    """Return the topic that every movement of a facility's stock bumps."""
    return f"{STOCK}{facility_id}"


def may_join(joiner: Joiner, topic: str) -> bool:
    """People who may see the stock hear that of their own facility."""
    actor = joiner.actor
    if actor is None or not actor.can("stock.view"):
        return False
    facility = organization.directory(actor.organization_id).facilities.get(UUID(topic.removeprefix(STOCK)))
    return facility is not None and actor.facility_id in (None, facility.id)
