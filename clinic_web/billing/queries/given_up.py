"""Whether what a payment is for is off."""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.statement import Statement

GIVEN_UP = Statement(
    """
    SELECT undone_reason IS NOT NULL OR (released_reason IS NOT NULL AND served IS NULL) AS is_off
      FROM billing.invoices WHERE organization_id = :organization_id AND payment_id = :payment_id
    """
)


def is_given_up(actor: Actor, payment_id: UUID) -> bool:
    """Return whether the order that a payment is for is undone, or was released before it was served."""
    row = GIVEN_UP.first({"organization_id": actor.organization_id, "payment_id": payment_id})
    return bool(row and row.is_off)
