"""Text in, typed values out: the form that takes money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from clinic_web.kernel import money
from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken
from clinic_web.payments.models import CASH


@dataclass(frozen=True)
class Typed:
    """What stood in the form, to be shown again as it was typed."""

    amount: str = ""
    handed_over: str = ""
    method: str = CASH

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Typed:
        return cls(form.get("amount", ""), form.get("handed_over", ""), form.get("method", ""))


@dataclass(frozen=True)
class Asked:
    """What the form asks for. Whether that much is owed, and this method possible, the service says."""

    amount: Decimal
    handed_over: Decimal | None
    method: str


def read_take(typed: Typed) -> Asked:
    """Return the sums that were typed; raise InvalidForm (422) with a sentence for each wrong field.

    What was handed over is read for cash only: after a change of mind it may still stand there.
    """
    errors: dict[str, DomainError] = {}
    amount = _sum(typed.amount, "amount", errors)
    is_handed_over = typed.method == CASH and typed.handed_over.strip()
    handed_over = _sum(typed.handed_over, "handed_over", errors) if is_handed_over else None
    if errors:
        raise InvalidForm(errors)
    return Asked(amount, handed_over, typed.method)


def _sum(typed: str, field: str, errors: dict[str, DomainError]) -> Decimal:
    try:
        return money.parse(typed, field=field)
    except RuleBroken as error:
        errors[field] = error
        return money.ZERO
