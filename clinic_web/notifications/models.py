"""Schema ``notifications``."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, one_of
from clinic_web.kernel.tables import processed_events_table

PENDING, SENT, DELIVERED, FAILED, BOUNCED = "PENDING", "SENT", "DELIVERED", "FAILED", "BOUNCED"

processed_events = processed_events_table("notifications")


class Notification(Model, Stamped):
    """One message to one person. ``data`` holds ids and times; the text is made when it is sent.

    ``reference`` names what it is about (``appointment:<id>``); one message of a kind per reference.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("template", "reference"),
        one_of("status", PENDING, SENT, DELIVERED, FAILED, BOUNCED),
        Index("ix_notifications_pending", "due_at", postgresql_where=text("status = 'PENDING'")),
        {"schema": "notifications", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    patient_id: Mapped[UUID | None]
    template: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(Text, server_default=PENDING, default=PENDING)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    due_at: Mapped[Moment]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


class RecordedMessage(Model):
    """What the recording channel "sent": the centre's outbox until a provider is set up."""

    __tablename__ = "recorded_messages"
    __table_args__ = {"schema": "notifications"}  # noqa: RUF012

    notification_id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[Moment]
