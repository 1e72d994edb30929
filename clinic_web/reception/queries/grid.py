"""How the calendar is drawn: a table whose rows are steps of time and whose cells span as many as they last.

A table needs no positions in a style, prints, and is read out in order. Everything counts in minutes of the
local day, so a day on which clocks change has the hours that the wall showed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby
from math import gcd
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.organization import api as organization
from clinic_web.organization.api import Leave
from clinic_web.reception.models import WaitingOffer
from clinic_web.reception.queries.calendar import Calendar, Column, Entry

HOUR = 60
FINEST = 5  # minutes; what lies between is drawn from the step before it
BUSY, FREE, PAST, GAP, AWAY, CLOSED = "busy", "free", "past", "gap", "away", "closed"

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A part of a column. ``minutes`` is its length; ``entries`` also hold what is cancelled or was missed
    here. ``value`` is how a form names the time; ``offer`` is who it is on offer to."""

    kind: str
    column: int
    begin: int
    end: int
    start_time: datetime | None = None
    doctor_id: UUID | None = None
    entries: list[Entry] = field(default_factory=list)
    leave: Leave | None = None
    offer: WaitingOffer | None = None

    @property
    def minutes(self) -> int:
        return self.end - self.begin

    @property
    def value(self) -> str:
        return f"{self.doctor_id}|{self.start_time.isoformat()}" if self.start_time else ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One step of time: its cells that begin here, and the hour that its head spells, if one begins here."""

    begin: int
    hour: datetime | None
    cells: list[Cell]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """``step`` is the minutes of one line, ``per_hour`` the lines of an hour. ``columns`` are the calendar's,
    each with its cells in order of time."""

    step: int
    per_hour: int
    lines: list[Line]
    columns: list[tuple[Column, list[Cell]]]

    def rows(self, cell: Cell) -> int:
        return cell.minutes // self.step


def grid(shown: Calendar) -> Grid | None:
    """Return how to draw the calendar; None where nobody works and nothing is booked."""
    length = shown.service.duration_minutes if shown.service else 20
    bounds = _bounds(shown)
    if bounds is None:
        return None
    columns = [
        list(_cells(shown, column, number, bounds, length)) for number, column in enumerate(shown.columns)
    ]
    edges = {edge - bounds[0] for cells in columns for cell in cells for edge in (cell.begin, cell.end)}
    step = gcd(HOUR, *edges)
    lines = [
        Line(
            begin=begin,
            hour=_moment(shown, shown.days[0], begin) if begin % HOUR == 0 else None,
            cells=[cell for cells in columns for cell in cells if cell.begin == begin],
        )
        for begin in range(*bounds, step)
    ]
    return Grid(
        step=step,
        per_hour=HOUR // step,
        lines=lines,
        columns=list(zip(shown.columns, columns, strict=True)),
    )


def _bounds(shown: Calendar) -> Span | None:
    """From the full hour before the first thing of any column to the one after the last."""
    spans = [
        _span(shown, column.day, each.starts_at, each.ends_at)
        for column in shown.columns
        for each in column.shifts
    ] + [
        _span(shown, column.day, each.start_time, each.end_time)
        for column in shown.columns
        for each in column.entries
    ]
    if not spans:
        return None
    return min(span[0] for span in spans) // HOUR * HOUR, -(-max(span[1] for span in spans) // HOUR) * HOUR


def _span(shown: Calendar, day: date, start: datetime, end: datetime) -> Span:
    """Return minutes of ``day`` by the wall: begun steps count whole, and midnight is the end of the day."""
    begin = _minute(shown, day, start) // FINEST * FINEST
    return begin, max(begin + FINEST, -(-_minute(shown, day, end) // FINEST) * FINEST)


def _minute(shown: Calendar, day: date, moment: datetime) -> int:
    wall = clock.local(moment, shown.facility.timezone)
    if wall.date() != day:
        return 0 if wall.date() < day else 24 * HOUR
    return wall.hour * HOUR + wall.minute


def _cells(shown: Calendar, column: Column, number: int, bounds: Span, length: int) -> Iterator[Cell]:
    """Return the column's cells in order of time, without a gap between them."""
    busy = list(_clusters(shown, column))
    taken = [span for span, _ in busy]
    cells = [Cell(kind=BUSY, column=number, begin=span[0], end=span[1], entries=held) for span, held in busy]
    cells += _open_cells(shown, column, number, taken, length)
    for leave in column.leaves:
        span = _span(shown, column.day, leave.starts_at, leave.ends_at)
        used = [(cell.begin, cell.end) for cell in cells]
        cells += [
            Cell(kind=AWAY, column=number, begin=begin, end=end, leave=leave)
            for begin, end in _left(max(span[0], bounds[0]), min(span[1], bounds[1]), used)
        ]
    used = [(cell.begin, cell.end) for cell in cells]
    cells += [Cell(kind=CLOSED, column=number, begin=a, end=b) for a, b in _left(*bounds, used)]
    yield from _with_gone(shown, column, sorted(cells, key=lambda cell: cell.begin))


