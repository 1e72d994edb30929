"""The only way to load an item or a batch for a person: absent and foreign look the same (404)."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from clinic_web.inventory.models import Adjustment, Batch, Item
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.organization import api as organization


def today(actor: Actor, facility_id: UUID) -> date:
    """Return the facility's local day; NotFound (404) if the facility is not the actor's."""
    facility = organization.directory(actor.organization_id).facilities.get(facility_id)
    if facility is None or actor.facility_id not in (None, facility_id):
        raise NotFound(N_("This place is not here (any more)."))
    return clock.today(facility.timezone)


def item_for(actor: Actor, item_id: UUID, *, lock: bool = False) -> Item:
    """Return the item (``lock``: FOR UPDATE, as it is now); NotFound (404) if it is not the actor's."""
    item: Item | None = _one(_mine(Item, actor).where(Item.id == item_id), lock=lock)
    if item is None:
        raise NotFound(N_("This is not in stock (any more)."))
    return item


def item_of_batch(actor: Actor, batch_id: UUID, *, lock: bool = False) -> Item:
    """Return a batch's item (``lock``: as it is now, and ours); NotFound (404) if it is not the actor's."""
    item_id = db.session.scalar(_mine(Batch, actor, Batch.inventory_item_id).where(Batch.id == batch_id))
    if item_id is None:
        raise NotFound(N_("This batch is not here (any more)."))
    return item_for(actor, item_id, lock=lock)


def batch_for(actor: Actor, batch_id: UUID) -> tuple[Item, Batch]:
    """Return a batch with its item, both as they are now, the item locked first as everywhere; or 404."""
    item = item_of_batch(actor, batch_id, lock=True)
    batch: Batch | None = _one(select(Batch).where(Batch.id == batch_id), lock=True)
    assert batch is not None  # noqa: S101 - batches are never deleted
    return item, batch


def adjustment_for(actor: Actor, adjustment_id: UUID) -> Adjustment:
    """Return what a person corrected; NotFound (404) if it is not the actor's."""
    found: Adjustment | None = _one(_mine(Adjustment, actor).where(Adjustment.id == adjustment_id))
    if found is None:
        raise NotFound
    return found


def _mine(table: Any, actor: Actor, *what: Any) -> Select[Any]:
    mine = select(*(what or (table,))).where(table.organization_id == actor.organization_id)
    return mine.where(table.facility_id == actor.facility_id) if actor.facility_id else mine


def _one(found: Select[Any], *, lock: bool = False) -> Any:
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    return db.session.execute(found).scalar()
