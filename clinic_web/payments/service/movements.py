"""A movement of money as it is written by every act alike: its row, its receipt number, its legs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from clinic_web.kernel import clock, ids
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.money import CENT, LARGEST, ZERO
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization
from clinic_web.payments.models import (
    RECEIPT,
    Payment,
    PaymentTransaction,
)
from clinic_web.payments.service import ledger
from clinic_web.payments.shares import (
    Shares,
)

# The counter's row stays locked until the commit: a movement that fails gives its number back.
NEXT_NUMBER = Statement(
    """
    INSERT INTO payments.receipt_counters AS c (organization_id, facility_id, year, last_sequence)
    VALUES (:organization_id, :facility_id, :year, 1)
        ON CONFLICT (facility_id, year) DO UPDATE SET last_sequence = c.last_sequence + 1
    RETURNING last_sequence
    """
)


@dataclass(frozen=True, kw_only=True)
class Move:
    """What one movement is: ``kind`` RECEIPT or REFUND, ``at`` when, ``key`` its idempotency key."""

    kind: str
    amount: Decimal
    method: str
    shares: Shares
    at: datetime
    key: str
    handed_over: Decimal | None = None
    reason: str | None = None
    reverses_id: UUID | None = None
    replaces_id: UUID | None = None


def write(actor: Actor, payment: Payment, move: Move) -> dict[str, Any]:
    """Write a movement with its legs and the facility's next receipt number; return its row.

    Call it last: from here to the commit the facility's other cashiers wait for their number.
    """
    day = clock.local(move.at, _timezone(payment)).date()
    movement = _row(actor, payment, move) | {
        "payment_number": ids.dated_number("PAY" if move.kind == RECEIPT else "REF", day),
        "receipt_year": day.year,
        "receipt_sequence": _next_receipt(payment, day.year),
    }
    db.session.execute(insert(PaymentTransaction), movement)
    ledger.enter(list(ledger.legs_of(movement, payment.doctor_id)))
    return movement


def _next_receipt(payment: Payment, year: int) -> int:
    whose = {"organization_id": payment.organization_id, "facility_id": payment.facility_id}
    return int(NEXT_NUMBER.first({**whose, "year": year})[0])


def _row(actor: Actor, payment: Payment, move: Move) -> dict[str, Any]:
    return {
        "id": ids.new_id(),
        "organization_id": payment.organization_id,
        "facility_id": payment.facility_id,
        "payment_id": payment.id,
        "patient_id": payment.patient_id,
        "kind": move.kind,
        "payment_date": move.at,
        "payment_method": move.method,
        "amount": move.amount,
        "applied_amount": move.amount,
        "credit_amount": ZERO,
        "handed_over": move.handed_over,
        "balance_after": payment.left,
        "currency": payment.currency,
        "doctor_share": move.shares.doctor,
        "center_share": move.shares.center,
        "unassigned_share": move.shares.unassigned,
        "status": "COMPLETED",
        "reason": move.reason,
        "reverses_id": move.reverses_id,
        "replaces_id": move.replaces_id,
        "processed_by": actor.user_id,
        "processed_by_name": actor.name or None,
        "idempotency_key": move.key,
        "created_at": move.at,
    }


def audited(payment: Payment, movement: dict[str, Any]) -> dict[str, Any]:
    """Return what the audit keeps of the payment after a movement, with the movement's own facts."""
    facts = ("payment_number", "amount", "payment_method", "reason")
    return payment.as_audited() | {name: movement[name] for name in facts if movement[name] is not None}


def check_amount(amount: Decimal, field: str) -> None:
    """Raise RuleBroken (422) with the field, unless this is a sum of money above zero."""
    if not amount.is_finite():
        raise RuleBroken(N_("This is not an amount. Write it as 400 or 400.50."), field=field)
    if amount <= 0:
        raise RuleBroken(N_("Enter an amount above zero."), field=field)
    if amount > LARGEST:
        raise RuleBroken(N_("This amount is too large."), field=field)
    if amount != amount.quantize(CENT):
        raise RuleBroken(N_("An amount has two decimals at most."), field=field)


def _timezone(payment: Payment) -> str:
    facility = organization.directory(payment.organization_id).facilities.get(payment.facility_id)
    return facility.timezone if facility else "UTC"
