"""A patient without an appointment: visit, payment and number in one transaction, waiting at once."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from clinic_web.kernel.actor import Actor


@dataclass(frozen=True, kw_only=True)
class WalkIn:
    """``doctor_id`` None: anyone. ``priority`` (models.visits.PRIORITIES) needs ``priority_reason``."""

    patient_id: UUID
    service_id: UUID
    doctor_id: UUID | None = None
    priority: str | None = None
    priority_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The walk-in's visit, WAITING, with its number drawn. ``version`` is the visit's: 1 for a new one."""

    visit_id: UUID
    payment_id: UUID
    ticket: str
    queue_id: UUID
    version: int = 1


def open_walk_in(actor: Actor, walk_in: WalkIn, *, key: str) -> Opened:
    """Open the visit, once per ``key``: the same key and walk-in give the same number again.

    Raises NotFound (404: patient, service, doctor), RuleBroken (422, field ``patient_id``: already waiting,
    the sentence names the ticket; field ``priority_reason``: priority without a reason), BadRequest (400).
    """
    raise NotImplementedError
