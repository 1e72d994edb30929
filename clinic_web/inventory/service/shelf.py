"""One movement by a person's hand: the batch, its row in the history, the item's sums.

The caller holds the item's lock (``access.batch_for``), under which everybody moves its batches.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from clinic_web.audit import api as audit
from clinic_web.inventory.models import ACTIVE, Batch, Item, Movement
from clinic_web.inventory.service.telling import tell_low, tell_moved
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.statement import Statement

# A new statement under the item's lock sees its batches as they are. It leaves the version alone: that is of
# what people edit.
SUM_UP = Statement(
    f"""
    UPDATE inventory.inventory_items i
       SET quantity_on_hand = s.on_hand, quantity_reserved = s.reserved, quantity_available = s.available,
           updated_at = :now
      FROM (SELECT COALESCE(sum(quantity_remaining), 0) AS on_hand,
                   COALESCE(sum(quantity_reserved), 0) AS reserved,
                   COALESCE(sum(quantity_available) FILTER (WHERE status = '{ACTIVE}'), 0) AS available
              FROM inventory.inventory_batches WHERE inventory_item_id = :item_id) s
     WHERE i.id = :item_id
    RETURNING i.is_low, i.quantity_available, i.reorder_point
    """  # noqa: S608 - a constant of the program
)


ITEMS = Item.metadata.tables["inventory.inventory_items"]


@dataclass(frozen=True, kw_only=True)
class Why:
    """What a movement belongs to, and a person's reason."""

    reference_type: str | None = None
    reference_id: UUID | None = None
    reason: str | None = None


NO_WORDS = Why()


def move(actor: Actor, item: Item, batch: Batch, kind: str, *, change: Decimal, why: Why = NO_WORDS) -> None:
    """Write a batch, of which the caller has changed what is free by ``change``, with its movement; keep the
    item's sums, tell the screens, and the others if the item is low now."""
    db.session.flush()
    db.session.execute(
        insert(Movement).values(
            organization_id=item.organization_id,
            facility_id=item.facility_id,
            inventory_item_id=item.id,
            batch_id=batch.id,
            transaction_type=kind,
            quantity_change=change,
            quantity_before=_lying(batch) - change,
            quantity_after=_lying(batch),
            reserved_before=batch.quantity_reserved,
            reserved_after=batch.quantity_reserved,
            transaction_date=clock.now(),
            performed_by=actor.user_id,
            **asdict(why),
        )
    )
    sum_up(actor, item)


def sum_up(actor: Actor, item: Item) -> None:
    """Keep the item's sums, and tell who has to know."""
    was_low = item.is_low
    now = SUM_UP.first({"item_id": item.id, "now": clock.now()})
    db.session.expire(item)
    if now.is_low and not was_low:
        tell_low(
            actor,
            item.facility_id,
            item.id,
            available=now.quantity_available,
            reorder_point=now.reorder_point,
        )
    tell_moved(item.facility_id)


def note(item: Item, **values: Any) -> None:
    """Write what comes with the stock on the item. Its version stays: nobody has edited it."""
    db.session.execute(ITEMS.update().where(ITEMS.c.id == item.id).values(values))


def note_words(actor: Actor, medication_id: UUID, values: dict[str, Any]) -> None:
    """Write a medication's words on its items of all facilities, and let their screens look again."""
    mine = (ITEMS.c.organization_id == actor.organization_id, ITEMS.c.medication_id == medication_id)
    renamed = ITEMS.update().where(*mine).values(values).returning(ITEMS.c.facility_id)
    for facility_id in db.session.scalars(renamed):
        tell_moved(facility_id)


def note_change(actor: Actor, action: str, batch: Batch, old: dict[str, Any], **more: Any) -> None:
    """Keep old and new quantities of a batch in the audit."""
    new = as_audited(batch) | more
    audit.changed(actor, action, "inventory_batch", batch.id, old=old or None, new=new)


def as_audited(batch: Batch) -> dict[str, Any]:
    """Return what the audit keeps of a batch."""
    return {
        "batch_number": batch.batch_number,
        "expiration_date": batch.expiration_date,
        "quantity": _lying(batch),
        "unit_cost": batch.unit_cost,
        "status": batch.status,
    }


def _lying(batch: Batch) -> Decimal:
    return batch.quantity_available + batch.quantity_reserved
