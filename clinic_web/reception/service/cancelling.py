"""Cancel: visit and appointment together, the payment voided if nothing was paid, the number kept."""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.reception.service.moves import Moved


def cancel_visit(actor: Actor, visit_id: UUID, reason: str, *, version: int) -> Moved:
    """Anything before IN_PROGRESS → CANCELLED, with its appointment. ``version`` is the visit's.

    Raises RuleBroken (422, field ``reason``, without one), StaleScreen (409), NotFound (404).
    """
    raise NotImplementedError


def cancel_appointment(actor: Actor, appointment_id: UUID, reason: str, *, version: int) -> Moved:
    """The same, found by the appointment; ``version`` is the appointment's."""
    raise NotImplementedError
