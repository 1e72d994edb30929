"""RQ entry points."""

from __future__ import annotations

from uuid import UUID

from clinic_web.notifications import service


def send(notification_id: str) -> None:
    service.send(UUID(notification_id))
