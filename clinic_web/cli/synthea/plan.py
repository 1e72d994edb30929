"""Who comes when today: a plan around the present minute. It knows no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
BEGAN = 30 * MINUTE  # so long ago the first appointments were due
BOOKED = 30 * MINUTE  # so long before them everything was booked
GRID = 15  # minutes between two times that people like to be given

# Every sixth patient walks in; the others come so many minutes before their time (or after it), in turn.
WALKS_IN = 6
BEFORE = (12, 5, 20, -4, 8)
CAME_AGO = (26, 17, 9, 3)


@dataclass(frozen=True)
class Coming:
    """One patient's day: ``turn`` is the place among the chosen. Who ``arrives`` later is expected."""

    turn: int
    arrives: datetime


@dataclass(frozen=True)
class WalkIn(Coming):
    """Has come without an appointment."""


@dataclass(frozen=True)
class Appointment(Coming):
    """Booked with the first or the second doctor (0 or 1)."""

    doctor: int
    start: datetime


@dataclass(frozen=True)
class Span:
    """The local day, within which everything must happen."""

    begins: datetime
    ends: datetime


def plan(now: datetime, day: Span, minutes: Sequence[int]) -> tuple[list[Appointment], list[WalkIn]]:
    """Return when patients come whose visits last ``minutes`` each.

    The appointments of two doctors stand side by side from half an hour ago on, at round times. Shortly after
    midnight or before it they are moved so far that they keep to the day.
    """
    walk_ins = [turn for turn in range(len(minutes)) if turn % WALKS_IN == WALKS_IN - 1]
    booked = [turn for turn in range(len(minutes)) if turn not in walk_ins]
    return _appointments(now, day, minutes, booked), _walk_ins(now, day, walk_ins)


def _appointments(
    now: datetime, day: Span, minutes: Sequence[int], booked: Sequence[int]
) -> list[Appointment]:
    lanes = booked[0::2], booked[1::2]
    longest = max(sum(_on_grid(minutes[turn]) for turn in lane) for lane in lanes)
    first = _first(now, day, timedelta(minutes=longest))
    coming = []
    for doctor, lane in enumerate(lanes):
        start = first
        for place, turn in enumerate(lane):
            arrives = start - BEFORE[(place + doctor) % len(BEFORE)] * MINUTE
            coming.append(Appointment(turn, max(arrives, day.begins), doctor, start))
            start += timedelta(minutes=_on_grid(minutes[turn]))
    return coming


def _on_grid(minutes: int) -> int:
    return -(-minutes // GRID) * GRID


def _first(now: datetime, day: Span, length: timedelta) -> datetime:
    since = (now - BEGAN - day.begins) // (GRID * MINUTE)
    first = day.begins + max(since, 0) * GRID * MINUTE
    latest = day.begins + (day.ends - length - day.begins) // (GRID * MINUTE) * GRID * MINUTE
    return max(min(first, latest), day.begins)


def _walk_ins(now: datetime, day: Span, turns: Sequence[int]) -> list[WalkIn]:
    return [
        WalkIn(turn, max(now - CAME_AGO[place % len(CAME_AGO)] * MINUTE, day.begins))
        for place, turn in enumerate(turns)
    ]
