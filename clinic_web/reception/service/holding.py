"""The line bends: hold and resume, did not come, came after all."""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.reception.service.moves import Moved


def hold(actor: Actor, visit_id: UUID, reason: str, *, version: int) -> Moved:
    """WAITING or CALLED → ON_HOLD with a reason (RuleBroken 422, field ``reason``, without one)."""
    raise NotImplementedError


def resume(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """ON_HOLD → WAITING, at the old place in the line."""
    raise NotImplementedError


def miss(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """SCHEDULED or CALLED → NO_SHOW, the appointment too."""
    raise NotImplementedError


def came_after_all(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """NO_SHOW → WAITING, the appointment CHECKED_IN; draws a number where there is none yet."""
    raise NotImplementedError
