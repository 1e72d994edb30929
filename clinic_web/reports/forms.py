"""Text in, typed values out: which days of which place an address or a form asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.reports.queries.kept import Period
from clinic_web.reports.service.running import MOST_DAYS

FIRST_YEAR = 1900


@dataclass(frozen=True)
class Asked:
    """What the address asks for; None: not said. ``version`` is an older report of a single day."""

    facility_id: UUID | None
    first: date | None
    last: date | None
    version: int | None


def read_asked(address: Mapping[str, str], today: date) -> Asked:
    """Return what an address asks for: ``day`` (also ``today``, ``yesterday``), or ``from`` and ``to``.

    Raises InvalidForm (422) with the field when these days can't be shown, RuleBroken (422) for nonsense.
    """
    try:
        facility = address.get("facility")
        day = _named_day(address.get("day"), today)
        version = int(address["version"]) if address.get("version") else None
        first, last = day or _day(address.get("from")), day or _day(address.get("to"))
        asked = Asked(UUID(facility) if facility else None, first, last or first, version)
    except ValueError as error:
        raise RuleBroken(N_("This address asks for days that do not exist.")) from error
    _require_sensible(asked, today)
    return asked


def _require_sensible(asked: Asked, today: date) -> None:
    if asked.first is None or asked.last is None:
        if asked.last is not None:
            raise _wrong("from", N_("Say the first day, too."))
        return
    if asked.last < asked.first:
        raise _wrong("to", N_("The last day is before the first."))
    if asked.last > today:
        raise _wrong("to", N_("These days have not come yet."))
    if (asked.last - asked.first).days >= MOST_DAYS:
        raise _wrong("from", N_("A year at a time at most."))


def _wrong(field: str, sentence: str) -> InvalidForm:
    return InvalidForm({field: DomainError(sentence)})


def read_days(form: Mapping[str, str]) -> tuple[date, date]:
    """Return the days that a form wants made; InvalidForm (422) names each field that is no day."""
    found: dict[str, date] = {}
    errors: dict[str, DomainError] = {}
    for name in ("from", "to"):
        try:
            day = _day(form.get(name))
        except ValueError:
            day = None
        if day is None:
            errors[name] = DomainError(N_("Choose a day."))
        else:
            found[name] = day
    if errors:
        raise InvalidForm(errors)
    return found["from"], found["to"]


def _named_day(text: str | None, today: date) -> date | None:
    """An address with a name instead of a date can be kept as a bookmark."""
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    return named.get(text or "") or _day(text)


def _day(text: str | None) -> date | None:
    day = date.fromisoformat(text) if text else None
    if day and day.year < FIRST_YEAR:
        raise ValueError(text)
    return day


def presets(today: date) -> dict[str, Period]:
    """Return the periods that are one press away, by name."""
    yesterday = today - timedelta(days=1)
    first_of_month = today.replace(day=1)
    end_of_last = first_of_month - timedelta(days=1)
    return {
        "today": Period(today, today),
        "yesterday": Period(yesterday, yesterday),
        "week": Period(today - timedelta(days=7), yesterday),
        "month": Period(first_of_month, today),
        "last-month": Period(end_of_last.replace(day=1), end_of_last),
    }
