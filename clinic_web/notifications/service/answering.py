"""Tell those who wait for a message whether it goes out. What they asked twice they are told twice."""

from __future__ import annotations

from uuid import UUID

from clinic_web.events.notifications import NotificationFailed, NotificationQueued
from clinic_web.events.orders import NotificationRequested
from clinic_web.kernel import bus
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.notifications.kinds import KINDS
from clinic_web.notifications.models import GIVEN_UP, NO_ADDRESS, REFUSED, Notification
from clinic_web.notifications.service.queueing import Queued

# What an order can do nothing about is to it a message that was given up.
TOLD = {NO_ADDRESS: NO_ADDRESS, REFUSED: REFUSED}


def answer(event: NotificationRequested, queued: Queued) -> None:
    """Answer an order's request by the row that is there for it."""
    actor = system_actor(event.organization_id, facility_id=event.facility_id, name="notifications")
    if queued.failure:
        _failed(actor, event.order_id, queued.id, queued.failure)
    else:
        _queued(actor, event.order_id, queued.id)


def tell_given_up(row: Notification, failure: str) -> None:
    """A message that somebody waits for does not go out: tell them, in the transaction that says so."""
    if row.reference_id and row.template in KINDS and KINDS[row.template].is_awaited:
        actor = system_actor(row.organization_id, facility_id=row.facility_id, name="notifications")
        _failed(actor, row.reference_id, row.id, failure)


def tell_taken_up(actor: Actor, row: Notification) -> None:
    """A message that was given up is on its way again."""
    if row.reference_id and row.template in KINDS and KINDS[row.template].is_awaited:
        _queued(actor, row.reference_id, row.id)


def _queued(actor: Actor, order_id: UUID, notification_id: UUID) -> None:
    bus.publish(
        NotificationQueued(
            organization_id=actor.organization_id,
            order_id=order_id,
            reference=f"order:{order_id}",
            notification_id=notification_id,
        ),
        actor,
    )


def _failed(actor: Actor, order_id: UUID, notification_id: UUID, failure: str) -> None:
    bus.publish(
        NotificationFailed(
            organization_id=actor.organization_id,
            order_id=order_id,
            reference=f"order:{order_id}",
            reason=TOLD.get(failure, GIVEN_UP),
            notification_id=notification_id,
        ),
        actor,
    )
