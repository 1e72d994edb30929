"""Which times an order gets: the laboratory's hours cut into slots, several tests as near as can be.

Nothing here reads or writes; what is free is handed in. All moments are aware and in UTC; days and hours are
those on the wall of the facility, right also when its clocks change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.organization import api as organization

OpenHours = tuple[int, time, time]  # weekday (0 = Monday), from, to
Span = tuple[datetime, datetime]
Place = tuple[UUID, datetime]  # a test and when its slot starts

DEFAULT_HOURS: tuple[OpenHours, ...] = tuple((weekday, time(8), time(16)) for weekday in range(7))


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a facility does a test: in slots of ``slot_minutes`` with room for ``capacity`` patients each."""

    lab_test_id: UUID
    slot_minutes: int
    capacity: int


@dataclass(frozen=True)
class Taken:
    """What is known of a slot: how many places are taken, and its own capacity where a person gave it one."""

    taken: int
    own_capacity: int | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When a laboratory is open, and what of it is taken: the ground on which times are chosen."""

    hours: Sequence[OpenHours]
    timezone: str
    since: datetime
    days: int
    taken: Mapping[Place, Taken]

    def spans(self) -> Iterator[Span]:
        """Yield when specimens are taken, from the local day of ``since`` on, by time."""
        first = clock.local(self.since, self.timezone).date()
        for ahead in range(self.days):
            yield from spans_of(self.hours, self.timezone, first + timedelta(days=ahead))

    def room(self, way: Way, starts_at: datetime) -> int:
        """Return how many places are left at a time; never below zero."""
        found = self.taken.get((way.lab_test_id, starts_at))
        if found is None:
            return way.capacity
        capacity = way.capacity if found.own_capacity is None else found.own_capacity
        return max(capacity - found.taken, 0)


def spans_of(hours: Sequence[OpenHours], timezone: str, day: date) -> list[Span]:
    """Return when specimens are taken on a local day, by time. A time that the clocks skip is the first
    moment after the gap, so a span may be empty and is left out then."""
    found = [
        (organization.moment_at(day, begins, timezone), organization.moment_at(day, ends, timezone))
        for weekday, begins, ends in hours
        if weekday == day.weekday()
    ]
    return sorted(span for span in found if span[0] < span[1])


def starts_in(spans: Sequence[Span], slot_minutes: int) -> Iterator[datetime]:
    """Yield when the slots of a test start: each fits whole into the hours, whatever the clocks do."""
    length = timedelta(minutes=slot_minutes)
    for opens_at, closes_at in spans:
        at = opens_at
        while at + length <= closes_at:
            yield at
            at += length


def choose(plan: Plan, ways: Sequence[Way], *, soonest: bool) -> list[datetime] | None:
    """Return a time for each of ``ways``, in their order, or None when they do not all fit into the plan.

    Chosen is what is over first, each minute between the tests counting as one of waiting: nobody comes back
    in the afternoon for what could be taken together. ``soonest``: only when it is over counts.
    """
    spans = list(plan.spans())
    times = {way.lab_test_id: _places(plan, way, ways, spans) for way in ways}
    wishes = [
        (times[way.lab_test_id], sum(each.lab_test_id == way.lab_test_id for each in ways[:nth]))
        for nth, way in enumerate(ways)
    ]
    best: list[datetime] | None = None
    for at in sorted({each for places in times.values() for each in places}):
        if best is not None and at > _cost(best, soonest)[0]:
            break  # nothing that begins from here on can be better
        found = _from(at, wishes)
        if found is None:
            break
        if best is None or _cost(found, soonest) < _cost(best, soonest):
            best = found
    return best


def _places(plan: Plan, way: Way, ways: Sequence[Way], spans: Sequence[Span]) -> list[datetime]:
    """Return the free times of a test, each as often as it has places that the order could use."""
    wanted = sum(each.lab_test_id == way.lab_test_id for each in ways)
    return [
        at
        for at in starts_in(spans, way.slot_minutes)
        if at >= plan.since
        for _ in range(min(plan.room(way, at), wanted))
    ]


def _from(at: datetime, wishes: Sequence[tuple[list[datetime], int]]) -> list[datetime] | None:
    """Return each test's first place at or after ``at``; of the same test twice, the second its next."""
    found = []
    for places, nth in wishes:
        index = bisect_left(places, at) + nth
        if index >= len(places):
            return None
        found.append(places[index])
    return found


def _cost(times: Sequence[datetime], soonest: bool) -> tuple[datetime, timedelta]:
    over, between = max(times), max(times) - min(times)
    return (over, between) if soonest else (over + between, between)
