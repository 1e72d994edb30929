"""RQ entry points."""

from __future__ import annotations

from uuid import UUID

from clinic_web.notifications.service import sending


def send(notification_id: str) -> None:
    sending.send_and_go_on(UUID(notification_id))
