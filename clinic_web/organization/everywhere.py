"""All facilities of all tenants, for the program itself and for commands of the one who runs it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.organization.models import Facility, Organization


@dataclass(frozen=True, kw_only=True)
class FacilityAnywhere:
    organization_id: UUID
    organization_name: str
    id: UUID
    code: str
    name: str


def facilities_anywhere() -> list[FacilityAnywhere]:
    """Return every facility with its organization, by name. No actor asks this, only a command."""
    columns = Facility.organization_id, Organization.name, Facility.id, Facility.code, Facility.name
    theirs = select(*columns).join(Organization, Organization.id == Facility.organization_id)
    rows = [row for _ in tenant.each() for row in db.session.execute(theirs)]
    return sorted(
        (
            FacilityAnywhere(organization_id=house, organization_name=owner, id=key, code=code, name=name)
            for house, owner, key, code, name in rows
        ),
        key=lambda each: (each.organization_name, each.code),
    )
