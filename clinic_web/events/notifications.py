"""What notifications tell of the messages that others wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class _OfNotification:
    """``reference`` names what the message is about (``order:<id>``)."""

    AGGREGATE: ClassVar[tuple[str, str]] = ("order", "order_id")
    organization_id: UUID
    order_id: UUID
    reference: str


@dataclass(frozen=True, kw_only=True)
class NotificationQueued(_OfNotification):
    """The message about an order is written and goes out by itself."""

    TOPIC: ClassVar[str] = "notification.queued"
    notification_id: UUID


@dataclass(frozen=True, kw_only=True)
class NotificationFailed(_OfNotification):
    """The message about an order can't be sent. ``reason``: NO_ADDRESS, REFUSED or GIVEN_UP."""

    TOPIC: ClassVar[str] = "notification.failed"
    reason: str
    notification_id: UUID | None = None
