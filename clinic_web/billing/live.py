"""The live topic of bills, ``bills:<clinic>``, and who may hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from clinic_web.organization import api as organization

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

BILLS = "bills:"


def bills_topic(clinic_id: UUID) -> str:
    """Return the topic that every new bill of a clinic, and every change of one, bumps."""
    return f"{BILLS}{clinic_id}"


def may_join(joiner: Joiner, topic: str) -> bool:
    """People who may see bills hear the clinics of their own facility."""
    actor = joiner.actor
    if actor is None or not actor.can("bill.view"):
        return False
    clinic = organization.directory(actor.organization_id).clinics.get(UUID(topic.removeprefix(BILLS)))
    return clinic is not None and actor.facility_id in (None, clinic.facility_id)
