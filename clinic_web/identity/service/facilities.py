"""Where people may work, and at which of those places they work now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from clinic_web.audit import api as audit
from clinic_web.identity.access import user_for
from clinic_web.identity.models import User, UserFacility
from clinic_web.identity.ports import Offered, ports
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.unit_of_work import transaction

MOST_REMEMBERED = 5000
_remembered: dict[tuple[UUID, UUID], frozenset[UUID]] = {}  # by person and rights stamp, as their rights are


def allowed(user_id: UUID) -> frozenset[UUID]:
    """Return the facilities at which a person may work."""
    asked = select(UserFacility.facility_id).where(UserFacility.user_id == user_id)
    return frozenset(db.session.scalars(asked))


def choices(actor: Actor, rights_stamp: UUID) -> list[Offered]:
    """Return the places between which a person can change: none where there is but one.

    It is asked for each page, so the answer is remembered until the person's stamp is another one.
    """
    offered = ports.facilities(actor)
    if actor.user_id is None or len(offered) < 2:  # noqa: PLR2004 - one is no choice
        return []
    key = (actor.user_id, rights_stamp)
    mine = _remembered.get(key)
    if mine is None:
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        mine = _remembered[key] = allowed(actor.user_id)
    found = [each for each in offered if each.id in mine]
    return found if len(found) > 1 else []


def work_at(actor: Actor, facility_id: UUID) -> Offered:
    """Let the actor work at another of their places from the next request on; return it.

    Raises NotFound (404) where they may not work, or that is closed.
    """
    if actor.user_id is None:
        raise NotFound
    with transaction():
        user = user_for(actor, actor.user_id)
        place = next((each for each in ports.facilities(actor) if each.id == facility_id), None)
        if place is None or facility_id not in allowed(user.id):
            raise NotFound
        if user.facility_id != facility_id:
            _move(actor, user, facility_id)
    return place


def _move(actor: Actor, user: User, facility_id: UUID) -> None:
    old, user.facility_id = user.facility_id, facility_id
    user.updated_by = actor.user_id
    audit.changed(
        actor, "user.work_at", "user", user.id, old={"facility_id": old}, new={"facility_id": facility_id}
    )


def allow_only(actor: Actor, user: User, wanted: Collection[UUID]) -> None:
    """Let a person work at exactly these places, inside the transaction of who calls; the change is noted.

    Raises RuleBroken (422) for one that is not offered, and for leaving out where they work now.
    """
    now, after = allowed(user.id), frozenset(wanted)
    if now == after:
        return
    if after - now - {each.id for each in ports.facilities(actor)}:
        raise RuleBroken(N_("Choose one of these."), field="facilities")
    if user.facility_id is not None and user.facility_id not in after:
        raise RuleBroken(N_("Where they work now must be among them."), field="facilities")
    let_work_at(actor, user, after - now)
    db.session.execute(
        delete(UserFacility).where(UserFacility.user_id == user.id, UserFacility.facility_id.in_(now - after))
    )
    user.rights_changed()
    old, new = {"facilities": named(actor, now)}, {"facilities": named(actor, after)}
    audit.changed(actor, "user.facilities", "user", user.id, old=old, new=new)


def let_work_at(actor: Actor, user: User, facility_ids: Iterable[UUID | None]) -> None:
    """Add places where a person may work, without more words."""
    rows = [
        {
            "user_id": user.id,
            "facility_id": each,
            "organization_id": user.organization_id,
            "created_by": actor.user_id,
        }
        for each in facility_ids
        if each is not None
    ]
    if rows:
        db.session.execute(insert(UserFacility).values(rows).on_conflict_do_nothing())


def named(actor: Actor, facility_ids: Collection[UUID]) -> str:
    """Return the names of facilities in one line; of one that is closed its id."""
    names = {each.id: each.name for each in ports.facilities(actor)}
    return ", ".join(sorted(names.get(each, str(each)) for each in facility_ids))
