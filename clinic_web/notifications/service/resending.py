"""Take a message up again that was given up: somebody has corrected a number, or a server is back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications.live import messages_topic
from clinic_web.notifications.models import BOUNCED, FAILED, NEEDLESS, PENDING, Notification
from clinic_web.notifications.service import answering
from clinic_web.notifications.service.queueing import GRACE, send_after_commit
from clinic_web.patients import api as patients

MANAGE = "message.manage"


def send_again(actor: Actor, message_id: UUID) -> None:
    """Send a message that failed once more, by whatever way the patient can be reached now.

    Raises NotFound (404), ChartClosed (403), StaleScreen (409) where it did not fail (any more).
    """
    actor.require(MANAGE)
    with transaction():
        row = db.session.scalar(
            select(Notification)
            .where(
                Notification.id == message_id,
                Notification.organization_id == actor.organization_id,
                Notification.patient_id.is_not(None),
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if row is None or row.patient_id is None:
            raise NotFound
        patients.enter_chart(actor, row.patient_id)
        if row.status not in (FAILED, BOUNCED) or row.failure in NEEDLESS:
            raise StaleScreen(N_("This message did not fail, or goes out again already."))
        _take_up(actor, row)


def _take_up(actor: Actor, row: Notification) -> None:
    old = {"failure": row.failure}
    audit.changed(actor, "message.send_again", "message", row.id, old=old, new={"failure": None})
    row.status, row.failure, row.error_message, row.retry_count = PENDING, None, None, 0
    row.notification_type = row.channel = row.recipient = None
    row.due_at, row.claimed_until, row.updated_by = clock.now() + GRACE, None, actor.user_id
    answering.tell_taken_up(actor, row)
    send_after_commit(row.id)
    push.changed(messages_topic(row.organization_id))
