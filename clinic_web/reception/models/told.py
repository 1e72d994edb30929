"""What happened to places in lines, never edited: moves to another line, and who was told what is coming."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Money


class VisitMove(Model):
    """A visit went over to another clinic, doctor or service: from what, to what, by whom and why.

    The totals are the payment's before and after; they are equal where money had been taken. ``undoes_id``
    names the move that this one takes back, which can happen once.
    """

    __tablename__ = "visit_moves"
    __table_args__ = (Index(None, "visit_id", "sequence_number"), {"schema": "reception"})

    id: Mapped[Key]
    sequence_number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    organization_id: Mapped[UUID]
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("reception.visits.id"))
    from_clinic_id: Mapped[UUID]
    from_queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"))
    from_doctor_id: Mapped[UUID | None]
    from_service_id: Mapped[UUID]
    from_number: Mapped[int | None] = mapped_column(Integer)
    from_ticket: Mapped[str | None] = mapped_column(Text)
    from_priority: Mapped[str | None] = mapped_column(Text)
    from_priority_reason: Mapped[str | None] = mapped_column(Text)
    from_total: Mapped[Money]
    to_clinic_id: Mapped[UUID]
    to_queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"))
    to_doctor_id: Mapped[UUID | None]
    to_service_id: Mapped[UUID]
    to_ticket: Mapped[str | None] = mapped_column(Text)
    to_total: Mapped[Money]
    reason: Mapped[str] = mapped_column(Text)
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.visit_moves.id"), unique=True)
    by_user_id: Mapped[UUID | None]
    at: Mapped[Moment]


class NextTold(Model):
    """A visit was told that ``before`` others come first: once each, whatever the line does meanwhile."""

    __tablename__ = "next_told"
    __table_args__ = (
        CheckConstraint("before BETWEEN 1 AND 3", name="before_range"),
        {"schema": "reception"},
    )

    organization_id: Mapped[UUID]
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("reception.visits.id"), primary_key=True)
    before: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    at: Mapped[Moment]


class DelayTold(Model):
    """A doctor's delay in a queue was told, once for each quarter of an hour that it grew on a day."""

    __tablename__ = "delays_told"
    __table_args__ = (
        CheckConstraint("quarters > 0", name="quarters_positive"),
        {"schema": "reception"},
    )

    organization_id: Mapped[UUID]
    queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"), primary_key=True)
    doctor_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    quarters: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    at: Mapped[Moment]
