"""Finding a patient as one types, among a million with the names that people really have.

What is timed is what the database takes for everything that one keystroke asks, its network included. Half
of what is typed begins with the commonest names of all.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import event

from bench import crowd_rows
from bench.crowd_names import Names
from bench.figures import ROUNDS, Figure, milliseconds
from bench.world import World
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients import api as patients

PATIENTS = 1_000_000
PEOPLE = 40 * ROUNDS
LONG, SHORT = 0.050, 0.020  # seconds, p95


def run(world: World) -> list[Figure]:
    crowd_rows.fill(world.owner, world.actor.organization_id, PATIENTS)
    long, short, phones = _typed()
    _times(world, [*long[:50], *short[:50], *phones[:50]])  # caches warm, as on any day
    return [
        _figure("patient search, 3 letters and more", _times(world, long), LONG),
        _figure("patient search, 1-2 letters", _times(world, short), SHORT),
        _figure("patient search, digits of a telephone", _times(world, phones), LONG),
    ]


def _typed() -> tuple[list[str], list[str], list[str]]:
    """What people type for patients as they come: every keystroke, fragments, two words, digits."""
    random = Random(3)
    drawn = list(islice(Names(seed=2).draw(PEOPLE * 2), PEOPLE * 2))
    long: list[str] = []
    short: list[str] = []
    for first, father, last, _ in random.sample(drawn, PEOPLE):
        short += [first[:1], first[:2], f"{first[:1]} {father[:1]}", f"{last[:2]} {first[:2]}"]
        begin = random.randrange(max(1, len(last) - 3))
        long += [first[:3], first, f"{first} {father[:3]}", last, last[begin : begin + 3], f"{last} {first}"]
    phones = [f"01{random.randrange(10 ** random.randrange(2, 8))}" for _ in range(PEOPLE)]
    return [each for each in long if len(each.replace(" ", "")) > 2], short, phones


def _times(world: World, typed: list[str]) -> list[float]:
    found = []
    for each in typed:
        with transaction(), _in_the_database() as spent:
            patients.find(world.actor, each)
        found.append(sum(spent))
    return found


@contextmanager
def _in_the_database() -> Iterator[list[float]]:
    began: list[float] = []
    spent: list[float] = []

    def begin(*_: Any) -> None:
        began.append(time.perf_counter())

    def end(*_: Any) -> None:
        spent.append(time.perf_counter() - began[-1])

    event.listen(db.engine, "before_cursor_execute", begin)
    event.listen(db.engine, "after_cursor_execute", end)
    try:
        yield spent
    finally:
        event.remove(db.engine, "before_cursor_execute", begin)
        event.remove(db.engine, "after_cursor_execute", end)


def _figure(what: str, times: list[float], reach: float) -> Figure:
    p95 = statistics.quantiles(times, n=20)[-1]
    median, worst = milliseconds(statistics.median(times)), milliseconds(max(times))
    return Figure(
        what=f"{what}: p95 among {PATIENTS:,}",
        ours=milliseconds(p95),
        reach=f"<= {reach * 1000:.0f} ms",
        is_met=p95 <= reach,
        rests_on=f"{len(times)} searches; median {median}, worst {worst}",
    )
