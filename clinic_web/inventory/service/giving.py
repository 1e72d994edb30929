"""What becomes of promised stock: it is free again, it is given out, or it comes back.

Two statements each, as for a promise: the first locks the items, the second sees their batches as they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from clinic_web.inventory.models import ISSUE, PUT_BACK, RELEASE
from clinic_web.inventory.service.telling import tell_low, tell_moved
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction


@dataclass(frozen=True, kw_only=True)
class Taken:
    """So much of one batch, in its item's unit."""

    batch_id: UUID
    quantity: Decimal


LOCK = Statement(
    """
    SELECT i.id FROM inventory.inventory_items i
     WHERE i.organization_id = :organization_id
       AND i.id IN (SELECT inventory_item_id FROM inventory.inventory_batches WHERE id = ANY(:batch_ids))
     ORDER BY i.id FOR NO KEY UPDATE OF i
    """
)


# So much leaves (-1), stays (0) or comes to (1) the shelf and the promises; what the two leave over is what
# is free, and what left the shelf is issued. All batches fit, or none is moved.
MOVE = """
    WITH asked AS MATERIALIZED (
        SELECT t.batch_id, sum(t.quantity) AS quantity
          FROM jsonb_to_recordset(CAST(:taken AS jsonb)) AS t(batch_id uuid, quantity numeric)
         GROUP BY t.batch_id
    ), fitting AS MATERIALIZED (
        SELECT b.id, b.inventory_item_id, b.facility_id, b.status, b.expiration_date,
               b.quantity_remaining, b.quantity_reserved, a.quantity, i.is_low
          FROM asked a
          JOIN inventory.inventory_batches b ON b.id = a.batch_id
          JOIN inventory.inventory_items i ON i.id = b.inventory_item_id
         WHERE a.quantity > 0 AND b.organization_id = :organization_id AND {fits}
    ), moved AS MATERIALIZED (
        SELECT * FROM fitting WHERE (SELECT count(*) FROM fitting) = (SELECT count(*) FROM asked)
    ), batches AS (
        UPDATE inventory.inventory_batches b
           SET quantity_available = b.quantity_available + {free} * m.quantity,
               quantity_reserved = b.quantity_reserved + {reserved} * m.quantity,
               quantity_issued = b.quantity_issued - {shelf} * m.quantity, updated_at = :now
          FROM moved m WHERE b.id = m.id
    ), movements AS (
        INSERT INTO inventory.inventory_transactions
               (organization_id, facility_id, inventory_item_id, batch_id, transaction_type,
                quantity_change, quantity_before, quantity_after,
                reserved_change, reserved_before, reserved_after,
                reference_type, reference_id, reason, transaction_date, performed_by)
        SELECT :organization_id, m.facility_id, m.inventory_item_id, m.id, '{kind}',
               {shelf} * m.quantity, m.quantity_remaining, m.quantity_remaining + {shelf} * m.quantity,
               {reserved} * m.quantity, m.quantity_reserved,
               m.quantity_reserved + {reserved} * m.quantity,
               CAST(:reference_type AS text), :reference_id, CAST(:reason AS text), :now,
               CAST(:user_id AS uuid)
          FROM moved m ORDER BY m.expiration_date, m.id
    ), sums AS (
        UPDATE inventory.inventory_items i
           SET quantity_on_hand = i.quantity_on_hand + {shelf} * m.quantity,
               quantity_reserved = i.quantity_reserved + {reserved} * m.quantity,
               quantity_available = i.quantity_available + {free} * m.free, updated_at = :now
          FROM (SELECT inventory_item_id, bool_or(is_low) AS was_low, sum(quantity) AS quantity,
                       COALESCE(sum(quantity) FILTER (WHERE status = 'ACTIVE'), 0) AS free
                  FROM moved GROUP BY 1) m
         WHERE i.id = m.inventory_item_id
        RETURNING i.id, i.facility_id, i.quantity_available, i.reorder_point,
                  i.is_low AND NOT m.was_low AS fell
    )
    SELECT * FROM sums ORDER BY id
"""


def _moving(kind: str, *, shelf: int, reserved: int, fits: str) -> Statement:
    return Statement(MOVE.format(kind=kind, shelf=shelf, reserved=reserved, free=shelf - reserved, fits=fits))


MOVES = {
    RELEASE: _moving(RELEASE, shelf=0, reserved=-1, fits="b.quantity_reserved >= a.quantity"),
    ISSUE: _moving(
        ISSUE, shelf=-1, reserved=-1, fits="b.quantity_reserved >= a.quantity AND b.status = 'ACTIVE'"
    ),
    PUT_BACK: _moving(PUT_BACK, shelf=1, reserved=0, fits="b.quantity_issued >= a.quantity"),
}

SENTENCES = {
    RELEASE: N_("This stock is not reserved any more."),
    ISSUE: N_("This stock is not reserved any more, or its batch was set aside or has expired."),
    PUT_BACK: N_("So much of this batch was not given out."),
}


def release(actor: Actor, held: Sequence[Taken], *, reference_type: str, reference_id: UUID) -> None:
    """Let what was promised be free again, whatever became of its batch. Raises StaleScreen (409), and
    moves nothing, when so much of a batch is not reserved (any more)."""
    _move(RELEASE, actor, held, (reference_type, reference_id, None))


def issue(actor: Actor, held: Sequence[Taken], *, reference_type: str, reference_id: UUID) -> None:
    """Give out what was promised. Raises StaleScreen (409), and moves nothing, when so much of a batch is not
    reserved (any more), or when a batch was set aside, recalled or marked as expired since."""
    _move(ISSUE, actor, held, (reference_type, reference_id, None))


def put_back(
    actor: Actor,
    held: Sequence[Taken],
    *,
    reference_type: str,
    reference_id: UUID,
    reason: str | None = None,
) -> None:
    """Take back what was given out: it is free again, not promised. Raises StaleScreen (409), and moves
    nothing, when so much of a batch was never given out."""
    _move(PUT_BACK, actor, held, (reference_type, reference_id, reason))


def _move(kind: str, actor: Actor, held: Sequence[Taken], why: tuple[str, UUID, str | None]) -> None:
    if not held:
        return
    taken = [{"batch_id": str(each.batch_id), "quantity": str(each.quantity)} for each in held]
    values = {
        "taken": json.dumps(taken),
        "organization_id": actor.organization_id,
        "now": clock.now(),
        **dict(zip(("reference_type", "reference_id", "reason"), why, strict=True)),
        "user_id": actor.user_id,
    }
    with transaction():
        batch_ids = [each.batch_id for each in held]
        LOCK.run({"organization_id": actor.organization_id, "batch_ids": batch_ids})
        items = MOVES[kind].all(values)
        if not items:
            raise StaleScreen(SENTENCES[kind])
        for item in items:
            if item.fell:
                tell_low(
                    actor,
                    item.facility_id,
                    item.id,
                    available=item.quantity_available,
                    reorder_point=item.reorder_point,
                )
        for facility_id in {item.facility_id for item in items}:
            tell_moved(facility_id)
