"""Old and new values side by side: only what differs, named as people name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clinic_web.audit.values_in_words import COLUMNS, VALUES
from clinic_web.kernel.errors import N_
from clinic_web.ui.texts import say

YES, NO = N_("yes"), N_("no")


@dataclass(frozen=True)
class Difference:
    """One column: ``old`` and ``new`` as text; None where the row had no such value."""

    label: str
    old: str | None
    new: str | None


def differences(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[Difference]:
    """Return what differs, in the order of the names. What is new has no old values."""
    before, after = old or {}, new or {}
    return [
        Difference(label(name), shown(name, before.get(name)), shown(name, after.get(name)))
        for name in dict.fromkeys((*after, *before))
        if before.get(name) != after.get(name)
    ]


def label(name: str) -> str:
    """Return a column's name in the reader's language, or as the database has it."""
    return say(COLUMNS[name]) if name in COLUMNS else name.replace("_", " ")


def shown(name: str, value: Any) -> str | None:
    """Return a column's value as people read it, None where there is none."""
    if word := VALUES.get(name, {}).get(str(value)):
        return say(word)
    if isinstance(value, bool):
        return say(YES if value else NO)
    return None if value is None or value == "" else str(value)


def as_text(found: list[Difference]) -> str:
    """Return the differences as one cell of a file."""
    return "; ".join(f"{each.label}: {each.old or '—'} → {each.new or '—'}" for each in found)
