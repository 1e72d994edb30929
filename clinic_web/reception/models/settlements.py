"""What becomes of the appointments of a doctor who is away: settled one by one by a worker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, one_of
from clinic_web.kernel.errors import DomainError
from clinic_web.kernel.runs import IS_OPEN, STATES, RunRow

MOST = 300  # appointments settled with one press
WAITS, MOVED, CANCELLED, REFUSED = "WAITS", "MOVED", "CANCELLED", "REFUSED"


class Settlement(Model, RunRow):
    """What a person decided about appointments of ``doctor_id`` between two moments, the end not part of it.

    ``clinic_id`` is null for all clinics of the doctor. ``items_done`` of ``items`` are settled or refused.
    ``reason`` is why the cancelled ones are.
    """

    __tablename__ = "settlements"
    __table_args__ = (
        one_of("state", *STATES),
        CheckConstraint("items > 0 AND items_done BETWEEN 0 AND items", name="done_within_items"),
        CheckConstraint("starts_at < ends_at", name="starts_before_end"),
        Index("ix_settlements_open", "due_at", postgresql_where=text(IS_OPEN)),
        Index(None, "doctor_id", "created_at"),
        {"schema": "reception"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    clinic_id: Mapped[UUID | None]
    doctor_id: Mapped[UUID]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    reason: Mapped[str | None] = mapped_column(Text)
    items: Mapped[int] = mapped_column(Integer)
    items_done: Mapped[int] = mapped_column(Integer, server_default="0", default=0)

    def advance(self, at: datetime) -> None:
        """Note that one more appointment is settled, or can't be."""
        self.items_done += 1
        self.went_on(at, is_done=self.items_done == self.items)


class SettlementItem(Model):
    """One appointment of a settlement, the ``place``-th from 0: what was decided, and what came of it.

    ``version`` is the appointment's as it was seen, ``from_start`` its time then. ``to_start`` null: it is to
    be cancelled. A refusal is kept as a sentence with its values, for each reader's own language.
    """

    __tablename__ = "settlement_items"
    __table_args__ = (
        one_of("state", WAITS, MOVED, CANCELLED, REFUSED),
        CheckConstraint("(to_doctor_id IS NULL) = (to_start IS NULL)", name="another_time_or_none"),
        CheckConstraint("(state = 'REFUSED') = (refusal IS NOT NULL)", name="refused_with_sentence"),
        CheckConstraint("(state = 'WAITS') = (settled_at IS NULL)", name="settled_at_a_time"),
        {"schema": "reception"},
    )

    settlement_id: Mapped[UUID] = mapped_column(ForeignKey("reception.settlements.id"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("reception.appointments.id"))
    version: Mapped[int] = mapped_column(Integer)
    from_start: Mapped[Moment]
    to_doctor_id: Mapped[UUID | None]
    to_start: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text, server_default=WAITS, default=WAITS)
    ticket: Mapped[str | None] = mapped_column(Text)
    refusal: Mapped[str | None] = mapped_column(Text)
    refusal_values: Mapped[dict[str, Any] | None]
    settled_at: Mapped[datetime | None]

    def settle(self, state: str, ticket: str | None, at: datetime) -> None:
        self.state, self.ticket, self.settled_at = state, ticket, at

    def refuse(self, error: DomainError, at: datetime) -> None:
        self.settle(REFUSED, None, at)
        self.refusal = error.sentence
        self.refusal_values = {name: _plain(value) for name, value in error.values.items()}

    @property
    def why_not(self) -> DomainError | None:
        """The refusal as it was raised, to be said in the reader's language."""
        return DomainError(self.refusal, **_values(self.refusal_values or {})) if self.refusal else None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, Decimal):
        return {"money": str(value)}
    return value if isinstance(value, int) else str(value)


def _values(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in kept.items()}


def _value(kept: Any) -> Any:
    if not isinstance(kept, dict):
        return kept
    return datetime.fromisoformat(kept["moment"]) if "moment" in kept else Decimal(kept["money"])
