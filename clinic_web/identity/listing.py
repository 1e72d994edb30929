"""What the pages of users and roles show."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from clinic_web.identity.access import person_for
from clinic_web.identity.kinds import STAFF
from clinic_web.identity.models import (
    ACTIVE,
    Permission,
    Role,
    RolePermission,
    User,
    UserFacility,
    UserPermission,
    UserRole,
)
from clinic_web.identity.proofs import Factor, RoleRule
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db

MOST = 1000

# Roles of machines and of people from outside: nobody who works here is given one by hand.
NOT_FOR_STAFF = ("patient", "display", "integration", "operator")


@dataclass(frozen=True, kw_only=True)
class Person:
    """One line of the list of users."""

    id: UUID
    username: str
    name: str
    status: str
    language: str
    roles: tuple[str, ...]
    last_login_at: datetime | None
    must_change_password: bool
    facility_id: UUID | None
    staff_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class OpenedPerson:
    """One person as the form has them; ``exceptions``: rights given (ALLOW) or taken (DENY) beside roles,
    ``reasons`` why."""

    id: UUID
    username: str
    name: str
    status: str
    version: int
    values: dict[str, str]
    roles: frozenset[str]
    exceptions: dict[str, str]
    must_change_password: bool
    has_factor: bool = False
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RoleLine:
    """A role with its rights; a system role is every centre's and changes with the program only."""

    id: UUID
    name: str
    description: str
    is_system: bool
    version: int
    permissions: frozenset[str]
    people: int
    needs_factor: bool = False


def people(actor: Actor) -> list[Person]:
    """Return the centre's users, those who may sign in first; two statements."""
    users = db.session.scalars(
        select(User)
        .where(_works_here(actor))
        .order_by(User.status, User.first_name, User.last_name)
        .limit(MOST)
    ).all()
    roles = _roles_of([user.id for user in users])
    return [
        Person(
            id=user.id,
            username=user.username,
            name=user.display_name,
            status=user.status,
            language=user.language,
            roles=tuple(sorted(roles[user.id])),
            last_login_at=user.last_login_at,
            must_change_password=user.must_change_password,
            facility_id=user.facility_id,
            staff_id=user.staff_id,
        )
        for user in users
    ]


def _roles_of(user_ids: list[UUID]) -> defaultdict[UUID, set[str]]:
    found: defaultdict[UUID, set[str]] = defaultdict(set)
    pairs = select(UserRole.user_id, Role.name).join(Role, Role.id == UserRole.role_id)
    for user_id, name in db.session.execute(pairs.where(UserRole.user_id.in_(user_ids))):
        found[user_id].add(name)
    return found


FIELDS = ("first_name", "last_name", "username", "language")


def opened(actor: Actor, user_id: UUID) -> OpenedPerson:
    """Return a person for their form. Raises NotFound (404)."""
    user = person_for(actor, user_id)
    exceptions = db.session.execute(
        select(Permission.name, UserPermission.effect, UserPermission.reason)
        .join(UserPermission, UserPermission.permission_id == Permission.id)
        .where(UserPermission.user_id == user_id)
    ).all()
    places = db.session.scalars(select(UserFacility.facility_id).where(UserFacility.user_id == user_id))
    values = {name: str(getattr(user, name)) for name in FIELDS}
    values |= {"email": user.email or "", "facilities": ",".join(map(str, places))}
    return OpenedPerson(
        id=user.id,
        username=user.username,
        name=user.display_name,
        status=user.status,
        version=user.version,
        values=values | {"facility_id": str(user.facility_id or ""), "staff_id": str(user.staff_id or "")},
        roles=frozenset(_roles_of([user_id])[user_id]),
        exceptions={name: effect for name, effect, _ in exceptions},
        reasons={name: reason for name, _, reason in exceptions if reason},
        must_change_password=user.must_change_password,
        has_factor=bool(
            db.session.scalar(select(select(Factor.id).where(Factor.user_id == user_id).exists()))
        ),
    )


def roles(actor: Actor) -> list[RoleLine]:
    """Return the roles that every centre has, then the centre's own; three statements."""
    mine = or_(Role.organization_id.is_(None), Role.organization_id == actor.organization_id)
    rule = (RoleRule.role_id == Role.id) & (RoleRule.organization_id == actor.organization_id)
    found = db.session.execute(
        select(Role, RoleRule.requires_second_factor)
        .outerjoin(RoleRule, rule)
        .where(mine)
        .order_by(Role.organization_id.nulls_first(), Role.created_at, Role.name)
    ).all()
    held: defaultdict[UUID, set[str]] = defaultdict(set)
    pairs = select(RolePermission.role_id, Permission.name).join(
        Permission, Permission.id == RolePermission.permission_id
    )
    ids = [role.id for role, _ in found]
    for role_id, name in db.session.execute(pairs.where(RolePermission.role_id.in_(ids))):
        held[role_id].add(name)
    counts = _counts(actor)
    return [
        RoleLine(
            id=row.id,
            name=row.name,
            description=row.description,
            is_system=row.organization_id is None,
            version=row.version,
            permissions=frozenset(held[row.id]),
            people=counts.get(row.id, 0),
            needs_factor=bool(needs_factor),
        )
        for row, needs_factor in found
    ]


def _counts(actor: Actor) -> dict[UUID, int]:
    pairs = (
        select(UserRole.role_id, func.count())
        .join(User, User.id == UserRole.user_id)
        .where(_works_here(actor))
        .group_by(UserRole.role_id)
    )
    return {role_id: count for role_id, count in db.session.execute(pairs)}


def count_people(actor: Actor) -> int:
    """Return how many people of the centre may sign in."""
    return db.session.scalar(select(func.count()).where(_works_here(actor), User.status == ACTIVE)) or 0


def _works_here(actor: Actor) -> ColumnElement[bool]:
    return and_(User.organization_id == actor.organization_id, User.kind == STAFF, User.deleted_at.is_(None))
