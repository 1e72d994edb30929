"""Queue a message in the transaction that causes it; send it later, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from clinic_web.kernel import clock, jobs
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import Permanent, Temporary
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications.channels import channel
from clinic_web.notifications.models import FAILED, PENDING, SENT, Notification
from clinic_web.notifications.texts import compose
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients

logger = structlog.get_logger(__name__)

TRIES = 6
FIRST_PAUSE = timedelta(seconds=30)
GRACE = timedelta(seconds=20)  # the commit's own job comes first; the sweep takes what was lost
BATCH = 200


def queue_message(
    *,
    organization_id: UUID,
    facility_id: UUID,
    patient_id: UUID,
    template: str,
    reference: str,
    data: dict[str, Any],
) -> None:
    """Write one message to a patient into the current transaction; the second of its kind is not written."""
    actor = system_actor(organization_id, facility_id=facility_id)
    language = patients.card(actor, patient_id).language or "en"
    statement = (
        insert(Notification)
        .values(
            id=new_id(),
            organization_id=organization_id,
            patient_id=patient_id,
            template=template,
            channel="RECORD",
            language=language,
            reference=reference,
            data=data,
            due_at=clock.now() + GRACE,
        )
        .on_conflict_do_nothing()
        .returning(Notification.id)
    )
    notification_id = db.session.execute(statement).scalar()
    if notification_id:
        jobs.enqueue_after_commit(
            "notifications.send", str(notification_id), job_id=f"notification-{notification_id}"
        )


def send(notification_id: UUID) -> None:
    """Send one message unless it was sent. Twice is harmless: the channel knows the id."""
    row = db.session.get(Notification, notification_id)
    if row is None or row.status != PENDING:
        return
    actor = system_actor(row.organization_id)
    recipient = patients.card(actor, row.patient_id).phone if row.patient_id else None
    body = compose(row.template, row.language, row.data, organization.directory(row.organization_id))
    via, attempts = channel(row.channel), row.attempts + 1
    db.session.rollback()  # nothing is held open while the outside world answers
    try:
        if not recipient:
            raise Permanent("no phone number")
        via.deliver(notification_id, recipient, body)
    except Permanent as error:
        _close(notification_id, FAILED, attempts, str(error))
    except Temporary as error:
        _later(notification_id, attempts, str(error))
    else:
        _close(notification_id, SENT, attempts, None)


def _close(notification_id: UUID, status: str, attempts: int, error: str | None) -> None:
    sent_at = clock.now() if status == SENT else None
    _update(notification_id, status=status, attempts=attempts, last_error=error, sent_at=sent_at)
    logger.info("notification_closed", notification_id=str(notification_id), status=status)


def _later(notification_id: UUID, attempts: int, error: str) -> None:
    if attempts >= TRIES:
        _close(notification_id, FAILED, attempts, error)
        return
    due_at = clock.now() + FIRST_PAUSE * 2**attempts
    _update(notification_id, attempts=attempts, last_error=error, due_at=due_at)


def _update(notification_id: UUID, **values: Any) -> None:
    with transaction():
        db.session.execute(
            update(Notification)
            .where(Notification.id == notification_id, Notification.status == PENDING)
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def sweep() -> None:
    """Send again what is pending and due: its job was lost, or it waits for another try."""
    due = (
        select(Notification.id)
        .where(Notification.status == PENDING, Notification.due_at <= clock.now())
        .limit(BATCH)
    )
    for notification_id in list(db.session.scalars(due)):
        jobs.enqueue("notifications.send", str(notification_id), job_id=f"notification-{notification_id}")
    db.session.rollback()
