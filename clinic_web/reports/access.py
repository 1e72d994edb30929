"""The only way to load reports for a person: of their own facility, or of their tenant's; others are 404."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.organization import api as organization
from clinic_web.organization.api import FacilityInfo
from clinic_web.reports.models import Run

SEE_ALL = "report.view_all"


def facilities_of(actor: Actor) -> list[FacilityInfo]:
    """Return the facilities whose reports the actor may see, their own first."""
    known = organization.directory(actor.organization_id).facilities.values()
    return [each for each in known if each.is_active and _sees(actor, each.id)]


def everywhere(actor: Actor) -> list[FacilityInfo]:
    """Return every open facility of the organization; Forbidden (403) to who may not see all of them."""
    actor.require(SEE_ALL)
    known = organization.directory(actor.organization_id).facilities.values()
    return [each for each in known if each.is_active]


def _sees(actor: Actor, facility_id: UUID) -> bool:
    return actor.facility_id in (None, facility_id) or actor.can(SEE_ALL)


def facility_for(actor: Actor, facility_id: UUID | None) -> FacilityInfo:
    """Return one of them, by default where the actor works; NotFound (404) for any other."""
    if facility_id is None:
        return organization.facility(actor)
    for each in facilities_of(actor):
        if each.id == facility_id:
            return each
    raise NotFound(N_("This place is not here (any more)."))


def run_for(actor: Actor, run_id: UUID) -> Run:
    """Return a run, locked for change; NotFound (404)."""
    mine = select(Run).where(Run.id == run_id, Run.organization_id == actor.organization_id)
    if actor.facility_id and not actor.can(SEE_ALL):
        mine = mine.where(Run.facility_id == actor.facility_id)
    run: Run | None = db.session.execute(mine.with_for_update()).scalar()
    if run is None:
        raise NotFound
    return run
