"""Schema ``notifications``."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, Integer, Text, Time, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of
from clinic_web.kernel.tables import processed_events_table

PENDING, SENT, DELIVERED, FAILED, BOUNCED = "PENDING", "SENT", "DELIVERED", "FAILED", "BOUNCED"
STATES = (PENDING, SENT, DELIVERED, FAILED, BOUNCED)

# Why nothing was sent. Of the first three somebody should know; the others need nobody.
NO_ADDRESS, REFUSED, GIVEN_UP = "NO_ADDRESS", "REFUSED", "GIVEN_UP"
PAST, SETTLED, UNWANTED, GONE = "PAST", "SETTLED", "UNWANTED", "GONE"
TROUBLE = (NO_ADDRESS, REFUSED, GIVEN_UP)
NEEDLESS = (PAST, SETTLED, UNWANTED, GONE)

SMS, EMAIL = "SMS", "EMAIL"
TYPES = (SMS, EMAIL)
AUTO, NONE = "AUTO", "NONE"
WAYS = (AUTO, SMS, EMAIL, NONE)

MAX_RETRIES = 5

processed_events = processed_events_table("notifications")


class Notification(Model, Stamped):
    """One message to one person. ``data`` holds ids and times; the text is made when it is sent.

    ``reference`` names what it is about (``appointment:<id>``); one message of a kind per reference. How it
    goes (``notification_type``, ``channel``, ``language``) is decided when it is sent, by what is known of
    the patient then. ``recipient`` is only hinted at, ``message`` is what was said; neither is kept of
    letters that open accounts. ``claimed_until``: a worker has it in hand. ``retry_count``: how often it
    failed.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("template", "reference"),
        one_of("status", *STATES),
        one_of("failure", *TROUBLE, *NEEDLESS),
        one_of("notification_type", *TYPES),
        Index("ix_notifications_pending", "due_at", postgresql_where=text("status = 'PENDING'")),
        Index(None, "organization_id", "created_at", "id"),
        Index(None, "patient_id", "created_at"),
        {"schema": "notifications", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID | None]
    patient_id: Mapped[UUID | None]
    template: Mapped[str] = mapped_column(Text)
    template_id: Mapped[UUID | None] = mapped_column(ForeignKey("notifications.notification_templates.id"))
    reference: Mapped[str] = mapped_column(Text)
    reference_type: Mapped[str | None] = mapped_column(Text)
    reference_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]
    notification_type: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    recipient: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default=PENDING, default=PENDING)
    failure: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    retry_count: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    max_retries: Mapped[int] = mapped_column(Integer, server_default=str(MAX_RETRIES), default=MAX_RETRIES)
    due_at: Mapped[Moment]
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    external_id: Mapped[str | None] = mapped_column(Text)


class Try(Model):
    """One try to send a message and what came of it; LOST: the worker was never heard of again."""

    __tablename__ = "notification_delivery_log"
    __table_args__ = (
        one_of("outcome", "SENT", "LATER", "REFUSED", "LOST"),
        Index(None, "notification_id"),
        {"schema": "notifications"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    notification_id: Mapped[UUID] = mapped_column(ForeignKey("notifications.notifications.id"))
    channel: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text)
    tried_at: Mapped[Moment]


class NotificationTemplate(Model, Stamped, Versioned):
    """An organization's own wording of a kind of message in a language; not active: the shipped one holds."""

    __tablename__ = "notification_templates"
    __table_args__ = (
        UniqueConstraint("organization_id", "template_name"),
        UniqueConstraint("organization_id", "event_trigger", "language"),
        one_of("notification_type", "ALL"),
        {"schema": "notifications"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    template_name: Mapped[str] = mapped_column(Text)
    notification_type: Mapped[str] = mapped_column(Text, server_default="ALL", default="ALL")
    event_trigger: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    body_template: Mapped[str] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)


class NotificationPreference(Model, Stamped, Versioned):
    """How a patient wants to hear of what: by which way, not about what (``off``), not at which hours."""

    __tablename__ = "notification_preferences"
    __table_args__ = (
        UniqueConstraint("patient_id"),
        one_of("channel", *WAYS),
        {"schema": "notifications", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(Text, server_default=AUTO, default=AUTO)
    off: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"), default=list)
    quiet_from: Mapped[time | None] = mapped_column(Time)
    quiet_until: Mapped[time | None] = mapped_column(Time)


class RecordedMessage(Model):
    """What the recording channel "sent": the centre's outbox until a provider is set up."""

    __tablename__ = "recorded_messages"
    __table_args__ = {"schema": "notifications"}  # noqa: RUF012

    notification_id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[Moment]
