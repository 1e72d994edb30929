"""Birth dates as people give them at a desk: an age, a year or a day. An age is an estimated birth date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.money import DIGITS

OLDEST = 130
MONTH_FIRST = frozenset({"US", "PH", "CA"})  # where 12/3/1992 is the third of December
PARTS = re.compile(r"\d+")
WRONG = N_("Write an age (34), a year (1992) or a birth date (12/3/1992).")


@dataclass(frozen=True)
class Born:
    """``is_estimated``: the year is about right, the day is not known."""

    on: date
    is_estimated: bool


def parse(typed: str | None, *, today: date, country: str, field: str = "born") -> Born | None:
    """Return the birth date that a person typed as an age, a year or a day; None for an empty field.

    Raises RuleBroken (422): not a date, in the future, longer ago than anybody lives.
    """
    plain = (typed or "").translate(DIGITS).strip()
    if not plain:
        return None
    numbers = PARTS.findall(plain)
    if not re.fullmatch(r"[\d\s./\-]+", plain) or len(numbers) not in (1, 3):
        raise RuleBroken(WRONG, field=field)
    born = (
        _from_age_or_year(numbers[0], today, field)
        if len(numbers) == 1
        else _from_day(numbers, country, field)
    )
    if born.on > today:
        raise RuleBroken(N_("This birth date is in the future."), field=field)
    if age_on(born.on, today) > OLDEST:
        raise RuleBroken(N_("This birth date is too long ago."), field=field)
    return born


def _from_age_or_year(number: str, today: date, field: str) -> Born:
    value = int(number) if len(number) <= 4 else -1  # noqa: PLR2004 - no year has more digits
    if 0 <= value <= OLDEST:
        return Born(years_before(today, value), is_estimated=True)
    if today.year - OLDEST <= value <= today.year:
        # The middle of the year is never more than half a year wrong.
        return Born(min(date(value, 7, 1), today), is_estimated=True)
    raise RuleBroken(WRONG, field=field)


def years_before(today: date, years: int) -> date:
    """Return the same day ``years`` ago; 28 February for a 29th that year did not have."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return today.replace(year=today.year - years, day=28)


def _from_day(numbers: list[str], country: str, field: str) -> Born:
    first, second, third = (int(each) for each in numbers)
    if len(numbers[0]) == 4:  # noqa: PLR2004 - 1992-03-12
        candidates = [(first, second, third)]
    elif len(numbers[2]) == 4:  # noqa: PLR2004 - 12/3/1992
        day_first, month_first = (third, second, first), (third, first, second)
        candidates = [month_first, day_first] if country in MONTH_FIRST else [day_first, month_first]
    else:
        raise RuleBroken(N_("Write the year with four digits, as in 12/3/1992."), field=field)
    for year, month, day in candidates:
        try:
            return Born(date(year, month, day), is_estimated=False)
        except ValueError:
            continue
    raise RuleBroken(N_("There is no such day. Write it as 12/3/1992."), field=field)


def age_on(born: date, today: date) -> int:
    """Return whole years, never negative."""
    return max(0, today.year - born.year - ((today.month, today.day) < (born.month, born.day)))


def shown(born: date | None, *, is_estimated: bool, country: str) -> str:
    """Return the birth date as the form takes it again: a year where it is estimated."""
    if born is None:
        return ""
    if is_estimated:
        return str(born.year)
    return (
        f"{born.month}/{born.day}/{born.year}"
        if country in MONTH_FIRST
        else f"{born.day}/{born.month}/{born.year}"
    )
