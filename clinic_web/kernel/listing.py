"""What the address of a list asks for: filters, a period, one order, and beside which row a page begins.

A cursor says the values of that row and nothing else; it is read strictly, and all that somebody who writes
one by hand can do is begin elsewhere in their own list.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.kernel.errors import N_, RuleBroken

FIRST_YEAR, LAST_YEAR = 1900, 2200  # the days beside them still exist
LONGEST_TEXT = 100
AS_OF = "asof"  # the time of asking, where the order depends on it: the pages of one list share it
NO_SUCH_FILTER = N_("This address asks for a filter that does not exist.")

Read = Callable[[str], Any]


@dataclass(frozen=True)
class Sort:
    """``by`` are SQL expressions that are never NULL, ``read`` makes a value of a text for each of them."""

    by: tuple[str, ...]
    read: tuple[Read, ...]


@dataclass(frozen=True)
class Cursor:
    """The row beside which a page begins, or before which it ends."""

    values: tuple[Any, ...]
    id: UUID
    is_before: bool = False

    def to_text(self) -> str:
        row = [*map(_as_text, self.values), self.id.hex]
        packed = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Period:
    """Local days, both included; None is open."""

    first: date | None = None
    last: date | None = None

    @property
    def is_one_day(self) -> bool:
        return self.first is not None and self.first == self.last


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """What an address may ask of a list. ``filters`` makes a value of a text or raises ValueError;
    ``order`` is the first one, with a minus when it is descending; ``when`` the period nobody asked for
    (None: the list knows no days)."""

    filters: Mapping[str, Read]
    sorts: Mapping[str, Sort]
    order: str
    when: str | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one address asks for. ``texts`` are the filters as the address carries them."""

    grammar: Grammar
    values: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    period: Period = Period()
    today: date | None = None
    sort: str
    is_descending: bool = False
    cursor: Cursor | None = None

    def get(self, name: str) -> Any:
        """Return a filter's value, or None."""
        return self.values.get(name)

    @property
    def by(self) -> tuple[str, ...]:
        return self.grammar.sorts[self.sort].by

    @property
    def order(self) -> str:
        return f"-{self.sort}" if self.is_descending else self.sort

    @property
    def when(self) -> str | None:
        """The period's name, or None where the days themselves were given."""
        return self.texts.get("when") or (
            None if "from" in self.texts or "to" in self.texts else self.grammar.when
        )

    @property
    def is_narrowed(self) -> bool:
        return any(name not in ("when", "from", "to", AS_OF) for name in self.texts)

    def to_address(self) -> dict[str, str]:
        """Return the address as it is written shortest: what is not asked for is left out."""
        address = dict(self.texts)
        if self.order != self.grammar.order:
            address["sort"] = self.order
        if self.cursor:
            address["before" if self.cursor.is_before else "after"] = self.cursor.to_text()
        return address

    def at(self, cursor: Cursor | None) -> Asked:
        return replace(self, cursor=cursor)

    @property
    def first_page(self) -> Asked:
        """The same list from its beginning, as it is then."""
        texts = {name: text for name, text in self.texts.items() if name != AS_OF}
        values = {name: value for name, value in self.values.items() if name != AS_OF}
        return replace(self, cursor=None, texts=texts, values=values)


def read(grammar: Grammar, args: Mapping[str, str], today: date) -> Asked:
    """Return what an address asks for; raise RuleBroken (422) when it can't be. Unknown names are ignored."""
    try:
        return _read(grammar, {name: text.strip() for name, text in args.items() if text.strip()}, today)
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise RuleBroken(NO_SUCH_FILTER) from error


def _read(grammar: Grammar, args: Mapping[str, str], today: date) -> Asked:
    texts = {name: args[name] for name in grammar.filters if name in args}
    values = {name: grammar.filters[name](text) for name, text in texts.items()}
    period = Period()
    if grammar.when is not None:
        days, period = _period(grammar.when, args, today)
        texts = days | texts
    order = args.get("sort", grammar.order)
    sort = grammar.sorts[order.removeprefix("-")]
    return Asked(
        grammar=grammar,
        values=values,
        texts=texts,
        period=period,
        today=today,
        sort=order.removeprefix("-"),
        is_descending=order.startswith("-"),
        cursor=_cursor(args, sort),
    )


def _period(default: str, args: Mapping[str, str], today: date) -> tuple[dict[str, str], Period]:
    if one := args.get("day"):  # as calendars and old addresses say it
        args = {**args, "from": one, "to": one}
    if "from" in args or "to" in args:
        first, last = (a_day(args[name]) if name in args else None for name in ("from", "to"))
        if first and last and last < first:
            first, last = last, first
        days = {"from": first.isoformat() if first else "", "to": last.isoformat() if last else ""}
        return {name: text for name, text in days.items() if text}, Period(first, last)
    when = args.get("when", default)
    return ({} if when == default else {"when": when}), PERIODS[when](today)


def _week(today: date) -> Period:
    """Seven days from Saturday on, as the country counts them."""
    first = today - timedelta(days=(today.weekday() + 2) % 7)
    return Period(first, first + timedelta(days=6))


def _month(today: date) -> Period:
    first = today.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


PERIODS: dict[str, Callable[[date], Period]] = {
    "yesterday": lambda today: Period(today - timedelta(days=1), today - timedelta(days=1)),
    "today": lambda today: Period(today, today),
    "tomorrow": lambda today: Period(today + timedelta(days=1), today + timedelta(days=1)),
    "week": _week,
    "month": _month,
    "any": lambda today: Period(),
}


def _cursor(args: Mapping[str, str], sort: Sort) -> Cursor | None:
    name = "before" if "before" in args else "after"
    if name not in args:
        return None
    packed = args[name]
    *values, row_id = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode())
    told = tuple(read(str(value)) for read, value in zip(sort.read, values, strict=True))
    return Cursor(told, UUID(row_id), is_before=name == "before")


def a_day(text: str) -> date:
    day = date.fromisoformat(text)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(text)
    return day


def a_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def an_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise RuleBroken(NO_SUCH_FILTER) from error


def a_text(text: str) -> str:
    return text[:LONGEST_TEXT].replace("\0", "")


def a_number(text: str) -> int:
    number = int(text)
    if abs(number) > 1 << 31:
        raise ValueError(text)
    return number


def an_amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite() or abs(amount) > Decimal(10) ** 12:
        raise ValueError(text)
    return amount


def one_of(known: Mapping[str, Any] | tuple[str, ...]) -> Read:
    """Return a reader of names; what a mapping says of the name is the value."""

    def choose(text: str) -> Any:
        if text not in known:
            raise ValueError(text)
        return known[text] if isinstance(known, Mapping) else text

    return choose


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
