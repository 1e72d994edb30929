"""The live topic of reports, ``reports:<facility>``, and who may hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from clinic_web.organization import api as organization

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

REPORTS = "reports:"


def reports_topic(facility_id: UUID) -> str:
    """Return the topic that each day made of a facility's reports bumps."""
    return f"{REPORTS}{facility_id}"


def may_join(joiner: Joiner, topic: str) -> bool:
    """People who may see reports hear those of their own facility, or of all."""
    actor = joiner.actor
    if actor is None or not actor.can("report.view"):
        return False
    facility = organization.directory(actor.organization_id).facilities.get(UUID(topic.removeprefix(REPORTS)))
    return facility is not None and (actor.facility_id in (None, facility.id) or actor.can("report.view_all"))
