"""Which roles there are and who has which: for modules that keep rules of their own by role."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select

from clinic_web.identity.models import Permission, Role, RolePermission, UserRole
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db


@dataclass(frozen=True)
class RoleInfo:
    """A role of the tenant. ``description`` is its name for people, to be translated."""

    id: UUID
    name: str
    description: str


def roles_of_tenant(actor: Actor) -> list[RoleInfo]:
    """Return the tenant's roles by name, its own before every tenant's of the same name."""
    rows = db.session.execute(
        select(Role.id, Role.name, Role.description)
        .where(or_(Role.organization_id.is_(None), Role.organization_id == actor.organization_id))
        .order_by(Role.name, Role.organization_id.nulls_first())
    )
    return list({row.name: RoleInfo(row.id, row.name, row.description) for row in rows}.values())


def roles_with(actor: Actor, permission: str) -> list[RoleInfo]:
    """Return the tenant's roles that hold a permission, by name."""
    holding = (
        select(RolePermission.role_id)
        .join(Permission, Permission.id == RolePermission.permission_id)
        .where(Permission.name == permission)
    )
    ids = set(db.session.scalars(holding))
    return [role for role in roles_of_tenant(actor) if role.id in ids]


def role_ids_of(actor: Actor) -> set[UUID]:
    """Return the ids of the roles that the actor has now; none for the program itself."""
    if actor.user_id is None:
        return set()
    return set(db.session.scalars(select(UserRole.role_id).where(UserRole.user_id == actor.user_id)))


def role_names_of(actor: Actor) -> set[str]:
    """Return the names of the roles that the actor has now; none for the program itself."""
    if actor.user_id is None:
        return set()
    mine = select(Role.name).join(UserRole, UserRole.role_id == Role.id)
    return set(db.session.scalars(mine.where(UserRole.user_id == actor.user_id)))
