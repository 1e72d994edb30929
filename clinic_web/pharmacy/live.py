"""The live topic of the pharmacy's worklist, ``pharmacy:<facility>``, and who may hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from clinic_web.organization import api as organization

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

WORKLIST = "pharmacy:"


def worklist_topic(facility_id: UUID) -> str:
    """Return the topic that whatever is reserved, dispensed or released in a facility bumps."""
    return f"{WORKLIST}{facility_id}"


def may_join(joiner: Joiner, topic: str) -> bool:
    """People who may see prescriptions hear of those of their own facility."""
    actor = joiner.actor
    if actor is None or not actor.can("pharmacy.view"):
        return False
    facility_id = UUID(topic.removeprefix(WORKLIST))
    there = organization.directory(actor.organization_id).facilities
    return facility_id in there and actor.facility_id in (None, facility_id)
