"""Tables of schema ``kernel``: events and their deliveries, streams, idempotency keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, one_of

DUE, DONE, PARKED = "DUE", "DONE", "PARKED"


class DomainEvent(Model):
    """What happened, as it was told. Never changed, never deleted."""

    __tablename__ = "domain_events"
    __table_args__ = (
        Index(None, "aggregate_type", "aggregate_id"),
        Index(None, "event_type", "occurred_at"),
        {"schema": "kernel"},
    )

    id: Mapped[Key]
    sequence_number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    organization_id: Mapped[UUID | None]
    event_type: Mapped[str] = mapped_column(Text)
    aggregate_type: Mapped[str] = mapped_column(Text)
    aggregate_id: Mapped[UUID]
    event_data: Mapped[dict[str, Any]]
    user_id: Mapped[UUID | None]
    occurred_at: Mapped[Moment]


class Delivery(Model):
    """One event on its way to one subscriber; done with the effect.

    It is written in the statement that writes its event, which is never deleted: no foreign key has to look
    that up again for each subscriber (``events.to_everybody`` of ``flask check invariants`` does).
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("event_id", "consumer"),
        one_of("state", DUE, DONE, PARKED),
        Index("ix_deliveries_due", "queue", "due_at", postgresql_where=text("state = 'DUE'")),
        Index("ix_deliveries_parked", "parked_at", postgresql_where=text("state = 'PARKED'")),
        {"schema": "kernel"},
    )

    id: Mapped[Key] = mapped_column(server_default=func.gen_random_uuid())
    event_id: Mapped[UUID]
    consumer: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default=DUE, server_default=DUE)
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    due_at: Mapped[Moment]
    last_error: Mapped[str | None] = mapped_column(Text)
    done_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]


class Stream(Model):
    """The version of a live topic, bumped in the transaction that changes what the topic shows.

    ``epoch`` changes when history is rewritten (a restore), so that a screen which is *ahead* of the
    database notices it too.
    """

    __tablename__ = "streams"
    # Bumped on every change of a busy queue: leave room on the page, so that updates stay in place (HOT).
    __table_args__ = {"schema": "kernel", "postgresql_with": {"fillfactor": 50}}  # noqa: RUF012

    topic: Mapped[str] = mapped_column(Text, primary_key=True)
    epoch: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid())
    seq: Mapped[int] = mapped_column(BigInteger, default=1, server_default="1")


class IdempotencyKey(Model):
    """One press of a button: its key, the fingerprint of what was asked, and the answer."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"), {"schema": "kernel"})

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class ScheduledRun(Model):
    """One slot of one periodic job; its primary key makes a second leader's run a no-op."""

    __tablename__ = "scheduled_runs"
    __table_args__ = {"schema": "kernel"}  # noqa: RUF012

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[Moment] = mapped_column(primary_key=True)
    started_at: Mapped[Moment] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


def processed_events_table(schema: str) -> Table:
    """Return the table in which a consumer's module notes the events it has applied.

    It lies in the consumer's own schema because the note commits together with the effect, also when the
    schemas live on different servers one day.
    """
    return Table(
        "processed_events",
        Model.metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("consumer", Text, primary_key=True),
        Column("processed_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
        schema=schema,
    )
