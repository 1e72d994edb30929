"""What every move of a visit has in common: its witness row, its version, who is told."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A visit after a move: what a screen needs to say so, and ``version`` for the next move or its undo."""

    visit_id: UUID
    queue_id: UUID
    patient_id: UUID
    ticket: str | None
    status: str
    version: int
    appointment_id: UUID | None = None
    doctor_id: UUID | None = None
    attending_id: UUID | None = None
    room_id: UUID | None = None
