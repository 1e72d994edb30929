"""What speaks against a merge: each module declares what must be one per patient, or what comes together.

A port: reception and payments lie above and register their checks when they are wired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from clinic_web.kernel.actor import Actor


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``sentence`` is marked for translation, ``values`` fill it; ``is_in_the_way``: first solve this."""

    sentence: str
    values: dict[str, Any] = field(default_factory=dict)
    is_in_the_way: bool = False


# What both records are known by, the survivor's side and the other's.
Check = Callable[[Actor, Sequence[UUID], Sequence[UUID]], list[Finding]]

_checks: dict[str, Check] = {}


def merge_check(table: str, check: Check) -> None:
    """Register what a module asks of its ``table`` (``reception.visits``) before two patients become one."""
    _checks[table] = check


def tables() -> frozenset[str]:
    """Return the tables that some check answers for."""
    return frozenset(_checks)


def findings(actor: Actor, ours: Sequence[UUID], theirs: Sequence[UUID]) -> list[Finding]:
    """Ask every module; what is in the way comes first."""
    found = [each for check in _checks.values() for each in check(actor, ours, theirs)]
    return sorted(found, key=lambda each: not each.is_in_the_way)
