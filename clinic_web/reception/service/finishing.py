"""The consultation ends: completed when it is paid, otherwise the patient goes to pay."""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.reception.service.moves import Moved


def finish(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """IN_PROGRESS → COMPLETED if settled, else PENDING_PAYMENT (``Moved.status`` says which)."""
    raise NotImplementedError


def undo_finish(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """PENDING_PAYMENT → IN_PROGRESS. StaleScreen (409) when that doctor has called somebody else meanwhile."""
    raise NotImplementedError
