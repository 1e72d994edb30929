"""Text in, typed values out: how much of each line is handed over, and why stock is released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from clinic_web.kernel import money
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.pharmacy.service.dispensing import field_of

PREFIX = "quantity-"
NO_NUMBER = N_("Write a number, such as 12 or 2.5.")


@dataclass(frozen=True)
class Typed:
    """What stood in a form, by the names of its fields, to be shown again as it was typed."""

    quantities: dict[str, str] = field(default_factory=dict)
    reason: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Typed:
        quantities = {name: text for name, text in form.items() if name.startswith(PREFIX)}
        return cls(quantities, form.get("reason", ""))


def read_quantities(typed: Typed) -> dict[UUID, Decimal] | None:
    """Return how much of each line was typed, by the line's id; nothing typed is nothing of that line.

    None for a form without such fields: all that is held. Raises InvalidForm (422) with a sentence for each
    field in which no number stands.
    """
    if not typed.quantities:
        return None
    found: dict[UUID, Decimal] = {}
    errors: dict[str, DomainError] = {}
    for name, text in typed.quantities.items():
        line_id = _line_of(name)
        try:
            found[line_id] = money.parse(text or "0", field=field_of(line_id))
        except RuleBroken:
            errors[name] = RuleBroken(NO_NUMBER, field=name)
    if errors:
        raise InvalidForm(errors)
    return found


def _line_of(name: str) -> UUID:
    try:
        return UUID(name.removeprefix(PREFIX))
    except ValueError:
        raise RuleBroken(NO_NUMBER, field=name) from None
