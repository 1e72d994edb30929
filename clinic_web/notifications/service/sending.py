"""Send what is written down: claim, deliver, note. At least once to the provider, which knows our id.

A message in hand is claimed for longer than its job may run, so no second worker takes it; the claim of a
worker that was killed runs out, and the sweep gives the message to another.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Select, or_, select

from clinic_web.kernel import clock, jobs, push
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import Permanent, Temporary
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications import texts
from clinic_web.notifications.channels import RECORD, channel, has_channel
from clinic_web.notifications.live import messages_topic
from clinic_web.notifications.models import (
    FAILED,
    GIVEN_UP,
    PENDING,
    REFUSED,
    SENT,
    Notification,
    Try,
)
from clinic_web.notifications.service import answering, writing
from clinic_web.notifications.service.queueing import job_of
from clinic_web.notifications.service.writing import NotNow, Written

logger = structlog.get_logger(__name__)

FIRST_PAUSE = timedelta(seconds=30)
CLAIM = timedelta(seconds=jobs.TIMEOUT + 15)
GO_ON_FOR = 2.0  # seconds: what somebody looks on at waits behind it in the same worker
BATCH = 1000  # of one sweep: more than are sent until the next


def send(notification_id: UUID) -> None:
    """Send one message unless it was sent or is in another's hand.

    Twice is harmless: the channel knows the id.
    """
    if not _claim(notification_id):
        return
    row = db.session.get(Notification, notification_id, populate_existing=True)
    if row is None or row.status != PENDING:
        return
    written = writing.write(row)
    db.session.rollback()  # nothing is held open while the outside world answers
    if isinstance(written, Written):
        _deliver(notification_id, written)
    elif isinstance(written, NotNow):
        _change(notification_id, due_at=written.until, claimed_until=None)
    else:
        _close(notification_id, FAILED, failure=written.failure)


def send_and_go_on(notification_id: UUID) -> None:
    """Send one message, and then for a while others of this tenant that are late, in place of their own jobs.

    A process of its own per message makes sure that a provider who hangs is killed; it takes many times as
    long to begin as to send. While messages pile up, the one that has begun goes on.
    """
    until = time.monotonic() + GO_ON_FOR
    send(notification_id)
    before = None
    while time.monotonic() < until:
        late = db.session.scalars(_due(1)).one_or_none()
        db.session.rollback()
        if late is None or late == before:  # or another takes it in hand just now
            return
        jobs.forget("notifications.send", job_of(late))
        send(late)
        before = late


def prepare() -> None:
    """Do what sending needs and every process has to do once (see ``kernel.workers.before_forking``)."""
    send(new_id())  # which is not there
    for is_arabic in (False, True):
        texts.moment(clock.now(), is_arabic=is_arabic)
        texts.money("1", "EGP", is_arabic=is_arabic)
        texts.catalogue("ar" if is_arabic else "en")


def _claim(notification_id: UUID) -> bool:
    """Take a message in hand; return whether it is ours. A claim that ran out was a try that is lost."""
    with transaction():
        row = db.session.scalar(
            select(Notification)
            .where(
                Notification.id == notification_id,
                Notification.status == PENDING,
                or_(Notification.claimed_until.is_(None), Notification.claimed_until <= clock.now()),
            )
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        if row is None:
            return False
        if row.claimed_until:
            _note(row, "LOST")
            row.retry_count += 1
        if row.retry_count > row.max_retries:
            _finish(row, FAILED, {"failure": GIVEN_UP})
            return False
        row.claimed_until = clock.now() + CLAIM
        return True


def _deliver(notification_id: UUID, written: Written) -> None:
    try:
        if not has_channel(written.channel):
            raise Temporary("nobody carries it")
        external_id = channel(written.channel).deliver(
            notification_id, written.recipient, written.body, written.subject
        )
        failpoint("notifications.delivered")
    except Permanent as error:
        _close(notification_id, FAILED, written, failure=REFUSED, error_message=str(error))
    except Temporary as error:
        _later(notification_id, written, str(error))
    else:
        _close(notification_id, SENT, written, external_id=external_id)


def _close(notification_id: UUID, status: str, written: Written | None = None, **values: Any) -> None:
    """Note that it was sent, or never will be, and tell whoever waits for that."""
    with transaction():
        row = _in_hand(notification_id)
        if row is None:
            return
        if written:
            outcome = "SENT" if status == SENT else "REFUSED"
            _note(row, outcome, written, values.get("error_message"), values.get("external_id"))
        _finish(row, status, _kept(written) | values)
    logger.info("notification_closed", notification_id=str(notification_id), status=status)


def _later(notification_id: UUID, written: Written, error: str) -> None:
    with transaction():
        row = _in_hand(notification_id)
        if row is None:
            return
        _note(row, "LATER", written, error)
        row.retry_count += 1
        row.error_message = error
        if row.retry_count > row.max_retries:
            _finish(row, FAILED, _kept(written) | {"failure": GIVEN_UP})
            return
        row.due_at = clock.now() + FIRST_PAUSE * 2**row.retry_count
        row.claimed_until = None


def _finish(row: Notification, status: str, values: dict[str, Any]) -> None:
    """Close a locked row; what it says of itself from now on does not change by itself."""
    if status == SENT:
        row.error_message = None
    for name, value in values.items():
        setattr(row, name, value)
    row.status, row.claimed_until = status, None
    row.sent_at = clock.now() if status == SENT else None
    if status == FAILED:
        answering.tell_given_up(row, row.failure or GIVEN_UP)
    push.changed(messages_topic(row.organization_id))


def _kept(written: Written | None) -> dict[str, Any]:
    """What a row keeps of the message as it was sent: of a letter that opens accounts, nothing."""
    if written is None:
        return {}
    how = {
        "notification_type": written.notification_type,
        "channel": written.channel,
        "language": written.language,
        "recipient": hint_of(written.recipient),
        "template_id": written.template_id,
    }
    return how if written.is_secret else how | {"subject": written.subject, "message": written.body}


def hint_of(recipient: str) -> str:
    """Return as much of an address as somebody needs who knows it: its end, or its first letter and house."""
    name, at, house = recipient.partition("@")
    return f"{name[:1]}…@{house}" if at else f"…{recipient[-3:]}"


def _in_hand(notification_id: UUID) -> Notification | None:
    """Return the row, locked, unless another has closed it meanwhile."""
    return db.session.scalar(
        select(Notification)
        .where(Notification.id == notification_id, Notification.status == PENDING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _change(notification_id: UUID, **values: Any) -> None:
    with transaction():
        row = _in_hand(notification_id)
        for name, value in values.items() if row else ():
            setattr(row, name, value)


def _note(
    row: Notification,
    outcome: str,
    written: Written | None = None,
    error: str | None = None,
    external_id: str | None = None,
) -> None:
    db.session.add(
        Try(
            organization_id=row.organization_id,
            notification_id=row.id,
            channel=written.channel if written else row.channel or RECORD,
            outcome=outcome,
            error_message=error,
            external_id=external_id,
            tried_at=clock.now(),
        )
    )


def sweep() -> None:
    """Send again what is pending and due: its job was lost, or it waits for another try."""
    for notification_id in list(db.session.scalars(_due(BATCH))):
        jobs.enqueue("notifications.send", str(notification_id), job_id=job_of(notification_id))
    db.session.rollback()


def _due(most: int) -> Select[UUID]:
    """What should have been sent by now and is in nobody's hand, the longest overdue first."""
    return (
        select(Notification.id)
        .where(
            Notification.status == PENDING,
            Notification.due_at <= clock.now(),
            or_(Notification.claimed_until.is_(None), Notification.claimed_until <= clock.now()),
        )
        .order_by(Notification.due_at)
        .limit(most)
    )
