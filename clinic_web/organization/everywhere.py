"""All tenants and all their facilities, for the program itself and for commands of the one who runs it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.db import db
from clinic_web.organization.models import Facility, Organization


@dataclass(frozen=True, kw_only=True)
class FacilityAnywhere:
    organization_id: UUID
    organization_name: str
    id: UUID
    code: str
    name: str


def organizations_anywhere() -> list[UUID]:
    """Return all tenants, the oldest first. No actor asks this, only what the program does for each."""
    return list(db.session.scalars(select(Organization.id).order_by(Organization.id)))


def facilities_anywhere() -> list[FacilityAnywhere]:
    """Return every facility with its organization, by name. No actor asks this, only a command."""
    rows = db.session.execute(
        select(Facility.organization_id, Organization.name, Facility.id, Facility.code, Facility.name)
        .join(Organization, Organization.id == Facility.organization_id)
        .order_by(Organization.name, Facility.code)
    )
    return [
        FacilityAnywhere(organization_id=tenant, organization_name=owner, id=key, code=code, name=name)
        for tenant, owner, key, code, name in rows
    ]
