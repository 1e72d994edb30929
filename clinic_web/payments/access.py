"""The only way to load a payment for a person: tenant and facility decide; absent and foreign are 404."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.payments.models import Payment


def payments_of(actor: Actor, *what: Any) -> Select[Any]:
    """Return a SELECT (of ``what``, or of payments) limited to the payments that the actor may see at all."""
    mine = select(*(what or (Payment,))).where(Payment.organization_id == actor.organization_id)
    return mine.where(Payment.facility_id == actor.facility_id) if actor.facility_id else mine


def payment_for(actor: Actor, payment_id: UUID, *, lock: bool = False) -> Payment:
    """Return the payment (``lock``: FOR UPDATE, as it is now); NotFound (404) if it is not the actor's."""
    payment = _one(payments_of(actor).where(Payment.id == payment_id), lock=lock)
    if payment is None:
        raise NotFound(N_("This payment is not here (any more)."))
    return payment


def payment_of_visit(actor: Actor, visit_id: UUID, *, lock: bool = False) -> Payment | None:
    """Return the visit's payment; None if there is none for the actor."""
    return _one(payments_of(actor).where(Payment.visit_id == visit_id), lock=lock)


def require_payment(actor: Actor, payment_id: UUID) -> None:
    """Raise NotFound (404) unless the payment is there for the actor."""
    payment_for(actor, payment_id)


def require_payment_of_visit(actor: Actor, visit_id: UUID) -> None:
    """Raise NotFound (404) unless there is a visit with a payment for the actor."""
    if payment_of_visit(actor, visit_id) is None:
        raise NotFound(N_("This visit has no payment."))


def _one(found: Select[Any], *, lock: bool) -> Payment | None:
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    payment: Payment | None = db.session.execute(found).scalar()
    return payment
