"""One thing that must be true of what is written, as SQL, and what came of looking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

# What a statement may name: ``since`` (rows touched before it are passed over, where a table can tell),
# ``now``, and ``overdue``: what was due before that moment should have happened by now.
SINCE = "%(since)s"


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """``broken`` selects what breaks the promise as ``(id, says)``; ``counted`` how many were looked at.

    ``spared`` is asked of each row, with the columns that ``broken`` selects behind these two, whether it may
    be so after all: for what the program alone can tell.
    """

    name: str
    promise: str
    counted: str
    broken: str
    spared: Callable[..., bool] | None = None

    @property
    def area(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Breach:
    """A row that breaks a promise: its id (or two words that name it), and what it says instead."""

    id: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What came of one invariant. ``number`` counts all breaches, ``first`` holds some of them."""

    name: str
    promise: str
    counted: int
    number: int
    seconds: float
    first: list[Breach] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.number == 0
