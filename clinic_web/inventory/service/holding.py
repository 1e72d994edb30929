"""Promise stock: the batches that expire first, all lines or none, in two statements.

The first locks the items in the order of their ids, as everybody does who moves stock: their batches are ours
then, without a lock of their own. The second begins after that and so sees the batches as they are; it
picks, and writes what was picked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.inventory.access import today
from clinic_web.inventory.service.telling import tell_low, tell_moved
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction

SHORT, NOT_STOCKED, INACTIVE = "SHORT", "NOT_STOCKED", "INACTIVE"

SENTENCES = {
    SHORT: N_("Only %(available)s of this is free on the shelf."),
    NOT_STOCKED: N_("This is not kept in stock here."),
    INACTIVE: N_("This is not given out any more."),
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One line of an order: so much of a medication, in its item's unit, more than zero."""

    line_id: UUID
    medication_id: UUID
    quantity: Decimal


@dataclass(frozen=True, kw_only=True)
class Held:
    """What of one batch is promised to a line. A line may hold several batches."""

    line_id: UUID
    item_id: UUID
    batch_id: UUID
    batch_number: str
    expiration_date: date
    quantity: Decimal
    unit_cost: Decimal


class ShortOfStock(StaleScreen):
    """A line can't be held, so none is (409). ``reason``: SHORT, NOT_STOCKED, INACTIVE; ``available`` is what
    this line could have had. Nothing was written: the caller's transaction may go on."""

    def __init__(self, line_id: UUID, reason: str, available: Decimal) -> None:
        super().__init__(SENTENCES[reason], available=available)
        self.line_id, self.reason, self.available = line_id, reason, available


LOCK = Statement(
    """
    SELECT id FROM inventory.inventory_items
     WHERE organization_id = :organization_id AND facility_id = :facility_id
       AND medication_id = ANY(:medication_ids)
     ORDER BY id FOR NO KEY UPDATE
    """
)

# Lines and batches of one item are stretches of one tape: where they overlap, that much is taken.
HOLD = Statement(
    """
    WITH asked AS MATERIALIZED (
        SELECT w.* FROM jsonb_to_recordset(CAST(:wanted AS jsonb))
               AS w(n int, line_id uuid, medication_id uuid, quantity numeric)
    ), items AS MATERIALIZED (
        SELECT i.id, i.medication_id, i.is_active, i.is_low
          FROM inventory.inventory_items i
         WHERE i.organization_id = :organization_id AND i.facility_id = :facility_id
           AND i.medication_id IN (SELECT medication_id FROM asked)
    ), lines AS (
        SELECT a.n, a.line_id, i.id AS item_id, i.is_active,
               sum(a.quantity) OVER tape - a.quantity AS lo, sum(a.quantity) OVER tape AS hi
          FROM asked a LEFT JOIN items i USING (medication_id)
        WINDOW tape AS (PARTITION BY a.medication_id ORDER BY a.n)
    ), stock AS MATERIALIZED (
        SELECT b.id, b.inventory_item_id, b.batch_number, b.expiration_date, b.unit_cost,
               b.quantity_remaining, b.quantity_reserved,
               sum(b.quantity_available) OVER tape - b.quantity_available AS lo,
               sum(b.quantity_available) OVER tape AS hi
          FROM inventory.inventory_batches b
         WHERE b.inventory_item_id IN (SELECT id FROM items WHERE is_active)
           AND b.status = 'ACTIVE' AND b.quantity_available > 0 AND b.expiration_date >= :day
        WINDOW tape AS (PARTITION BY b.inventory_item_id ORDER BY b.expiration_date, b.id)
    ), short AS MATERIALIZED (
        SELECT l.line_id, GREATEST(COALESCE(free.hi, 0) - l.lo, 0) AS available,
               CASE WHEN l.item_id IS NULL THEN 'NOT_STOCKED' WHEN l.is_active THEN 'SHORT'
                    ELSE 'INACTIVE' END AS reason
          FROM lines l
          LEFT JOIN (SELECT inventory_item_id, max(hi) AS hi FROM stock GROUP BY 1) free
                 ON free.inventory_item_id = l.item_id
         WHERE COALESCE(free.hi, 0) < l.hi
         ORDER BY l.n LIMIT 1
    ), picked AS MATERIALIZED (
        SELECT l.n, l.line_id, s.id, s.inventory_item_id, s.batch_number, s.expiration_date, s.unit_cost,
               s.quantity_remaining, LEAST(l.hi, s.hi) - GREATEST(l.lo, s.lo) AS quantity,
               s.quantity_reserved + GREATEST(l.lo, s.lo) - s.lo AS reserved_before
          FROM lines l JOIN stock s ON s.inventory_item_id = l.item_id AND s.lo < l.hi AND l.lo < s.hi
         WHERE NOT EXISTS (SELECT FROM short)
    ), batches AS (
        UPDATE inventory.inventory_batches b
           SET quantity_available = b.quantity_available - p.quantity,
               quantity_reserved = b.quantity_reserved + p.quantity, updated_at = :now
          FROM (SELECT id, sum(quantity) AS quantity FROM picked GROUP BY id) p WHERE b.id = p.id
    ), movements AS (
        INSERT INTO inventory.inventory_transactions
               (organization_id, facility_id, inventory_item_id, batch_id, transaction_type,
                quantity_change, quantity_before, quantity_after,
                reserved_change, reserved_before, reserved_after,
                reference_type, reference_id, transaction_date, performed_by)
        SELECT :organization_id, :facility_id, p.inventory_item_id, p.id, 'RESERVE',
               0, p.quantity_remaining, p.quantity_remaining,
               p.quantity, p.reserved_before, p.reserved_before + p.quantity,
               CAST(:reference_type AS text), :reference_id, :now, CAST(:user_id AS uuid)
          FROM picked p ORDER BY p.n, p.expiration_date, p.id
    ), sums AS (
        UPDATE inventory.inventory_items i
           SET quantity_available = i.quantity_available - p.quantity,
               quantity_reserved = i.quantity_reserved + p.quantity, updated_at = :now
          FROM (SELECT inventory_item_id, sum(quantity) AS quantity FROM picked GROUP BY 1) p
         WHERE i.id = p.inventory_item_id
        RETURNING i.id, i.is_low, i.quantity_available, i.reorder_point
    )
    SELECT 'HELD' AS kind, p.n, p.line_id, p.inventory_item_id AS item_id, p.id AS batch_id, p.batch_number,
           p.expiration_date, p.quantity, p.unit_cost, NULL AS reason,
           CAST(NULL AS numeric) AS available, CAST(NULL AS numeric) AS reorder_point
      FROM picked p
    UNION ALL
    SELECT 'SHORT', NULL, line_id, NULL, NULL, NULL, NULL, NULL, NULL, reason, available, NULL FROM short
    UNION ALL
    SELECT 'LOW', NULL, NULL, s.id, NULL, NULL, NULL, NULL, NULL, NULL, s.quantity_available, s.reorder_point
      FROM sums s JOIN items i USING (id) WHERE s.is_low AND NOT i.is_low
     ORDER BY n NULLS LAST, expiration_date, batch_id
    """
)


