"""Filters of a list kept under a name, renamed, deleted and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import ColumnElement

from clinic_web.identity.models import SavedView
from clinic_web.kernel import clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import constraint_of, transaction

SHARE = "view.share"
# Is called with a view's list before anything is done, and raises where one may not see that (any more).
Require = Callable[[str], object]
LONGEST = 40
MOST = 20  # of one person in one list: more are no help above a table


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One kept view. ``is_mine``: the person may rename and delete it."""

    id: UUID
    name: str
    query: str
    is_shared: bool
    is_mine: bool
    version: int


def views_of(actor: Actor, list_name: str) -> list[Kept]:
    """Return the person's own views of a list and those shared with their facility, by name; one query."""
    rows = db.session.scalars(
        select(SavedView)
        .where(_seen_by(actor), SavedView.list == list_name, SavedView.deleted_at.is_(None))
        .order_by(SavedView.is_shared, func.lower(SavedView.name), SavedView.id)
    )
    return [
        Kept(
            id=row.id,
            name=row.name,
            query=row.query,
            is_shared=row.is_shared,
            is_mine=_may_change(actor, row),
            version=row.version,
        )
        for row in rows
    ]


def keep(actor: Actor, *, list_name: str, name: str, query: str, is_shared: bool, key: str | None) -> UUID:
    """Keep the filters of a list under a name; RuleBroken (422), NotAllowed (403) to who may not share."""
    name = _name(name)
    if is_shared:
        actor.require(SHARE)
    with transaction():
        body = {"list": list_name, "name": name, "query": query, "is_shared": is_shared}
        claim = idempotency.claim(actor, "view.keep", key, body)
        if claim.answer is not None:
            return UUID(claim.answer["view_id"])
        _require_few(actor, list_name)
        row = SavedView(
            id=new_id(), organization_id=actor.organization_id, facility_id=actor.facility_id,
            user_id=actor.user_id, list=list_name, name=name, query=query, is_shared=is_shared,
            created_by=actor.user_id, updated_by=actor.user_id,
        )  # fmt: skip
        db.session.add(row)
        _write()
        claim.keep({"view_id": str(row.id)})
        return row.id


def rename(actor: Actor, view_id: UUID, name: str, *, version: int, require: Require) -> SavedView:
    """Give a view another name. Raises RuleBroken (422), StaleScreen (409), NotFound (404)."""
    name = _name(name)
    with transaction():
        row = _view_for(actor, view_id)
        require(row.list)
        if row.version != version:
            raise StaleScreen(
                N_("Somebody else changed this view while you worked."),
                changes={N_("Name"): (name, row.name)},
            )
        row.name, row.updated_by = name, actor.user_id
        _write()
    return row


def delete(actor: Actor, view_id: UUID, *, require: Require) -> SavedView:
    """Take a view away; ``take_back`` undoes it. Raises NotFound (404)."""
    return _set_deleted(actor, view_id, clock.now(), require)


def take_back(actor: Actor, view_id: UUID, *, require: Require) -> SavedView:
    """Undo ``delete``. Raises RuleBroken (422) where another view has the name by now, NotFound (404)."""
    return _set_deleted(actor, view_id, None, require)


def _set_deleted(actor: Actor, view_id: UUID, at: datetime | None, require: Require) -> SavedView:
    with transaction():
        row = _view_for(actor, view_id, is_deleted=at is None)
        require(row.list)
        row.deleted_at, row.updated_by = at, actor.user_id
        _write()
    return row


def _view_for(actor: Actor, view_id: UUID, *, is_deleted: bool = False) -> SavedView:
    row = db.session.scalar(
        select(SavedView)
        .where(
            _seen_by(actor),
            SavedView.id == view_id,
            SavedView.deleted_at.is_not(None) if is_deleted else SavedView.deleted_at.is_(None),
        )
        .with_for_update()
    )
    if row is None or not _may_change(actor, row):
        raise NotFound
    return row


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    shared = and_(SavedView.is_shared, SavedView.facility_id.is_not_distinct_from(actor.facility_id))
    return and_(
        SavedView.organization_id == actor.organization_id, or_(SavedView.user_id == actor.user_id, shared)
    )


def _may_change(actor: Actor, row: SavedView) -> bool:
    return row.user_id == actor.user_id or (row.is_shared and actor.can(SHARE))


def _require_few(actor: Actor, list_name: str) -> None:
    mine = select(func.count()).where(
        SavedView.user_id == actor.user_id, SavedView.list == list_name, SavedView.deleted_at.is_(None)
    )
    if (db.session.scalar(mine) or 0) >= MOST:
        raise RuleBroken(N_("%(most)s kept views are the most. Delete one first."), field="name", most=MOST)


def _name(typed: str) -> str:
    name = " ".join(typed.replace("\0", "").split())
    if not name:
        raise RuleBroken(N_("Please fill this in."), field="name")
    if len(name) > LONGEST:
        raise RuleBroken(N_("This is too long: %(count)s characters at most."), field="name", count=LONGEST)
    return name


def _write() -> None:
    try:
        with db.session.begin_nested():
            db.session.flush()
    except IntegrityError as error:
        if constraint_of(error) == "uq_saved_views_name":
            raise RuleBroken(N_("You have a view of this name already."), field="name") from error
        raise
