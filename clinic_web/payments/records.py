"""What stands beside the money: numbers and prints of receipts, shares that changed hands, refund limits."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Integer, Numeric, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Money, Stamped, one_of

ASSIGNED, HANDED_OVER = "ASSIGNED", "HANDED_OVER"


class ReceiptCounter(Model):
    """The last number that a facility gave to a receipt in a local year.

    The row is locked until the commit, so numbers have no gap: a movement that fails gives its number back.
    """

    __tablename__ = "receipt_counters"
    __table_args__ = {"schema": "payments"}  # noqa: RUF012

    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    last_sequence: Mapped[int] = mapped_column(Integer)


class ReceiptPrint(Model):
    """One paper (or file) made of a receipt: ``number`` 1 is the original, all others are copies."""

    __tablename__ = "receipt_prints"
    __table_args__ = {"schema": "payments"}  # noqa: RUF012

    transaction_id: Mapped[UUID] = mapped_column(
        ForeignKey("payments.payment_transactions.id"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    organization_id: Mapped[UUID]
    printed_at: Mapped[Moment]
    printed_by: Mapped[UUID | None]


class ShareMovement(Model):
    """A share that changed hands without money moving, written once and never edited.

    ASSIGNED: money that waited is divided by the rule of the doctor who became known. HANDED_OVER: the part
    of one doctor goes to another. ``amount`` is what was moved, ``doctor_share`` and ``center_share`` are
    whose it is now.
    """

    __tablename__ = "share_movements"
    __table_args__ = (
        one_of("kind", ASSIGNED, HANDED_OVER),
        CheckConstraint("doctor_share + center_share = amount", name="shares_add_up"),
        {"schema": "payments"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.payments.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    former_doctor_id: Mapped[UUID | None]
    doctor_id: Mapped[UUID | None]
    share_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    share_rule_version: Mapped[int] = mapped_column(Integer)
    amount: Mapped[Money]
    doctor_share: Mapped[Money]
    center_share: Mapped[Money]
    moved_at: Mapped[Moment]
    moved_by: Mapped[UUID | None]
    moved_by_name: Mapped[str | None] = mapped_column(Text)


class RefundLimit(Model, Stamped):
    """How much of one payment a role may give back; without ``role_id``: every role that has none of its own.

    Whoever has the right ``payment.refund_any`` has no limit.
    """

    __tablename__ = "refund_limits"
    __table_args__ = (
        UniqueConstraint("organization_id", "role_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("amount >= 0", name="amount_positive"),
        {"schema": "payments"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    role_id: Mapped[UUID | None]
    amount: Mapped[Money]
