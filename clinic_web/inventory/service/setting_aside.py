"""A batch is set aside or put back into use by a person; and each night what has expired is marked."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select

from clinic_web.events.inventory import BatchExpiring
from clinic_web.inventory.access import batch_for, today
from clinic_web.inventory.models import ACTIVE, EXPIRE, EXPIRED, QUARANTINED, RETURN, SET_ASIDE, ZERO, Batch
from clinic_web.inventory.service import shelf
from clinic_web.kernel import bus, clock, tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import run_again, transaction
from clinic_web.organization import api as organization

TELL_BEFORE = timedelta(days=30)


def set_aside(actor: Actor, batch_id: UUID, reason: str) -> None:
    """Let nothing more of a batch be promised or given out, until it is put back into use. Raises RuleBroken
    (422) without a reason, StaleScreen (409) if it is not in use."""
    if not reason.strip():
        raise RuleBroken(N_("Give a reason."), field="reason")
    _turn(actor, batch_id, ACTIVE, QUARANTINED, reason.strip())


def put_into_use(actor: Actor, batch_id: UUID) -> None:
    """Take back that a batch was set aside. Raises StaleScreen (409) if it is not, or has expired since."""
    _turn(actor, batch_id, QUARANTINED, ACTIVE, None)


def _turn(actor: Actor, batch_id: UUID, was: str, now: str, reason: str | None) -> None:
    with transaction():
        item, batch = batch_for(actor, batch_id)
        has_expired = now == ACTIVE and batch.expiration_date < today(actor, item.facility_id)
        if batch.status != was or has_expired:
            raise StaleScreen(N_("The state of this batch has changed. Please look again."))
        old = shelf.as_audited(batch)
        batch.status = now
        kind = RETURN if now == ACTIVE else SET_ASIDE
        shelf.move(actor, item, batch, kind, change=ZERO, why=shelf.Why(reason=reason))
        action = "stock.put_into_use" if now == ACTIVE else "stock.set_aside"
        shelf.note_change(actor, action, batch, old, reason=reason)


def mark_expired() -> None:
    """Mark what has expired by each facility's own calendar, and tell once what expires within 30 days.

    For the tenant of the work under way; often enough, it finds every facility soon after its midnight.
    """
    organization_id = tenant.current()
    if organization_id is None:
        return
    for facility in organization.directory(organization_id).facilities.values():
        actor = system_actor(organization_id, facility_id=facility.id, name="stock")
        for batch_id in _due(actor, facility.id):
            run_again(partial(_look_at, actor, batch_id))


def _due(actor: Actor, facility_id: UUID) -> list[UUID]:
    day = today(actor, facility_id)
    expiring = (Batch.expiration_date <= day + TELL_BEFORE) & Batch.expiring_told_at.is_(None)
    due = select(Batch.id).where(
        Batch.organization_id == actor.organization_id,
        Batch.facility_id == facility_id,
        Batch.status == ACTIVE,
        Batch.quantity_remaining > 0,
        (Batch.expiration_date < day) | expiring,
    )
    return list(db.session.scalars(due.order_by(Batch.expiration_date, Batch.id)))


def _look_at(actor: Actor, batch_id: UUID) -> None:
    with transaction():
        item, batch = batch_for(actor, batch_id)
        day = today(actor, item.facility_id)
        if batch.status != ACTIVE:
            return
        if batch.expiring_told_at is None and batch.expiration_date <= day + TELL_BEFORE:
            batch.expiring_told_at = clock.now()
            bus.publish(_expiring(batch), actor)
        if batch.expiration_date < day:
            old = shelf.as_audited(batch)
            batch.status = EXPIRED
            shelf.move(actor, item, batch, EXPIRE, change=ZERO)
            shelf.note_change(actor, "stock.expire", batch, old)


def _expiring(batch: Batch) -> BatchExpiring:
    return BatchExpiring(
        organization_id=batch.organization_id,
        facility_id=batch.facility_id,
        item_id=batch.inventory_item_id,
        batch_id=batch.id,
        expires_on=batch.expiration_date,
    )
