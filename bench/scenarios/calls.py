"""CPU over all server processes per call of the next patient, as a multiple of a bare Flask answer's.

Both programs run side by side with the same gunicorn settings and take turns under the same load of eight
connections. Every doctor calls once, then everybody is set back, outside what is counted.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from bench import cpu, servers
from bench.boards import paired_screens
from bench.crowd import Crowd
from bench.figures import ROUNDS, Figure, milliseconds
from bench.load import Ask, require, send
from bench.programs import Web, web
from bench.servers import Servers
from bench.world import Line, Person, World

DOCTORS = 100
BATCHES = 2
WARM_UP = 2
BARE = 2000
REACH = 12.0

SET_BACK = """
    UPDATE reception.visits SET status = 'WAITING', attending_id = NULL, room_id = NULL, called_at = NULL,
           start_time = NULL, end_time = NULL
     WHERE id = ANY(%s)
"""
LET_IN = """
    UPDATE reception.visits v SET status = 'IN_PROGRESS', attending_id = d.id, start_time = now()
      FROM (SELECT * FROM unnest(%s::uuid[], %s::uuid[]) AS pair(visit_id, id)) AS d WHERE v.id = d.visit_id
"""
LONG_QUIET = "UPDATE identity.sessions SET last_seen_at = now() - interval '2 minutes'"
JUST_SEEN = "UPDATE identity.sessions SET last_seen_at = now()"


@dataclass
class Ward:
    """The line, and how it is set back between batches."""

    world: World
    line: Line
    waiting: list[UUID]
    in_rooms: list[UUID]

    def set_back(self, *, with_patients: bool = False, long_quiet: bool = False) -> None:
        self.world.sql(SET_BACK, self.waiting + self.in_rooms)
        if with_patients:
            doctors = [doctor.actor.staff_id for doctor in self.line.doctors]
            self.world.sql(LET_IN, self.in_rooms, doctors)
        else:
            self.world.sql("UPDATE reception.visits SET status = 'ON_HOLD' WHERE id = ANY(%s)", self.in_rooms)
        self.world.sql(LONG_QUIET if long_quiet else JUST_SEEN)
        self.world.sql("VACUUM reception.visits, kernel.streams, identity.sessions")


@dataclass(frozen=True)
class Way:
    """One way of calling: how the ward is set before it, and whose CPU per request came out of each round."""

    name: str
    set_up: Callable[[], None]


def run(world: World) -> list[Figure]:
    ward = _ward(world)
    found = servers.find(world)
    with web("bench.floor:bare()", world.env) as bare, web("wsgi:app", world.env) as ours:
        ways = [
            Way("call next", ward.set_back),
            Way("finish and call (F9)", lambda: ward.set_back(with_patients=True)),
            Way("call next after a minute's quiet", lambda: ward.set_back(long_quiet=True)),
        ]
        figures = [_figure(way, "no display", *_rounds(way, ward, bare, ours, found)) for way in ways]
        with Crowd() as crowd:
            crowd.connect(ours.port, paired_screens(world, ward.line, 1))
            figures += [_figure(way, "one display", *_rounds(way, ward, bare, ours, found)) for way in ways[:2]]
    return figures


def _ward(world: World) -> Ward:
    line = world.line(doctors=DOCTORS, hours=False)
    visits = world.waiting(line, 2 * DOCTORS)
    return Ward(world, line, visits[:DOCTORS], visits[DOCTORS:])


def _rounds(way: Way, ward: Ward, bare: Web, ours: Web, found: Servers) -> tuple[list[float], list[float]]:
    """Return CPU seconds per request of both, round by round."""
    bare_costs, our_costs = [], []
    for number in range(WARM_UP + ROUNDS):
        bare_cost = _bare_cost(bare)
        our_cost = _our_cost(way, ward, ours, found)
        if number >= WARM_UP:
            bare_costs.append(bare_cost)
            our_costs.append(our_cost)
    return bare_costs, our_costs


def _bare_cost(bare: Web) -> float:
    meter = cpu.Meter(bare.pid)
    with meter.running(BARE):
        require(send(bare.port, [Ask("/")] * BARE), 200)
    return meter.each


def _our_cost(way: Way, ward: Ward, ours: Web, found: Servers) -> float:
    meter = cpu.Meter(ours.pid, found.postgres, found.redis)
    for _ in range(BATCHES):
        way.set_up()
        asks = _calls(ward.line.doctors)
        with meter.running(len(asks)):
            answers = send(ours.port, asks)
        require(answers, 200)
        _require_called(ward)
    return meter.each


def _calls(doctors: Sequence[Person]) -> list[Ask]:
    return [doctor.presses("/doctor/next", {}) for doctor in doctors]


def _require_called(ward: Ward) -> None:
    called = ward.world.sql(
        "SELECT count(*) FROM reception.visits WHERE status = 'CALLED' AND queue_id = %s", ward.line.queue_id
    )[0][0]
    if called != DOCTORS:
        raise RuntimeError(f"{called} of {DOCTORS} doctors have a patient called")


def _figure(way: Way, displays: str, bare: list[float], ours: list[float]) -> Figure:
    ratio = statistics.median(mine / floor for mine, floor in zip(ours, bare, strict=True))
    return Figure(
        what=f"{way.name}, {displays}: CPU of web + PostgreSQL + Redis",
        ours=milliseconds(statistics.median(ours)),
        floor=f"{milliseconds(statistics.median(bare))} bare Flask answer",
        ratio=ratio,
        reach=f"<= {REACH:.0f} x" if way.name == "call next" else "",
        is_met=ratio <= REACH if way.name == "call next" else None,
        rests_on=f"{ROUNDS} rounds of {DOCTORS * BATCHES} and {BARE} requests",
    )
