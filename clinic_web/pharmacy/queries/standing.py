"""Where prescriptions stand at the pharmacy, for the order's own line and its panel."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.statement import Statement

STANDING = Statement(
    """
    SELECT p.order_id, p.status AS state, p.reason, p.failed_line_id, p.available, p.expires_at, p.closed_at,
           p.release_reason, coalesce(r.dispensed, 0) AS dispensed, coalesce(r.held, 0) AS held,
           (SELECT max(d.dispensed_at) FROM pharmacy.dispensings d
             WHERE d.order_id = p.order_id AND d.kind = 'HANDED_OVER') AS dispensed_at
      FROM pharmacy.prescription_orders p
      LEFT JOIN LATERAL (
            SELECT sum(dispensed_quantity) AS dispensed,
                   sum(quantity - dispensed_quantity) FILTER (WHERE status = 'RESERVED') AS held
              FROM pharmacy.reservations WHERE order_id = p.order_id
           ) r ON true
     WHERE p.organization_id = :organization_id AND p.order_id = ANY(:order_ids)
    """
)


@dataclass(frozen=True, kw_only=True)
class PharmacyStanding:
    """``state``: RESERVED, DISPENSED, RELEASED, FAILED or EXPIRED. ``held`` waits until ``expires_at``;
    ``dispensed`` was handed over (both are sums over the lines; of a part both are above zero).

    ``reason`` (SHORT, NOT_STOCKED, INACTIVE, CANCELLED), ``failed_line_id`` and ``available`` say why nothing
    could be held; ``release_reason`` is what a person said who released it.
    """

    state: str
    reason: str | None
    failed_line_id: UUID | None
    available: Decimal | None
    expires_at: datetime | None
    closed_at: datetime | None
    release_reason: str | None
    dispensed: Decimal
    held: Decimal
    dispensed_at: datetime | None


def standing_of(actor: Actor, order_ids: Collection[UUID]) -> dict[UUID, PharmacyStanding]:
    """Return where orders stand, by order, in one statement; one the pharmacy has not heard of is absent."""
    if not order_ids:
        return {}
    rows = STANDING.all({"organization_id": actor.organization_id, "order_ids": list(order_ids)})
    return {row.order_id: PharmacyStanding(**{name: getattr(row, name) for name in _FIELDS}) for row in rows}


_FIELDS = tuple(PharmacyStanding.__dataclass_fields__)
