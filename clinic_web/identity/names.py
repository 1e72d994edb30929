"""What people are called, for screens that say who did something."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import or_, select

from clinic_web.identity.kinds import STAFF
from clinic_web.identity.models import User
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db


def all_names(actor: Actor, also: Collection[UUID | None] = ()) -> dict[UUID, str]:
    """Return the names of every colleague who ever had an account in the tenant, by id, in order of names.

    Patients are thousands: of them only those in ``also`` are named.
    """
    rows = db.session.execute(
        select(User.id, User.first_name, User.last_name)
        .where(
            User.organization_id == actor.organization_id,
            or_(User.kind == STAFF, User.id.in_({each for each in also if each})),
        )
        .order_by(User.first_name, User.last_name, User.id)
    )
    return {user_id: f"{first} {last}".strip() for user_id, first, last in rows}


def names_of(actor: Actor, ids: Collection[UUID | None]) -> dict[UUID, str]:
    """Return the names of people of the actor's tenant, by id, in one statement; others are absent."""
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    rows = db.session.execute(
        select(User.id, User.first_name, User.last_name).where(
            User.organization_id == actor.organization_id, User.id.in_(wanted)
        )
    )
    return {user_id: f"{first} {last}".strip() for user_id, first, last in rows}
