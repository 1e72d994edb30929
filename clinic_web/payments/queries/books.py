"""What the ledger holds of one payment: its movements with their legs, and shares that changed hands."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.db import db
from clinic_web.payments.models import LedgerEntry, PaymentTransaction
from clinic_web.payments.records import ShareMovement


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One line of the ledger, ``debit`` or ``credit``. ``is_later``: a share that changed hands added it."""

    account: str
    doctor_id: UUID | None
    debit: Decimal | None
    credit: Decimal | None
    entered_at: datetime
    is_later: bool


@dataclass(frozen=True, kw_only=True)
class ShareMove:
    """A share that changed hands without money moving."""

    kind: str
    former_doctor_id: UUID | None
    doctor_id: UUID | None
    share_percent: Decimal
    share_rule_version: int
    amount: Decimal
    doctor_share: Decimal
    center_share: Decimal
    at: datetime
    by: str | None


@dataclass(frozen=True, kw_only=True)
class Books:
    """The legs by movement, and the moves of shares, each in the order in which they were written."""

    legs: dict[UUID, list[Leg]]
    share_moves: list[ShareMove]


def books_of(payment_id: UUID) -> Books:
    """Return the ledger of a payment, two queries."""
    legs: defaultdict[UUID, list[Leg]] = defaultdict(list)
    rows = db.session.scalars(
        select(LedgerEntry)
        .join(PaymentTransaction, PaymentTransaction.id == LedgerEntry.transaction_id)
        .where(PaymentTransaction.payment_id == payment_id)
        .order_by(LedgerEntry.entered_at, LedgerEntry.amount.desc(), LedgerEntry.id)
    )
    for row in rows:
        legs[row.transaction_id].append(_leg(row))
    moves = select(ShareMovement).where(ShareMovement.payment_id == payment_id)
    return Books(
        legs=dict(legs),
        share_moves=[_share_move(row) for row in db.session.scalars(moves.order_by(ShareMovement.id))],
    )


def _leg(row: LedgerEntry) -> Leg:
    return Leg(
        account=row.account,
        doctor_id=row.doctor_id,
        debit=row.amount if row.amount > 0 else None,
        credit=-row.amount if row.amount < 0 else None,
        entered_at=row.entered_at,
        is_later=row.share_movement_id is not None,
    )


def _share_move(row: ShareMovement) -> ShareMove:
    return ShareMove(
        kind=row.kind,
        former_doctor_id=row.former_doctor_id,
        doctor_id=row.doctor_id,
        share_percent=row.share_percent,
        share_rule_version=row.share_rule_version,
        amount=row.amount,
        doctor_share=row.doctor_share,
        center_share=row.center_share,
        at=row.moved_at,
        by=row.moved_by_name,
    )