def _clusters(shown: Calendar, column: Column) -> Iterator[tuple[Span, list[Entry]]]:
    """Return what lies on top of each other together: an overbooking stands in the cell of its time."""
    held: list[Entry] = []
    begin = end = -1
    for entry in column.entries:
        if not entry.keeps_its_time:
            continue
        span = _span(shown, column.day, entry.start_time, entry.end_time)
        if held and span[0] < end:
            held.append(entry)
            end = max(end, span[1])
            continue
        if held:
            yield (begin, end), held
        (begin, end), held = span, [entry]
    if held:
        yield (begin, end), held


def _open_cells(
    shown: Calendar, column: Column, number: int, taken: list[Span], length: int
) -> Iterator[Cell]:
    """Cut what is left of the shifts into times as long as the service, counted from the shift's start."""
    used = list(taken)
    for shift in column.shifts:
        opens, closes = _span(shown, column.day, shift.starts_at, shift.ends_at)
        for begin, end in _left(opens, closes, used):
            first = min(begin + (opens - begin) % length, end)
            if begin < first:
                yield Cell(kind=GAP, column=number, begin=begin, end=first)
            while first + length <= end:
                start = shift.starts_at + timedelta(minutes=first - opens)
                yield _open_cell(column, number, start, (first, first + length))
                first += length
            if first < end:
                yield Cell(kind=GAP, column=number, begin=first, end=end)
        used.append((opens, closes))


def _open_cell(column: Column, number: int, start: datetime, span: Span) -> Cell:
    is_past = start <= clock.now()
    offer = next((each for each in column.offers if each.start_time <= start < each.end_time), None)
    return Cell(
        kind=PAST if is_past else FREE,
        column=number,
        begin=span[0],
        end=span[1],
        start_time=start,
        doctor_id=column.doctor.id,
        offer=offer,
    )


def _left(begin: int, end: int, used: Iterable[Span]) -> Iterator[Span]:
    for first, last in sorted(used):
        if last <= begin or first >= end:
            continue
        if begin < first:
            yield begin, first
        begin = max(begin, last)
    if begin < end:
        yield begin, end


def _with_gone(shown: Calendar, column: Column, cells: list[Cell]) -> Iterator[Cell]:
    """What is cancelled or was missed holds no time: it stands as a line where it would have begun."""
    gone = [each for each in column.entries if not each.keeps_its_time]
    begins = {each.id: _minute(shown, column.day, each.start_time) for each in gone}
    for cell in cells:
        here = [each for each in gone if cell.begin <= begins[each.id] < cell.end]
        cell.entries.extend(here)
        yield cell


def _moment(shown: Calendar, day: date, minute: int) -> datetime:
    at = time(minute // HOUR, minute % HOUR)
    return organization.moment_at(day, at, shown.facility.timezone)


@dataclass(frozen=True)
class Stretch:
    """Cells of one kind in a row, as the agenda of a phone tells them: "4 free from 10:00"."""

    kind: str
    cells: list[Cell]


def agenda(cells: Iterable[Cell]) -> list[Stretch]:
    """Return a column's cells for a list: what is free is told once for a whole stretch."""
    stretches = (
        Stretch(kind, list(group))
        for (kind, _), group in groupby(cells, key=lambda cell: (cell.kind, bool(cell.entries)))
    )
    return [
        each
        for each in stretches
        if each.kind in (BUSY, FREE, AWAY) or any(cell.entries for cell in each.cells)
    ]
