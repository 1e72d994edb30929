"""Text in, typed values out: the form that takes money, and the filters in the list's address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from clinic_web.kernel import money
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.payments.models import CASH, METHODS
from clinic_web.payments.queries.day import STATES, DayFilters

FIRST_YEAR, LAST_YEAR = 1900, 2200  # the days beside them still exist
BETWEEN = "~"  # parts the moment from the id in ``before``


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


def read_filters(asked: Mapping[str, str], today: date) -> DayFilters:
    """Return the filters of an address; raise RuleBroken (422) when one of them can't be."""
    try:
        return DayFilters(
            day=_day(asked.get("day")) or today,
            state=_one_of(asked.get("state"), STATES),
            method=_one_of(asked.get("method"), METHODS),
            clinic_id=_id(asked.get("clinic")),
            doctor_id=_id(asked.get("doctor")),
            before=_before(asked.get("before")),
        )
    except ValueError as error:
        raise RuleBroken(N_("This address asks for a filter that does not exist.")) from error


def to_address(filters: DayFilters, today: date) -> dict[str, str]:
    """Return the filters as the address carries them; today and what is not filtered are left out."""
    asked = {
        "day": filters.day.isoformat() if filters.day != today else None,
        "state": filters.state,
        "method": filters.method,
        "clinic": str(filters.clinic_id) if filters.clinic_id else None,
        "doctor": str(filters.doctor_id) if filters.doctor_id else None,
        "before": to_before(filters.before),
    }
    return {name: value for name, value in asked.items() if value}


def to_before(end: tuple[datetime, UUID] | None) -> str | None:
    return f"{end[0].isoformat()}{BETWEEN}{end[1]}" if end else None


def _day(text: str | None) -> date | None:
    day = date.fromisoformat(text) if text else None
    if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(text)
    return day


def _before(text: str | None) -> tuple[datetime, UUID] | None:
    if not text:
        return None
    moment, _, row_id = text.partition(BETWEEN)
    at = datetime.fromisoformat(moment)
    if at.tzinfo is None:
        raise ValueError(text)
    return at, UUID(row_id)


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _one_of(text: str | None, known: Mapping[str, object] | tuple[str, ...]) -> str | None:
    if text and text not in known:
        raise ValueError(text)
    return text or None
