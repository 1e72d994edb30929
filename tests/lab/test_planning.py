"""Which times are chosen: hours cut into slots, several tests together, clocks that change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_web.lab.planning import DEFAULT_HOURS, Plan, Taken, Way, choose, spans_of, starts_in

EIGHT = datetime(2026, 11, 23, 8, tzinfo=UTC)
A, B, C = (UUID(int=number) for number in (1, 2, 3))


def way(test: UUID, minutes: int = 30, capacity: int = 1) -> Way:
    return Way(lab_test_id=test, slot_minutes=minutes, capacity=capacity)


def plan(taken: dict[tuple[UUID, datetime], Taken] | None = None, *, days: int = 2) -> Plan:
    return Plan(hours=DEFAULT_HOURS, timezone="UTC", since=EIGHT, days=days, taken=taken or {})


def minutes(chosen: list[datetime] | None) -> list[int]:
    """Minutes after eight."""
    return [int((at - EIGHT).total_seconds() // 60) for at in chosen or ()]


def full(test: UUID, *, until: int) -> dict[tuple[UUID, datetime], Taken]:
    """No place of a test is free for ``until`` minutes after eight."""
    return {(test, EIGHT + timedelta(minutes=at)): Taken(1, None) for at in range(0, until, 30)}


def test_the_first_free_slot_is_chosen() -> None:
    assert minutes(choose(plan(), [way(A)], soonest=False)) == [0]
    assert minutes(choose(plan(full(A, until=90)), [way(A)], soonest=False)) == [90]


def test_tests_are_taken_together_rather_than_hours_apart() -> None:
    late = plan(full(B, until=240))
    assert minutes(choose(late, [way(A), way(B)], soonest=False)) == [240, 240]
    assert minutes(choose(plan(), [way(A, 20), way(B, 30), way(C, 60)], soonest=False)) == [0, 0, 0]


def test_what_is_urgent_is_over_as_soon_as_it_can_be() -> None:
    grids = plan({(A, EIGHT): Taken(1, None), (B, EIGHT): Taken(1, None)})
    assert minutes(choose(grids, [way(A, 20), way(B, 30)], soonest=True)) == [20, 30]


def test_the_same_test_twice_takes_two_places() -> None:
    assert minutes(choose(plan(), [way(A, capacity=2), way(A, capacity=2)], soonest=False)) == [0, 0]
    assert minutes(choose(plan(), [way(A), way(A)], soonest=False)) == [0, 30]


def test_a_capacity_of_its_own_counts_for_its_time() -> None:
    closed = plan({(A, EIGHT): Taken(0, 0)})
    assert minutes(choose(closed, [way(A)], soonest=False)) == [30]
    widened = plan({(A, EIGHT): Taken(1, 2)})
    assert minutes(choose(widened, [way(A)], soonest=False)) == [0]
    overfull = plan({(A, EIGHT): Taken(3, 1)})
    assert minutes(choose(overfull, [way(A)], soonest=False)) == [30]


def test_one_test_without_a_place_leaves_the_others_without_one_too() -> None:
    assert choose(plan(), [way(A), way(B, capacity=0)], soonest=False) is None


@given(
    st.dictionaries(st.tuples(st.sampled_from([A, B]), st.integers(0, 15)), st.integers(0, 2)),
    st.booleans(),
)
def test_what_is_chosen_is_free_and_nothing_better_was(
    busy: dict[tuple[UUID, int], int], soonest: bool
) -> None:
    taken = {
        (test, EIGHT + timedelta(minutes=30 * slot)): Taken(count, None)
        for (test, slot), count in busy.items()
    }
    ground, ways = plan(taken, days=1), [way(A, capacity=2), way(B, capacity=2)]
    times = [EIGHT + timedelta(minutes=30 * slot) for slot in range(16)]
    every = [
        (a, b) for a in times for b in times if ground.room(ways[0], a) > 0 and ground.room(ways[1], b) > 0
    ]
    chosen = choose(ground, ways, soonest=soonest)
    if not every:
        assert chosen is None
        return
    assert chosen is not None and tuple(chosen) in every

    def cost(pair: tuple[datetime, ...]) -> datetime:
        return max(pair) + (timedelta() if soonest else max(pair) - min(pair))

    assert cost(tuple(chosen)) == min(map(cost, every))


@pytest.mark.parametrize(
    ("day", "hours", "offsets"),
    [
        # Cairo's clocks skip 00:00 to 01:00 on the last Friday of April …
        (date(2026, 4, 24), (time(0), time(3)), ["01:00", "02:00"]),
        # … and show 23:00 to 24:00 of the last Thursday of October twice: the first of them counts.
        (date(2026, 10, 29), (time(21), time(23, 59)), ["21:00", "22:00"]),
        (date(2026, 11, 23), (time(8), time(11)), ["08:00", "09:00", "10:00"]),
    ],
)
def test_slots_follow_the_clock_on_the_wall(day: date, hours: tuple[time, time], offsets: list[str]) -> None:
    from zoneinfo import ZoneInfo

    spans = spans_of([(day.weekday(), *hours)], "Africa/Cairo", day)
    starts = list(starts_in(spans, 60))
    shown = [at.astimezone(ZoneInfo("Africa/Cairo")).strftime("%H:%M") for at in starts]
    assert list(dict.fromkeys(shown)) == offsets
    assert all(b - a == timedelta(hours=1) for a, b in pairwise(starts))


def test_a_span_that_the_clocks_skip_is_no_span() -> None:
    day = date(2026, 4, 24)
    assert spans_of([(day.weekday(), time(0, 15), time(0, 45))], "Africa/Cairo", day) == []


def test_a_closed_day_has_no_times() -> None:
    monday_only = Plan(hours=[(0, time(8), time(9))], timezone="UTC", since=EIGHT, days=8, taken={})
    chosen = choose(monday_only, [way(A, 60), way(uuid4(), 60)], soonest=False)
    assert minutes(chosen) == [0, 0]
    later = Plan(
        hours=[(0, time(8), time(9))], timezone="UTC", since=EIGHT + timedelta(minutes=1), days=8, taken={}
    )
    assert minutes(choose(later, [way(A, 60)], soonest=False)) == [7 * 24 * 60]
