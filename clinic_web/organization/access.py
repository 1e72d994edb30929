"""The only way to load a row of organization to change it: the tenant's own, or it is not there."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.organization.models import (
    Clinic,
    Department,
    Facility,
    Organization,
    Room,
    Service,
    Staff,
)

MANAGE = "organization.manage"

AnyRow = Organization | Facility | Department | Clinic | Room | Staff | Service


def require_manager(actor: Actor) -> None:
    """Raise NotAllowed (403) unless ``actor`` sets the organization up; the program itself does."""
    if actor.user_id is not None:
        actor.require(MANAGE)


def row_for(actor: Actor, table: type[AnyRow], row_id: UUID, *, lock: bool = False) -> AnyRow:
    """Return a row of the actor's tenant, also a closed one; locked for change if asked. Raises NotFound."""
    query = select(table).where(table.id == row_id, table.deleted_at.is_(None))
    if table is Organization:
        query = query.where(table.id == actor.organization_id)
    else:
        query = query.where(table.organization_id == actor.organization_id)  # type: ignore[union-attr]
    row = db.session.scalar(
        query.with_for_update().execution_options(populate_existing=True) if lock else query
    )
    if row is None:
        raise NotFound
    return cast("AnyRow", row)
