"""One page of a list beside a known row (keyset), its counts in the same statement; or all of it in pieces.

A page begins after, or ends before, the values of a row and not at a count of rows: whatever comes, goes or
moves elsewhere, no row is lost or shown twice on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Generic, TypeVar

from clinic_web.kernel.listing import Asked, Cursor
from clinic_web.kernel.statement import Statement

PAGE = 50
CHUNK = 1000
# Counts stop here: whoever sees "10,000+" narrows the list, and no page pays for counting a million rows.
MOST_COUNTED = 10_000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """One page, the counts of the whole list by state, and where the pages beside it begin."""

    rows: list[T]
    counts: dict[str, int]
    before: Cursor | None
    after: Cursor | None
    aside: dict[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return sum(self.counts.values())

    @property
    def is_counted(self) -> bool:
        """Whether the counts are whole; else there are more than MOST_COUNTED."""
        return self.number <= MOST_COUNTED

    def number_in(self, states: tuple[str, ...]) -> int:
        return sum(self.counts.get(state, 0) for state in states)


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a list's rows are made of, in SQL: no join in ``source`` may multiply a row.

    ``given`` stands before (``WITH …``); ``aside`` is a JSON object of sums, read with the first page's rows.
    ``more`` are further sources of other rows under the same names, each read in the asked order by itself;
    ``counted`` is what is counted where the rows alone are less work than the ``source``.
    """

    columns: str
    source: str
    id: str
    state: str
    given: str = ""
    aside: str = "NULL"
    more: tuple[str, ...] = ()
    counted: str = ""


@dataclass
class Where:
    """Conditions of constant SQL, with the values they name."""

    parts: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, sql: str, **values: Any) -> None:
        self.parts.append(sql)
        self.values |= values

    def add_given(self, sql: str, asked: Asked, name: str) -> None:
        """Add the condition when the address asks for ``name``, which is also the value's name in ``sql``."""
        if asked.get(name) is not None:
            self.add(sql, **{name: asked.get(name)})

    @property
    def sql(self) -> str:
        return " AND ".join(self.parts) or "true"


def page(
    table: Table,
    where: Where,
    asked: Asked,
    make: Callable[[Any], T],
    *,
    states: tuple[str, ...] | None = None,
    size: int | None = None,
) -> Page[T]:
    """Return the asked page and the counts, in one statement. Counts obey all filters but ``states``.

    A page before the first row is the first page, and a full one.
    """
    size, width = size or PAGE, len(asked.by)
    found, counts, aside = _fetch(table, where, asked, states, size + 1)
    cursor = asked.cursor
    if cursor and cursor.is_before and len(found) < size:
        cursor = None
        found, counts, aside = _fetch(table, where, asked.at(None), states, size + 1)
    has_more, found = len(found) > size, found[:size]
    is_before = bool(cursor and cursor.is_before)
    if is_before:
        found.reverse()
    has_before, has_after = (has_more, True) if is_before else (cursor is not None, has_more)
    return Page(
        rows=[make(row) for row in found],
        counts=counts,
        before=_beside(found[0], width, is_before=True) if found and has_before else None,
        after=_beside(found[-1], width, is_before=False) if found and has_after else None,
        aside=aside,
    )


def chunks(
    table: Table,
    where: Where,
    asked: Asked,
    make: Callable[[Any], T],
    *,
    states: tuple[str, ...] | None = None,
    size: int | None = None,
) -> Iterator[list[T]]:
    """Return the whole list in the asked order, so many rows at a time, each by a statement of its own."""
    size, width, cursor = size or CHUNK, len(asked.by), None
    while True:
        found = _rows(table, where, asked.at(cursor), states, size)
        if found:
            yield [make(row) for row in found]
        if len(found) < size:
            return
        cursor = _beside(found[-1], width, is_before=False)


