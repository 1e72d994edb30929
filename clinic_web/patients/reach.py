"""How a patient can be written to."""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.patients import access, queries, service


def email_of(actor: Actor, patient_id: UUID) -> str | None:
    """Return the patient's e-mail address as it is shown. Raises NotFound (404)."""
    patient = access.patient_for(actor, queries.require(actor, patient_id))
    return service.details_of(actor, patient).email or None
