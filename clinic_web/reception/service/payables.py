"""The payment that is opened with every visit: priced once, on the terms of this moment."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.ids import new_id
from clinic_web.organization.api import Terms
from clinic_web.payments import api as payments
from clinic_web.payments.api import NewPayment


class Asked(Protocol):
    """What a booking and a walk-in have in common."""

    @property
    def patient_id(self) -> UUID: ...
    @property
    def service_id(self) -> UUID: ...
    @property
    def doctor_id(self) -> UUID | None: ...


def require_here(actor: Actor, terms: Terms) -> None:
    """Raise NotFound (404) when the service belongs to another facility than the actor's."""
    if actor.facility_id not in (None, terms.facility_id):
        raise NotFound(N_("This service is not offered (any more)."))


def open_payment_for(
    actor: Actor,
    asked: Asked,
    terms: Terms,
    *,
    visit_id: UUID,
    ticket: str | None,
    due_at: datetime | None = None,
) -> UUID:
    """Open the visit's payment and return its id."""
    payment_id = new_id()
    payments.open_payment(
        actor,
        NewPayment(
            id=payment_id,
            visit_id=visit_id,
            patient_id=asked.patient_id,
            facility_id=terms.facility_id,
            clinic_id=terms.clinic_id,
            doctor_id=asked.doctor_id,
            service_id=asked.service_id,
            ticket=ticket,
            total_amount=terms.price,
            currency=terms.currency,
            share_percent=terms.share_percent,
            share_rule_version=terms.share_rule_version,
            due_at=due_at,
        ),
    )
    return payment_id
