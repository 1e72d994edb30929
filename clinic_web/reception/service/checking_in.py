"""The patient has come: check in, take it back, give priority."""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.reception.service.moves import Moved


def check_in(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """SCHEDULED → WAITING, the appointment CHECKED_IN; draws the number where the queue draws at check-in.

    Raises StaleScreen (409), NotFound (404), RuleBroken (422: not today's appointment, or the patient
    already waits in this line).
    """
    raise NotImplementedError


def undo_check_in(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """WAITING → SCHEDULED, the appointment CONFIRMED. The number stays. A walk-in can't: RuleBroken (422)."""
    raise NotImplementedError


def prioritise(actor: Actor, visit_id: UUID, priority: str | None, reason: str | None, *, version: int) -> Moved:
    """Give a visit that has not been called ``priority`` with its reason; None takes it away.

    Raises RuleBroken (422, field ``priority`` or ``priority_reason``), StaleScreen (409), NotFound (404).
    """
    raise NotImplementedError
