"""Queue a message in the transaction that causes it; send it later, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from clinic_web.kernel import clock, jobs
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import Permanent, Temporary
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications import letters
from clinic_web.notifications.channels import channel
from clinic_web.notifications.models import FAILED, PENDING, SENT, Notification
from clinic_web.notifications.texts import compose
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.reception import api as reception

logger = structlog.get_logger(__name__)

TRIES = 6
FIRST_PAUSE = timedelta(seconds=30)
GRACE = timedelta(seconds=20)  # the commit's own job comes first; the sweep takes what was lost
BATCH = 200


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message to a patient; ``data`` holds ids and times, among them the ``start_time`` it is about."""

    patient_id: UUID
    template: str
    reference: str
    data: dict[str, Any]


def queue_messages(
    organization_id: UUID, facility_id: UUID, messages: Sequence[Message], *, due_at: datetime | None = None
) -> None:
    """Write messages into the current transaction; the second of a kind and reference is not written.

    They go out at once, or at ``due_at``.
    """
    if not messages:
        return
    actor = system_actor(organization_id, facility_id=facility_id)
    cards = patients.cards(actor, {each.patient_id for each in messages})
    languages = {patient_id: card.language for patient_id, card in cards.items()}
    rows = [
        {
            "id": new_id(),
            "organization_id": organization_id,
            "channel": "RECORD",
            "language": languages.get(each.patient_id) or "en",
            "due_at": due_at or clock.now() + GRACE,
            **vars(each),
        }
        for each in messages
    ]
    statement = insert(Notification).values(rows).on_conflict_do_nothing().returning(Notification.id)
    written = db.session.scalars(statement).all()
    for notification_id in written if due_at is None else ():
        jobs.enqueue_after_commit(
            "notifications.send", str(notification_id), job_id=f"notification-{notification_id}"
        )


def send(notification_id: UUID) -> None:
    """Send one message unless it was sent. Twice is harmless: the channel knows the id."""
    row = db.session.get(Notification, notification_id)
    if row is None or row.status != PENDING:
        return
    message = _written(row)
    via, attempts = channel(row.channel), row.attempts + 1
    db.session.rollback()  # nothing is held open while the outside world answers
    try:
        if message.why_not or not message.recipient:
            raise Permanent(message.why_not)
        via.deliver(notification_id, message.recipient, message.body, message.subject)
    except Permanent as error:
        _close(notification_id, FAILED, attempts, str(error))
    except Temporary as error:
        _later(notification_id, attempts, str(error))
    else:
        _close(notification_id, SENT, attempts, None)


def _why_not(actor: Actor, row: Notification, recipient: str | None) -> str | None:
    """Return why nothing is sent, as the row keeps it; None when there is something to tell."""
    start_time = datetime.fromisoformat(row.data["start_time"])
    if start_time <= clock.now():
        return "the time is past"
    if not recipient:
        return "no phone number"
    if row.template == "session_cancelled" and not _is_still_off(actor, row.data, start_time):
        return "settled meanwhile"
    return None


def _is_still_off(actor: Actor, data: dict[str, Any], start_time: datetime) -> bool:
    """Whether the patient would still come to a session that does not take place."""
    doctor_id, clinic_id = UUID(data["doctor_id"]), UUID(data["clinic_id"])
    instant = start_time + timedelta(microseconds=1)
    return reception.is_promised(actor, UUID(data["appointment_id"]), doctor_id, start_time) and bool(
        organization.leaves(actor, staff_id=doctor_id, clinic_id=clinic_id, since=start_time, until=instant)
    )


@dataclass(frozen=True)
class Written:
    """A message as it leaves; ``why_not`` says why it does not, as the row keeps it."""

    recipient: str | None
    body: str = ""
    subject: str = ""
    why_not: str | None = None


def _written(row: Notification) -> Written:
    if row.channel == letters.CHANNEL:
        letter = letters.write(row.template, row.data)
        return Written(*letter) if letter else Written(None, why_not="nobody to write to")
    actor = system_actor(row.organization_id)
    recipient = patients.card(actor, row.patient_id).phone if row.patient_id else None
    directory = organization.directory(row.organization_id)
    body = compose(row.template, row.language, row.data, directory)
    return Written(recipient, body, why_not=_why_not(actor, row, recipient))


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
