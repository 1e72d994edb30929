"""The only way to load a row of identity for somebody: their tenant's, or it is not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import Select, or_, select

from clinic_web.identity.kinds import PATIENT, STAFF
from clinic_web.identity.models import Permission, Role, Session, User
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotAllowed, NotFound

MANAGE = "user.manage"
# What administrators give without having it: reading every chart is not part of administering.
GIVEN_UNHAD = frozenset({"patient.view_any"})


def require_manager(actor: Actor) -> None:
    """Raise NotAllowed (403) unless ``actor`` manages people; the program itself (imports, demo) does."""
    if actor.user_id is not None:
        actor.require(MANAGE)


def require_at_least(actor: Actor, permissions: Iterable[str]) -> None:
    """Raise NotAllowed (403) unless ``actor`` has all of them: nobody hands out what they don't have."""
    if actor.user_id is not None:
        for missing in sorted(set(permissions) - grantable(actor)):
            raise NotAllowed(missing)


def grantable(actor: Actor) -> frozenset[str]:
    """Return what ``actor`` may give to others: what they have, and what goes with giving access."""
    return actor.permissions | GIVEN_UNHAD if actor.can(MANAGE) else actor.permissions


def user_for(actor: Actor, user_id: UUID) -> User:
    """Return oneself or a colleague of the actor's tenant, locked for change. Raises NotFound.

    Patients are nobody's to look at among the users: the portal asks for theirs by name (``patient_for``).
    """
    user = db.session.scalar(_theirs(actor, user_id).with_for_update())
    if user is None:
        raise NotFound
    return user


def person_for(actor: Actor, user_id: UUID) -> User:
    """Return oneself or a colleague of the actor's tenant, to look at. Raises NotFound."""
    user = db.session.scalar(_theirs(actor, user_id))
    if user is None:
        raise NotFound
    return user


def _theirs(actor: Actor, user_id: UUID) -> Select[User]:
    return select(User).where(
        User.id == user_id,
        User.organization_id == actor.organization_id,
        User.deleted_at.is_(None),
        or_(User.kind == STAFF, User.id == actor.user_id),
    )


def patient_for(actor: Actor, user_id: UUID) -> User:
    """Return a patient's account in the actor's tenant, locked for change. Raises NotFound."""
    user = db.session.scalar(
        select(User)
        .where(User.id == user_id, User.organization_id == actor.organization_id, User.kind == PATIENT)
        .with_for_update()
    )
    if user is None:
        raise NotFound
    return user


def session_for(actor: Actor, session_id: UUID) -> Session:
    """Return one of the actor's own sessions; to who manages people, any colleague's. Raises NotFound."""
    query = (
        select(Session)
        .join(User, User.id == Session.user_id)
        .where(
            Session.id == session_id,
            User.organization_id == actor.organization_id,
            or_(User.kind == STAFF, User.id == actor.user_id),
        )
        .with_for_update(of=Session)
    )
    if actor.user_id is not None and not actor.can(MANAGE):
        query = query.where(Session.user_id == actor.user_id)
    session = db.session.scalar(query)
    if session is None:
        raise NotFound
    return session


def roles_for(actor: Actor, names: Collection[str]) -> list[Role]:
    """Return the named roles: the tenant's own before every tenant's of the same name. Raises NotFound."""
    rows = db.session.scalars(
        select(Role)
        .where(
            Role.name.in_(names),
            or_(Role.organization_id.is_(None), Role.organization_id == actor.organization_id),
        )
        .order_by(Role.organization_id.nulls_first())
    )
    found = {role.name: role for role in rows}
    if len(found) < len(set(names)):
        raise NotFound
    return list(found.values())


def permission_named(name: str) -> Permission:
    """Return the permission's row. Raises NotFound."""
    permission = db.session.scalar(select(Permission).where(Permission.name == name))
    if permission is None:
        raise NotFound
    return permission
