"""Hours of a weekday and weeks of them, as values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID

FOREVER = date.max
EVER = date.min


@dataclass(frozen=True, order=True)
class Span:
    """Hours of one weekday (0 = Monday), local times, in a room or the person's usual one."""

    weekday: int
    starts_at: time
    ends_at: time
    room_id: UUID | None = None


@dataclass(frozen=True)
class Week:
    """The hours of one person in one clinic from a day until a day, both included; None: open."""

    valid_from: date | None
    valid_until: date | None
    spans: tuple[Span, ...] = ()

    @property
    def name(self) -> str:
        """Return what tells the week from the others of the same person and clinic."""
        return f"{self.valid_from or ''}~{self.valid_until or ''}"

    @property
    def stamp(self) -> str:
        """Return what changes with the week's content: a form carries what it was opened with."""
        spans = ";".join(f"{s.weekday} {s.starts_at} {s.ends_at} {s.room_id}" for s in self.spans)
        return hashlib.sha256(f"{self.name}|{spans}".encode()).hexdigest()[:16]

    def overlaps(self, other: Week) -> bool:
        return (self.valid_from or EVER) <= (other.valid_until or FOREVER) and (other.valid_from or EVER) <= (
            self.valid_until or FOREVER
        )
