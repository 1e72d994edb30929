"""Channels: how a message leaves the house. Each takes the notification's id as its idempotency key."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications.models import RecordedMessage

RECORD, SMTP = "RECORD", "SMTP"


class Channel(Protocol):
    """Sends one message and returns the provider's id of it.

    Raises kernel.errors.Temporary or Permanent when the provider fails.
    """

    def deliver(self, notification_id: UUID, recipient: str, body: str, subject: str = "") -> str: ...


class RecordingChannel:
    """Keeps what it "sends" in ``notifications.recorded_messages``: for centres without a provider."""

    def deliver(self, notification_id: UUID, recipient: str, body: str, subject: str = "") -> str:
        statement = insert(RecordedMessage).values(
            notification_id=notification_id, recipient=recipient, body=body, recorded_at=clock.now()
        )
        with transaction():
            db.session.execute(statement.on_conflict_do_nothing())
        return str(notification_id)


_channels: dict[str, Channel] = {RECORD: RecordingChannel()}


def channel(name: str) -> Channel:
    return _channels[name]


def has_channel(name: str) -> bool:
    return name in _channels


def use(name: str, one: Channel | None) -> None:
    """Let ``one`` carry the messages of a kind from now on; None: nobody does."""
    _channels.pop(name, None)
    if one:
        _channels[name] = one
