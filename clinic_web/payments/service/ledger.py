"""The double entry behind each movement: debit positive, credit negative, cash basis.

What comes in is debited to where it lies (drawer, card, bank; an insurer's promise is receivable) and
credited to whom it belongs (doctor, centre, or the patient as credit; unassigned while nobody knows whose
rule divides it). What is given back goes the other way. The legs of a movement sum to zero;
PostgreSQL proves it at the commit (``ddl.MOVEMENT_SUMS_TO_ZERO``). Nothing is ever edited: a correction is
more legs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.money import ZERO
from clinic_web.payments.models import (
    BANK,
    CARD,
    CENTRE_INCOME,
    DOCTOR_PAYABLE,
    DRAWER,
    PATIENT_CREDIT,
    RECEIPT,
    RECEIVABLE,
    UNASSIGNED_SHARE,
    LedgerEntry,
)

# Where money of each method lies.
PLACES = {
    "CASH": DRAWER,
    "VISA": CARD,
    "CREDIT_CARD": CARD,
    "DEBIT_CARD": CARD,
    "BANK_TRANSFER": BANK,
    "CHECK": BANK,
    "INSURANCE": RECEIVABLE,
}

# The table, not the entity: for entities SQLAlchemy sends a statement of its own per pattern of null columns.
ENTRIES = LedgerEntry.metadata.tables["payments.ledger_entries"]

# What the former doctor has of each movement goes over as two more legs of the same movement.
HAND_SHARE_OVER = text(
    """
    WITH held AS (
        SELECT e.transaction_id, e.organization_id, e.facility_id, e.patient_id, e.currency,
               sum(e.amount) AS amount
          FROM payments.ledger_entries e JOIN payments.payment_transactions t ON t.id = e.transaction_id
         WHERE t.payment_id = :payment_id AND e.organization_id = :organization_id
           AND e.account = 'DOCTOR_PAYABLE' AND e.doctor_id IS NOT DISTINCT FROM CAST(:former AS uuid)
         GROUP BY 1, 2, 3, 4, 5 HAVING sum(e.amount) <> 0
    )
    INSERT INTO payments.ledger_entries
           (id, organization_id, facility_id, transaction_id, account, doctor_id, patient_id, amount,
            currency, entered_at, share_movement_id)
    SELECT gen_random_uuid(), h.organization_id, h.facility_id, h.transaction_id, 'DOCTOR_PAYABLE',
           leg.doctor_id, h.patient_id, h.amount * leg.sign, h.currency, :at, :share_movement_id
      FROM held h
     CROSS JOIN (VALUES (CAST(:former AS uuid), -1), (CAST(:now AS uuid), 1)) AS leg (doctor_id, sign)
    """
)


def legs_of(movement: dict[str, Any], doctor_id: UUID | None) -> Iterator[dict[str, Any]]:
    """Return the legs of one movement, in or out, given as the row of its transaction."""
    sign = 1 if movement["kind"] == RECEIPT else -1
    sums = (
        (PLACES[movement["payment_method"]], sign * movement["amount"]),
        (DOCTOR_PAYABLE, -movement["doctor_share"]),
        (CENTRE_INCOME, -movement["center_share"]),
        (UNASSIGNED_SHARE, -movement.get("unassigned_share", ZERO)),
        (PATIENT_CREDIT, -sign * movement["credit_amount"]),
    )
    for account, amount in sums:
        if amount:
            yield leg(movement, account, amount, doctor_id, at=movement["payment_date"])


def leg(
    movement: Mapping[str, Any], account: str, amount: Decimal, doctor_id: UUID | None, *, at: datetime
) -> dict[str, Any]:
    """Return one leg of a movement; the doctor is written on what is a doctor's only."""
    return {
        "id": new_id(),
        "organization_id": movement["organization_id"],
        "facility_id": movement["facility_id"],
        "transaction_id": movement["id"],
        "account": account,
        "doctor_id": doctor_id if account == DOCTOR_PAYABLE else None,
        "patient_id": movement["patient_id"],
        "amount": amount,
        "currency": movement["currency"],
        "entered_at": at,
    }


def enter(legs: list[dict[str, Any]]) -> None:
    """Write legs; whether they sum to zero is asked at the commit."""
    if legs:
        db.session.execute(insert(ENTRIES), legs)


def hand_share_over(
    actor: Actor, payment_id: UUID, *, former: UUID | None, now: UUID | None, share_movement_id: UUID
) -> None:
    """Let the doctor's part of everything paid so far go from one doctor to another."""
    db.session.execute(
        HAND_SHARE_OVER,
        {
            "payment_id": payment_id,
            "organization_id": actor.organization_id,
            "former": former,
            "now": now,
            "at": clock.now(),
            "share_movement_id": share_movement_id,
        },
    )
