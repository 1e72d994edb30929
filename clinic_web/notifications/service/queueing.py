"""Write a message down in the transaction that causes it: one statement, whatever is known of the patient.

In which language and by which way it goes is decided when it is sent. The unique key of kind and reference
makes a second request find the first one's row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from clinic_web.kernel import clock, jobs
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.statement import Statement

GRACE = timedelta(seconds=20)  # the commit's own job comes first; the sweep takes what was lost

WRITE = Statement(
    """
    INSERT INTO notifications.notifications
           (id, organization_id, facility_id, patient_id, template, reference, reference_type, reference_id,
            data, due_at, created_at, updated_at)
    VALUES (:id, :organization_id, :facility_id, :patient_id, :template, :reference, :reference_type,
            :reference_id, CAST(:data AS jsonb), :due_at, :now, :now)
    ON CONFLICT (template, reference) DO UPDATE SET updated_at = :now
    RETURNING id, failure, xmax = 0 AS is_new
    """
)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message to a patient. ``data`` holds ids, times and numbers, never a name.

    ``about`` is what it tells of (``appointment``, its id); ``which`` tells several of a kind apart.
    """

    organization_id: UUID
    patient_id: UUID
    template: str
    about: tuple[str, UUID]
    facility_id: UUID | None = None
    which: UUID | None = None
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        name = f"{self.about[0]}:{self.about[1]}"
        return f"{name}:{self.which}" if self.which else name


@dataclass(frozen=True)
class Queued:
    """A message's row; ``failure`` says why it will not go out (any more)."""

    id: UUID
    is_new: bool
    failure: str | None


def queue(message: Message, *, due_at: datetime | None = None) -> Queued:
    """Write a message into the current transaction unless it is there. It goes at once, or at ``due_at``."""
    now = clock.now()
    row = WRITE.first(
        {
            "id": new_id(),
            "organization_id": message.organization_id,
            "facility_id": message.facility_id,
            "patient_id": message.patient_id,
            "template": message.template,
            "reference": message.reference,
            "reference_type": message.about[0],
            "reference_id": message.about[1],
            "data": json.dumps(message.data, default=_plain),
            "due_at": due_at or now + GRACE,
            "now": now,
        }
    )
    if row.is_new and due_at is None:
        send_after_commit(row.id)
    return Queued(row.id, row.is_new, row.failure)


def send_after_commit(notification_id: UUID) -> None:
    """Put the job of a message into its queue with the commit."""
    jobs.enqueue_after_commit("notifications.send", str(notification_id), job_id=job_of(notification_id))


def job_of(notification_id: UUID) -> str:
    return f"notification-{notification_id}"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
