"""What a facility wants paid before its stations serve."""

from __future__ import annotations

from sqlalchemy import select

from clinic_web.billing.models import PaymentRule
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization


def must_be_paid_first(actor: Actor) -> set[str]:
    """Return which kinds (PRESCRIPTION, LAB) must be paid first where the actor works."""
    wanted = select(PaymentRule.kind).where(
        PaymentRule.organization_id == actor.organization_id,
        PaymentRule.facility_id == organization.facility(actor).id,
        PaymentRule.must_be_paid_first,
    )
    return set(db.session.scalars(wanted))
