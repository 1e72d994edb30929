"""What visits owe. Reception's lists ask for a whole line of them at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db

COLUMNS = "visit_id, id, status, total_amount, amount_paid, balance_due, currency"
OWED = text(
    f"SELECT {COLUMNS} FROM payments.payments"  # noqa: S608 - the columns are a constant
    " WHERE organization_id = :organization_id AND visit_id = ANY(:visit_ids)"
)


@dataclass(frozen=True, kw_only=True)
class Owed:
    """What one visit owes and has paid. ``is_settled``: nothing (more) is owed, also when void or free."""

    payment_id: UUID
    visit_id: UUID
    status: str
    total_amount: Decimal
    amount_paid: Decimal
    balance_due: Decimal
    currency: str

    @property
    def is_settled(self) -> bool:
        return self.balance_due == 0


def owed_for_visits(actor: Actor, visit_ids: Collection[UUID]) -> dict[UUID, Owed]:
    """Return what the given visits owe, by visit, in one query; a visit without a payment is absent."""
    if not visit_ids:
        return {}
    rows = db.session.execute(OWED, {"organization_id": actor.organization_id, "visit_ids": list(visit_ids)})
    return {row.visit_id: owed_of(row) for row in rows}


def owed_of(row: Any) -> Owed:
    return Owed(
        payment_id=row.id,
        visit_id=row.visit_id,
        status=row.status,
        total_amount=row.total_amount,
        amount_paid=row.amount_paid,
        balance_due=row.balance_due,
        currency=row.currency,
    )
