"""Kept lists per second, as a part of what a bare route answers that looks up the same session, writes the
same access-log row and returns a string of that size.

Both run side by side with the same gunicorn settings and take turns under the same load of eight connections;
each round's ratio is of neighbours, and the figure is the median of the rounds. For information: the whole
page around the list, and the list beside a bare Flask that does only the two statements.
"""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

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
        told = world.env | facts.env(world, desks, size=len(body), ids=ids)
        program = told | {"DATABASE_URL": world.env["DATABASE_URL"]}
        here = Lists(world, ours, desks, len(body))
        with web("bench.floor_listing:program()", program) as bare:
            asks = [_ask(desk, {}, "/bare") for desk in desks]
            listed = here.beside(bare, asks, HTMX, "a kept list of 50", reach=REACH)
            page = here.beside(bare, asks, {}, "the page around it")
        with web("bench.floor_listing:listing()", told) as flask:
            asks = [Ask("/bare", headers=facts.headers(desk)) for desk in desks]
            return [listed, page, here.beside(flask, asks, HTMX, "a kept list of 50, beside bare Flask")]


def _page(ours: Web, desk: Person) -> bytes:
    answer = Connection(ours.port).send(_ask(desk, HTMX))
    require([answer], 200)
    return answer.body


def _ask(desk: Person, headers: dict[str, str], path: str = "/visits") -> Ask:
    plain = desk.asks(path)
    return Ask(plain.path, headers=plain.headers | headers)


@dataclass(frozen=True)
class Lists:
    """The program that keeps lists, and who looks at them."""

    world: World
    web: Web
    desks: list[Person]
    size: int

    def beside(
        self, bare: Web, asks: list[Ask], headers: dict[str, str], what: str, *, reach: float | None = None
    ) -> Figure:
        """Measure the list beside what ``asks`` ask of ``bare``, one of each per desk."""
        mine = [_ask(self.desks[number % DESKS], headers) for number in range(REQUESTS)]
        floor = [asks[number % DESKS] for number in range(REQUESTS)]
        _rate(self.web, mine)
        _rate(bare, floor)
        rounds = [(_rate(self.web, mine), _rate(bare, floor)) for _ in range(ROUNDS)]
        before = self.world.sql(VIEWS)[0][0]
        costs = _cost(self.web, mine), _cost(bare, floor)
        seen = self.world.sql(VIEWS)[0][0] - before
        ratio = statistics.median(our / their for our, their in rounds)
        ours, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
        return Figure(
            what=f"{what}: requests per second",
            ours=f"{ours:.0f}, {milliseconds(costs[0])} of the web's CPU",
            floor=f"{theirs:.0f}, {milliseconds(costs[1])} bare route",
            ratio=ratio,
            reach=f">= {reach} x" if reach else "",
            is_met=ratio >= reach and seen == 2 * REQUESTS if reach else None,
            rests_on=f"{ROUNDS} rounds of {REQUESTS} requests each, {self.size} bytes, all in the access log",
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