def stretch(
    table: Table,
    where: Where,
    asked: Asked,
    make: Callable[[Any], T],
    *,
    states: tuple[str, ...] | None = None,
    size: int,
) -> tuple[list[T], Cursor | None]:
    """Return ``size`` rows from the asked place on, and where the next ones begin: nothing is counted."""
    found = _rows(table, where, asked, states, size + 1)
    rows = found[:size]
    after = _beside(rows[-1], len(asked.by), is_before=False) if len(found) > size else None
    return [make(row) for row in rows], after


def _beside(row: Any, width: int, *, is_before: bool) -> Cursor:
    values = tuple(getattr(row, f"sort_{number}") for number in range(width))
    return Cursor(values, row.row_id, is_before)


def _fetch(
    table: Table, where: Where, asked: Asked, states: tuple[str, ...] | None, limit: int
) -> tuple[list[Any], dict[str, int], dict[str, Any]]:
    chosen, values, order = _chosen(table, where, asked, states, limit)
    sql = f"""
        {table.given}
        SELECT counted.counts, counted.aside, chosen.*
          FROM (SELECT jsonb_object_agg(state, n) AS counts, {table.aside} AS aside
                  FROM (SELECT state, count(*) AS n
                          FROM (SELECT {table.state} AS state FROM {table.counted or table.source}
                                 WHERE {where.sql} LIMIT {MOST_COUNTED + 1}) few GROUP BY state) each) counted
          LEFT JOIN ({chosen}) chosen ON true ORDER BY {order}
        """  # noqa: S608 - made of constants
    rows = _statement(sql).all(values)
    first = rows[0]  # also of an empty list
    return [row for row in rows if row.row_id is not None], dict(first.counts or {}), dict(first.aside or {})


def _rows(table: Table, where: Where, asked: Asked, states: tuple[str, ...] | None, limit: int) -> list[Any]:
    chosen, values, _ = _chosen(table, where, asked, states, limit)
    return _statement(f"{table.given} {chosen}").all(values)


def _chosen(
    table: Table, where: Where, asked: Asked, states: tuple[str, ...] | None, limit: int
) -> tuple[str, dict[str, Any], str]:
    parts, values = list(where.parts), dict(where.values) | {"limit": limit}
    is_down, cursor = asked.is_descending, asked.cursor
    if cursor:
        is_down = is_down != cursor.is_before
        names = [f"beside_{number}" for number in range(len(cursor.values))]
        known = ", ".join(f":{name}" for name in names)
        parts.append(f"({', '.join(asked.by)}, {table.id}) {'<' if is_down else '>'} ({known}, :beside_id)")
        values |= dict(zip(names, cursor.values, strict=True)) | {"beside_id": cursor.id}
    way = "DESC" if is_down else "ASC"
    named = {f"sort_{number}": sql for number, sql in enumerate(asked.by)} | {"row_id": table.id}
    columns = ", ".join(f"{sql} AS {name}" for name, sql in named.items())
    order = ", ".join(f"{sql} {way}" for sql in named.values())
    in_states = [f"{table.state} = :state_{number}" for number, _ in enumerate(states or ())]
    values |= {f"state_{number}": state for number, state in enumerate(states or ())}
    arms = [
        f"""SELECT {table.columns}, {columns} FROM {source} WHERE {" AND ".join(narrowed) or "true"}
             ORDER BY {order} LIMIT :limit"""  # noqa: S608 - made of constants
        for source in (table.source, *table.more)
        for narrowed in ([*parts, each] for each in in_states or ["true"])
    ]
    outer = ", ".join(f"{name} {way}" for name in named)
    return _together(arms, outer), values, outer


def _together(arms: list[str], order: str) -> str:
    """Return one statement of all arms: each has its own first rows, the first of them all are wanted.

    There is an arm for each state that is asked for, too: an index has the order within one state, not
    within several.
    """
    if len(arms) == 1:
        return arms[0]
    every = " UNION ALL ".join(f"({arm})" for arm in arms)
    return f"SELECT * FROM ({every}) arms ORDER BY {order} LIMIT :limit"  # noqa: S608 - made of constants


@lru_cache(maxsize=1024)
def _statement(sql: str) -> Statement:
    return Statement(sql)
