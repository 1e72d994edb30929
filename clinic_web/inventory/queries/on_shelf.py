"""What is on the shelf of some medications, for who prescribes and dispenses."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from clinic_web.inventory.access import today
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.statement import Statement

ON_SHELF = Statement(
    """
    SELECT i.medication_id, i.quantity_on_hand, i.quantity_reserved, i.quantity_unit, b.free, b.next_expiry
      FROM inventory.inventory_items i
      LEFT JOIN LATERAL (
           SELECT sum(b.quantity_available) AS free, min(b.expiration_date) AS next_expiry
             FROM inventory.inventory_batches b
            WHERE b.inventory_item_id = i.id AND b.status = 'ACTIVE' AND b.expiration_date >= :day
              AND b.quantity_available > 0) b ON true
     WHERE i.organization_id = :organization_id AND i.facility_id = :facility_id AND i.is_active
       AND i.medication_id = ANY(:medication_ids)
    """
)


@dataclass(frozen=True, kw_only=True)
class OnShelf:
    """In the item's ``unit``: what lies there, what of it is promised, what can be promised today, and when
    the first of that expires."""

    on_hand: Decimal
    reserved: Decimal
    available: Decimal
    unit: str
    next_expiry: date | None


def on_shelf(actor: Actor, facility_id: UUID, medication_ids: Collection[UUID]) -> dict[UUID, OnShelf]:
    """Return what is on a facility's shelf, by medication; what is not kept there is absent."""
    if not medication_ids:
        return {}
    rows = ON_SHELF.all(
        {
            "organization_id": actor.organization_id,
            "facility_id": facility_id,
            "medication_ids": list(medication_ids),
            "day": today(actor, facility_id),
        }
    )
    return {
        row.medication_id: OnShelf(
            on_hand=row.quantity_on_hand,
            reserved=row.quantity_reserved,
            available=row.free or Decimal("0.00"),
            unit=row.quantity_unit,
            next_expiry=row.next_expiry,
        )
        for row in rows
    }
