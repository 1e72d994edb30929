"""What people type in the laboratory: text in, typed values out, a sentence at the field that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from uuid import UUID

from clinic_web.kernel import money
from clinic_web.kernel.errors import N_, BadRequest, DomainError, InvalidForm, RuleBroken
from clinic_web.lab.models import FLAGS
from clinic_web.lab.planning import OpenHours
from clinic_web.lab.service.capacities import OwnWay
from clinic_web.lab.service.results import Line
from clinic_web.organization import api as organization

LONGEST_REASON, LONGEST_TEXT, LONGEST_COMMENT = 300, 120, 1000
MOST_LINES = 60
SPANS = 2  # of a day: a morning and an afternoon
LARGEST = Decimal(10) ** 9
PLAIN_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")

Typed = Mapping[str, str]
T = TypeVar("T")


def version_of(typed: Typed) -> int:
    """Return the version that the screen showed; BadRequest (400) without one."""
    try:
        return int(typed.get("version", ""))
    except ValueError as error:
        raise BadRequest(N_("This form came without its version. Please open it again.")) from error


def reason_of(typed: Typed) -> str:
    """Return why, never empty; RuleBroken (422) at the field ``reason``."""
    reason = text_of(typed, "reason", LONGEST_REASON)
    if reason is None:
        raise RuleBroken(N_("Say why."), field="reason")
    return reason


def text_of(typed: Typed, name: str, longest: int = LONGEST_TEXT) -> str | None:
    """Return a text without the spaces around it; None when nothing is left of it."""
    text = " ".join((typed.get(name) or "").replace("\x00", "").split())
    if len(text) > longest:
        raise RuleBroken(N_("This is too long: %(longest)s characters at most."), field=name, longest=longest)
    return text or None


def day_of(typed: str | None) -> date | None:
    """Return the day that an address or a field names; None without one, or when it is none."""
    try:
        return date.fromisoformat((typed or "").translate(money.DIGITS)) if typed else None
    except ValueError:
        return None


def id_of(typed: str | None) -> UUID | None:
    try:
        return UUID(typed) if typed else None
    except ValueError:
        return None


def moment_of(typed: str | None, *, field: str = "slot") -> datetime:
    """Return the moment (UTC) that a choice names; RuleBroken (422) without one."""
    try:
        moment = datetime.fromisoformat(typed or "")
        if moment.tzinfo is None:
            raise ValueError(typed)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RuleBroken(N_("Choose a time."), field=field) from error


def whole_of(typed: Typed, name: str) -> int | None:
    """Return a whole number, None where nothing was typed; RuleBroken (422)."""
    text = (typed.get(name) or "").strip().translate(money.DIGITS)
    if not text:
        return None
    if not re.fullmatch(r"\d{1,6}", text):
        raise RuleBroken(N_("Write a whole number."), field=name)
    return int(text)


def own_way(typed: Typed) -> OwnWay:
    """Return how the facility does a test; InvalidForm (422) with a sentence for each wrong field."""
    errors: dict[str, DomainError] = {}
    minutes = _collected(errors, "slot_minutes", lambda: whole_of(typed, "slot_minutes"))
    capacity = _collected(errors, "capacity", lambda: whole_of(typed, "capacity"))
    if errors:
        raise InvalidForm(errors)
    return OwnWay(slot_minutes=minutes, capacity=capacity, is_offered=typed.get("is_offered") == "1")


def hours(typed: Typed) -> list[OpenHours]:
    """Return the week that the grid says; InvalidForm (422) with a sentence for each wrong field."""
    errors: dict[str, DomainError] = {}
    found: list[OpenHours] = []
    for weekday in range(7):
        for number in range(SPANS):
            begins = _clock(errors, typed, f"from_{weekday}_{number}")
            ends = _clock(errors, typed, f"to_{weekday}_{number}")
            if begins is not None and ends is not None:
                found.append((weekday, begins, ends))
            elif (begins is None) != (ends is None):
                missing = f"to_{weekday}_{number}" if ends is None else f"from_{weekday}_{number}"
                errors.setdefault(missing, RuleBroken(N_("Please fill this in."), field=missing))
    if errors:
        raise InvalidForm(errors)
    return found


def _clock(errors: dict[str, DomainError], typed: Typed, name: str) -> time | None:
    return _collected(errors, name, lambda: organization.clock(typed.get(name, ""), field=name))


def lines(typed: Typed) -> list[Line]:
    """Return the lines of a result that have a value; InvalidForm (422) with a sentence at what is wrong."""
    errors: dict[str, DomainError] = {}
    found = []
    for number in range(MOST_LINES):
        if f"value_{number}" not in typed:
            break
        line = _line(typed, number, errors)
        if line is not None:
            found.append(line)
    if not found and not errors:
        errors["value_0"] = RuleBroken(N_("Write at least one value."), field="value_0")
    if errors:
        raise InvalidForm(errors)
    return found


def _line(typed: Typed, number: int, errors: dict[str, DomainError]) -> Line | None:
    """One line; one without a value is left out, so that what was not measured is not said."""

    def read(name: str, parse: Callable[[str], T]) -> T | None:
        return _collected(errors, f"{name}_{number}", lambda: parse(f"{name}_{number}"))

    value = read("value", lambda name: text_of(typed, name))
    if value is None:
        return None
    component = read("component", lambda name: text_of(typed, name))
    if component is None:
        errors.setdefault(f"component_{number}", RuleBroken(N_("Say what was measured.")))
    low = read("low", lambda name: decimal_of(typed, name))
    high = read("high", lambda name: decimal_of(typed, name))
    if low is not None and high is not None and low > high:
        errors.setdefault(f"high_{number}", RuleBroken(N_("The upper limit is below the lower one.")))
    flag = typed.get(f"flag_{number}") or None
    if flag is not None and flag not in FLAGS:
        errors[f"flag_{number}"] = RuleBroken(N_("Choose one of these."))
    return Line(
        component=component or "",
        value=value,
        value_number=number_in(value),
        unit=read("unit", lambda name: text_of(typed, name)),
        reference_low=low,
        reference_high=high,
        reference_text=read("normal", lambda name: text_of(typed, name)),
        flag=flag,
        comment=read("comment", lambda name: text_of(typed, name, LONGEST_COMMENT)),
    )


def decimal_of(typed: Typed, name: str) -> Decimal | None:
    """Return a number, None where nothing was typed; RuleBroken (422)."""
    text = (typed.get(name) or "").strip()
    if not text:
        return None
    found = number_in(text)
    if found is None:
        raise RuleBroken(N_("Write a number, for example 4.5."), field=name)
    return found


def number_in(text: str) -> Decimal | None:
    """Return the number that a text is, in Western or Arabic digits; None where it is none."""
    plain = text.strip().translate(money.DIGITS).replace("٫", ".").replace(",", ".")
    if not PLAIN_NUMBER.fullmatch(plain):
        return None
    try:
        found = Decimal(plain)
    except InvalidOperation:
        return None
    return found if abs(found) < LARGEST else None


def _collected(errors: dict[str, DomainError], name: str, parse: Callable[[], T]) -> T | None:
    """Return what ``parse`` finds, or note its refusal under the field's name and return None."""
    try:
        return parse()
    except RuleBroken as error:
        errors[name] = error
        return None