def hold(
    actor: Actor, facility_id: UUID, wanted: Sequence[Wanted], *, reference_type: str, reference_id: UUID
) -> list[Held]:
    """Promise all lines, each from the batches that expire first; return what of which batch, line by line.

    A batch is good on its last day, by the facility's calendar. Raises ShortOfStock (409) when one line can't
    be had in full; then nothing is held. It does not know its caller's retries: who asks twice holds twice.
    """
    if any(line.quantity <= 0 for line in wanted):
        raise RuleBroken(N_("Write how much, more than zero."), field="quantity")
    whose = {"organization_id": actor.organization_id, "facility_id": facility_id}
    values = {
        **whose,
        "wanted": json.dumps([_line(number, line) for number, line in enumerate(wanted)]),
        "day": today(actor, facility_id),
        "now": clock.now(),
        "reference_type": reference_type,
        "reference_id": reference_id,
        "user_id": actor.user_id,
    }
    with transaction():
        LOCK.run(whose | {"medication_ids": [line.medication_id for line in wanted]})
        rows = HOLD.all(values)
        if short := _short_of(rows):
            raise ShortOfStock(short.line_id, short.reason, short.available)
        for row in rows:
            if row.kind == "LOW":
                tell_low(
                    actor,
                    facility_id,
                    row.item_id,
                    available=row.available,
                    reorder_point=row.reorder_point,
                )
        tell_moved(facility_id)
    return [_held(row) for row in rows if row.kind == "HELD"]


def _line(number: int, line: Wanted) -> dict[str, Any]:
    return {
        "n": number,
        "line_id": str(line.line_id),
        "medication_id": str(line.medication_id),
        "quantity": str(line.quantity),
    }


def _short_of(rows: Sequence[Any]) -> Any:
    return next((row for row in rows if row.kind == "SHORT"), None)


def _held(row: Any) -> Held:
    return Held(
        line_id=row.line_id,
        item_id=row.item_id,
        batch_id=row.batch_id,
        batch_number=row.batch_number,
        expiration_date=row.expiration_date,
        quantity=row.quantity,
        unit_cost=row.unit_cost,
    )
