"""Stock that was held is free again: the order was undone, a person released it, or nobody came in time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.events.orders import CompensationRequested
from clinic_web.inventory import api as inventory
from clinic_web.inventory.api import Taken
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.pharmacy.access import prescription_for
from clinic_web.pharmacy.models import EXPIRED, RELEASED, RESERVED, Prescription
from clinic_web.pharmacy.service.reserving import ORDER
from clinic_web.pharmacy.service.telling import tell_expired, tell_released, tell_worklist

MOST_AT_ONCE = 500  # reservations that one run of the periodic job ends, per tenant
LONGEST_REASON = 300

# The tombstone. A request to reserve that is under way is waited for; one that comes later finds this row.
CANCEL = Statement(
    """
    INSERT INTO pharmacy.prescription_orders AS p
           (order_id, organization_id, facility_id, patient_id, status, reason, cancelled_at, closed_at,
            created_at, updated_at)
    VALUES (:order_id, :organization_id, :facility_id, :patient_id, 'RELEASED', 'CANCELLED', :now, :now,
            :now, :now)
        ON CONFLICT (order_id) DO UPDATE
       SET cancelled_at = COALESCE(p.cancelled_at, EXCLUDED.cancelled_at),
           closed_at = COALESCE(p.closed_at, EXCLUDED.closed_at),
           status = CASE p.status WHEN 'RESERVED' THEN 'RELEASED' ELSE p.status END,
           version = p.version + 1, updated_at = :now
     WHERE p.cancelled_at IS NULL
    RETURNING p.order_id
    """
)
CLOSE = Statement(
    """
    UPDATE pharmacy.reservations
       SET status = :status, version = version + 1, updated_at = :now, updated_by = CAST(:user_id AS uuid)
     WHERE order_id = :order_id AND organization_id = :organization_id AND status = 'RESERVED'
    RETURNING batch_id, quantity - dispensed_quantity AS quantity
    """
)


def undo_reservation(event: CompensationRequested) -> None:
    """Release what is held for an order and never hold anything for it again; answer in any case.

    What was handed over stays so: a person undoes a dispensing (``dispensing.undo``).
    """
    actor = system_actor(event.organization_id, facility_id=event.facility_id, name="orders")
    with transaction():
        values = {
            "order_id": event.order_id,
            "organization_id": event.organization_id,
            "facility_id": event.facility_id,
            "patient_id": event.patient_id,
            "now": clock.now(),
        }
        if CANCEL.first(values) and free(actor, event.order_id, RELEASED):
            tell_worklist(event.facility_id)
        tell_released(actor, event)


def free(actor: Actor, order_id: UUID, status: str) -> bool:
    """End what is still held for an order; return whether there was anything. Its row is locked already."""
    values: dict[str, Any] = {
        "order_id": order_id,
        "organization_id": actor.organization_id,
        "status": status,
        "now": clock.now(),
        "user_id": actor.user_id,
    }
    held = [Taken(batch_id=row.batch_id, quantity=row.quantity) for row in CLOSE.all(values)]
    if held:
        inventory.release(actor, held, reference_type=ORDER, reference_id=order_id)
    return bool(held)


def release(actor: Actor, order_id: UUID, *, version: int, reason: str) -> Prescription:
    """A person gives back what is held (or the rest, where a part was handed over), and says why.

    Raises StaleScreen (409) when it is not as the screen showed it, RuleBroken (422) without a reason.
    """
    with transaction():
        prescription = prescription_for(actor, order_id, lock=True)
        prescription.require_version(version)
        prescription.require_reserved()
        why = said(reason)
        free(actor, order_id, RELEASED)
        prescription.close(RELEASED, clock.now(), why)
        prescription.updated_by = actor.user_id
        db.session.flush()
        audit.saw(actor, "prescription.release", "prescription", order_id)
        audit.changed(
            actor,
            "prescription.release",
            "prescription",
            order_id,
            old={"status": RESERVED},
            new={"status": RELEASED, "reason": why},
        )
        tell_released(actor, prescription)
        tell_worklist(prescription.facility_id)
        return prescription


def said(reason: str) -> str:
    """Return the reason that a person gave; RuleBroken (422, field ``reason``) when there is none."""
    reason = " ".join(reason.split())
    if not reason:
        raise RuleBroken(N_("Say why, in a few words."), field="reason")
    if len(reason) > LONGEST_REASON:
        raise RuleBroken(
            N_("Say it in fewer words: at most %(most)s letters."), field="reason", most=LONGEST_REASON
        )
    return reason


def expire_due() -> int:
    """End what was promised until now and was not fetched, each in a transaction of its own; return how many.

    Who is dispensing at this instant holds the row: it is left to them, and to the next run if they don't.
    """
    organization_id = tenant.current()
    if organization_id is None:
        return 0
    actor = system_actor(organization_id, name="pharmacy")
    for count in range(MOST_AT_ONCE):
        if not _expire_next(actor):
            return count
    return MOST_AT_ONCE


def _expire_next(actor: Actor) -> bool:
    due = (
        select(Prescription)
        .where(
            Prescription.organization_id == actor.organization_id,
            Prescription.status == RESERVED,
            Prescription.expires_at <= clock.now(),
        )
        .order_by(Prescription.expires_at, Prescription.order_id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    with transaction():
        prescription = db.session.scalars(due).one_or_none()
        if prescription is None:
            return False
        free(actor, prescription.order_id, EXPIRED)
        prescription.close(EXPIRED, clock.now())
        prescription.updated_by = None
        db.session.flush()
        tell_expired(actor, prescription)
        tell_worklist(prescription.facility_id)
    return True
