"""Kept lists per second, as a part of what a bare route answers that looks up the same session, writes the
same access-log row and returns a string of that size.

Both programs run side by side with the same gunicorn settings and take turns under the same load of eight
connections; each round's ratio is of neighbours, and the figure is the median of the rounds.
"""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Sequence

from bench import cpu, facts
from bench.figures import ROUNDS, Figure, milliseconds
from bench.load import Ask, Connection, require, send
from bench.programs import Web, web
from bench.world import HTMX, Person, World

PATIENTS = 200
DESKS = 8
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "600"))
REACH = 0.8
VISIT = re.compile(rb'id="visit-([0-9a-f-]{36})"')
VIEWS = "SELECT count(*) FROM audit.access_logs WHERE action = 'visit.list'"


def run(world: World) -> list[Figure]:
    line = world.line(doctors=4)
    world.waiting(line, PATIENTS)
    desks = [world.person("receptionist") for _ in range(DESKS)]
    world.settle()
    with web("wsgi:app", world.env) as ours:
        body = _page(ours, desks[0])
        ids = [each.decode() for each in VISIT.findall(body)]
        env = world.env | facts.env(world, desks, size=len(body), ids=ids)
        with web("bench.floor_listing:listing()", env) as bare:
            return [
                _compare(world, (ours, bare), desks, size=len(body), headers=HTMX, what="a kept list of 50"),
                _compare(world, (ours, bare), desks, size=len(body), headers={}, what="the page around it"),
            ]


def _page(ours: Web, desk: Person) -> bytes:
    answer = Connection(ours.port).send(_ask(desk, HTMX))
    require([answer], 200)
    return answer.body


def _ask(desk: Person, headers: dict[str, str]) -> Ask:
    plain = desk.asks("/visits")
    return Ask(plain.path, headers=plain.headers | headers)


def _compare(
    world: World, pair: tuple[Web, Web], desks: list[Person], *, size: int, headers: dict[str, str], what: str
) -> Figure:
    ours, bare = pair
    mine = [_ask(desks[number % DESKS], headers) for number in range(REQUESTS)]
    floor = [Ask("/visits", headers=facts.headers(desks[number % DESKS])) for number in range(REQUESTS)]
    _rate(ours, mine), _rate(bare, floor)
    rounds = [(_rate(ours, mine), _rate(bare, floor)) for _ in range(ROUNDS)]
    before = world.sql(VIEWS)[0][0]
    costs = [_cost(ours, mine), _cost(bare, floor)]
    seen = world.sql(VIEWS)[0][0] - before
    ratio = statistics.median(our / their for our, their in rounds)
    is_bar = bool(headers)
    return Figure(
        what=f"{what}: requests per second",
        ours=f"{statistics.median(our for our, _ in rounds):.0f}, {milliseconds(costs[0])} of the web's CPU",
        floor=f"{statistics.median(their for _, their in rounds):.0f}, {milliseconds(costs[1])} bare route",
        ratio=ratio,
        reach=f">= {REACH} x" if is_bar else "",
        is_met=(ratio >= REACH and seen == 2 * REQUESTS) if is_bar else None,
        rests_on=f"{ROUNDS} rounds of {REQUESTS} requests each, {size} bytes, all in the access log",
    )


def _rate(web: Web, asks: Sequence[Ask]) -> float:
    began = time.perf_counter()
    answers = send(web.port, asks)
    lasted = time.perf_counter() - began
    require(answers, 200)
    return len(asks) / lasted


def _cost(web: Web, asks: Sequence[Ask]) -> float:
    meter = cpu.Meter(web.pid)
    with cpu.running([meter], len(asks)):
        require(send(web.port, asks), 200)
    return meter.each
