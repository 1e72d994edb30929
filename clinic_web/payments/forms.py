"""Text in, typed values out: the form that takes money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from clinic_web.kernel import money
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
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


@dataclass(frozen=True)
class TypedBack:
    """What stood in a form that gives money back or corrects a receipt; of a void only the reason."""

    amount: str = ""
    method: str = CASH
    reason: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> TypedBack:
        return cls(form.get("amount", ""), form.get("method", ""), form.get("reason", ""))


def read_back(typed: TypedBack) -> Decimal:
    """Return the sum that was typed, zero or more; raise InvalidForm (422). The rest the service checks."""
    errors: dict[str, DomainError] = {}
    amount = _sum(typed.amount, "amount", errors)
    if not typed.reason.strip():
        errors["reason"] = RuleBroken(N_("Give a reason."), field="reason")
    if errors:
        raise InvalidForm(errors)
    return amount


def read_limits(form: Mapping[str, str], names: Iterable[str]) -> dict[str, Decimal | None]:
    """Return the limits that were typed, None where the field is empty; raise InvalidForm (422)."""
    errors: dict[str, DomainError] = {}
    typed = {name: form.get(name, "").strip() for name in names}
    found = {name: _sum(text, name, errors) if text else None for name, text in typed.items()}
    if errors:
        raise InvalidForm(errors)
    return found


def _sum(typed: str, field: str, errors: dict[str, DomainError]) -> Decimal:
    try:
        return money.parse(typed, field=field)
    except RuleBroken as error:
        errors[field] = error
        return money.ZERO
