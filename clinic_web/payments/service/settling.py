"""What a payment says now, held until the commit, with every movement that made it say so.

Whoever keeps books of their own over payments (billing) follows by this: whatever order the tidings come in,
the payment and its movements are the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.statement import Statement
from clinic_web.payments.models import PAID, PENDING, REFUND, VOIDED

_LOCK = """
    SELECT id, facility_id, clinic_id, doctor_id, service_id, visit_id, patient_id, payable, currency,
           total_amount, amount_paid, amount_refunded, status, opened_at, due_at, paid_at, moved_at
      FROM payments.payments WHERE organization_id = :organization_id AND {column} = :id FOR UPDATE
"""
LOCK = Statement(_LOCK.format(column="id"))
LOCK_OF_VISIT = Statement(_LOCK.format(column="visit_id"))
# A statement of its own, after the lock: what was committed while that was waited for is seen, too.
MOVEMENTS = Statement(
    """
    SELECT id, kind, applied_amount, reverses_id, payment_date FROM payments.payment_transactions
     WHERE payment_id = :payment_id AND status = 'COMPLETED' ORDER BY payment_date, id
    """
)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One movement: ``amount`` of it settled the payment, negative where it went back."""

    id: UUID
    amount: Decimal
    is_correction: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """A payment as it stands, locked until the commit, and its movements in order."""

    id: UUID
    facility_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID | None
    visit_id: UUID | None
    patient_id: UUID
    payable: str
    currency: str
    total_amount: Decimal
    amount_paid: Decimal
    amount_refunded: Decimal
    status: str
    opened_at: datetime
    due_at: datetime
    paid_at: datetime | None
    movements: tuple[Moved, ...]

    @property
    def kept(self) -> Decimal:
        """What was paid and not given back."""
        return self.amount_paid - self.amount_refunded

    @property
    def is_void(self) -> bool:
        return self.status == VOIDED

    @property
    def may_be_voided(self) -> bool:
        return self.status in (PENDING, PAID) and not self.amount_paid


def lock(actor: Actor, payment_id: UUID) -> Settlement | None:
    """Hold a payment until the commit and return how it stands; None if it is not the tenant's.

    One statement while no money ever moved, two after that.
    """
    return _settlement(LOCK.first({"organization_id": actor.organization_id, "id": payment_id}))


def lock_of_visit(actor: Actor, visit_id: UUID) -> Settlement | None:
    """The same for the payment of a visit; None where it has none."""
    return _settlement(LOCK_OF_VISIT.first({"organization_id": actor.organization_id, "id": visit_id}))


def _settlement(row: Any) -> Settlement | None:
    if row is None:
        return None
    values = row._asdict()
    has_moved = values.pop("moved_at") is not None
    moved = MOVEMENTS.all({"payment_id": row.id}) if has_moved else []
    return Settlement(**values, movements=tuple(_moved(each) for each in moved))


def _moved(row: Any) -> Moved:
    is_out = row.kind == REFUND
    return Moved(
        id=row.id,
        amount=-row.applied_amount if is_out else row.applied_amount,
        is_correction=row.reverses_id is not None,
        at=row.payment_date,
    )
