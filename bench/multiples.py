"""CPU per request of all server processes, as a multiple of a bare Flask answer's in the same run.

Both programs run side by side with the same gunicorn settings and take turns under the same load: eight
connections, in bursts of the same length, because each burst opens its connections and finds the processors'
caches full of something else. The client is in this process, which is not counted. Medians over rounds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import cpu, servers
from bench.figures import ROUNDS, Figure, milliseconds
from bench.load import Ask, require, send
from bench.programs import Web
from bench.world import World

WARM_UP = 4  # until every connection has its statements prepared
BATCHES = 2
BARE = 2000


@dataclass(frozen=True)
class Subject:
    """What is measured: ``prepare`` sets everything back and returns the next batch, ``check`` looks at what
    came of it; neither is counted."""

    name: str
    prepare: Callable[[], list[Ask]]
    check: Callable[[], None]
    status: int


@dataclass(frozen=True)
class Round:
    """CPU seconds per request, of ``requests`` of them."""

    requests: int
    bare: float
    web: float
    postgres: float
    redis: float

    @property
    def ours(self) -> float:
        return self.web + self.postgres + self.redis


def compare(world: World, bare: Web, ours: Web, subject: Subject, *, reach: float | None = None) -> Figure:
    """Measure ``subject`` round by round beside the bare answer."""
    return figure(subject, turns(bare, [(world, ours, subject)])[0], reach)


def turns(bare: Web, subjects: Sequence[tuple[World, Web, Subject]]) -> list[list[Round]]:
    """Measure each subject in its world, and the bare answer, in every round: what the machine does meanwhile
    falls on all of them alike. Returns the rounds of each subject."""
    rounds: list[list[Round]] = [[] for _ in subjects]
    for number in range(WARM_UP + ROUNDS):
        for kept, (world, ours, subject) in zip(rounds, subjects, strict=True):
            meters = {
                name: cpu.Meter(pid) for name, pid in (("web", ours.pid), *vars(servers.find(world)).items())
            }
            bursts = [_batch(ours, subject, meters) for _ in range(BATCHES)]
            if number >= WARM_UP:
                costs = {name: meter.each for name, meter in meters.items()}
                kept.append(Round(requests=sum(bursts), bare=_bare_cost(bare, bursts[0]), **costs))
    return rounds


def _batch(ours: Web, subject: Subject, meters: dict[str, cpu.Meter]) -> int:
    asks = subject.prepare()
    with cpu.running(meters.values(), len(asks)):
        answers = send(ours.port, asks)
    require(answers, subject.status)
    subject.check()
    return len(asks)


def _bare_cost(bare: Web, burst: int) -> float:
    """Return what a bare answer costs in bursts of so many, about ``BARE`` in all."""
    meter = cpu.Meter(bare.pid)
    for _ in range(max(1, BARE // burst)):
        with cpu.running([meter], burst):
            answers = send(bare.port, [Ask("/")] * burst)
        require(answers, 200)
    return meter.each


def figure(subject: Subject, rounds: list[Round], reach: float | None = None) -> Figure:
    ratio = statistics.median(each.ours / each.bare for each in rounds)
    parts = ", ".join(
        f"{label} {milliseconds(statistics.median(getattr(each, name) for each in rounds))}"
        for label, name in (("web", "web"), ("PostgreSQL", "postgres"), ("Redis", "redis"))
    )
    return Figure(
        what=f"{subject.name}: CPU",
        ours=f"{milliseconds(statistics.median(each.ours for each in rounds))} ({parts})",
        floor=f"{milliseconds(statistics.median(each.bare for each in rounds))} bare Flask answer",
        ratio=ratio,
        reach=f"<= {reach:.0f} x" if reach else "",
        is_met=ratio <= reach if reach else None,
        rests_on=f"{ROUNDS} rounds of {rounds[0].requests} and {BARE} requests",
    )
