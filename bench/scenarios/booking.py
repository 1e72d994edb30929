"""CPU of the web process per booking through HTTP, against a bare Flask route with the same SQL by psycopg.

One gunicorn worker each, the same settings, the same load; they take turns. PostgreSQL's CPU is the same
work on both sides and is not counted here.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from bench import cpu, facts, floor_sql, statements
from bench.figures import ROUNDS, Figure, milliseconds
from bench.load import Ask, require, send
from bench.programs import Web, web
from bench.world import Line, Person, World

BATCH = 150
DESKS = 8
WARM_UP = 3
REACH = 2.0

Slot = tuple[UUID, datetime]


@dataclass
class Book:
    """The free times of a clinic of four doctors, and who books them for whom."""

    line: Line
    desks: list[Person]
    patients: list[UUID]
    slots: Iterator[Slot]

    def by_us(self, *, htmx: bool = False) -> list[Ask]:
        return [self._ask(number, slot, htmx=htmx) for number, slot in enumerate(self._batch())]

    def by_floor(self) -> list[Ask]:
        return [
            Ask(
                f"/book/{self._patient(number)}",
                self._fields(slot) | {"idempotency_key": str(uuid4())},
                facts.headers(self._desk(number)),
            )
            for number, slot in enumerate(self._batch())
        ]

    def one(self, *, htmx: bool = False) -> Ask:
        return self._ask(0, next(self.slots), htmx=htmx)

    def _ask(self, number: int, slot: Slot, *, htmx: bool) -> Ask:
        path = f"/desk/hand/patient/{self._patient(number)}/book"
        return self._desk(number).presses(path, self._fields(slot), htmx=htmx)

    def _batch(self) -> list[Slot]:
        return [next(self.slots) for _ in range(BATCH)]

    def _fields(self, slot: Slot) -> dict[str, str]:
        return {
            "service": str(self.line.service_id),
            "clinic": str(self.line.clinic_id),
            "slot": f"{slot[0]}|{slot[1].isoformat()}",
            "pays": "later",
        }

    def _desk(self, number: int) -> Person:
        return self.desks[number % DESKS]

    def _patient(self, number: int) -> UUID:
        return self.patients[number % len(self.patients)]


def run(world: World) -> list[Figure]:
    book = _book(world)
    missing = statements.differences(
        [statements.sent(world, book.one()) for _ in range(3)][-1], floor_sql.BOOKING
    )
    env = facts.env(world, book.desks)
    with (
        web("bench.floor:by_psycopg()", world.env | env, workers=1) as floor,
        web("wsgi:app", world.env, workers=1) as ours,
    ):
        rounds = [_round(book, floor, ours) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    return _figures(rounds, missing)


def _book(world: World) -> Book:
    line = world.line(doctors=4)
    number = BATCH * 3 * (WARM_UP + ROUNDS) + 10
    slots = iter(line.slots(world.today() + timedelta(days=1), number))
    book = Book(line, [world.person("receptionist") for _ in range(DESKS)], world.patients(100), slots)
    world.settle()
    return book


@dataclass(frozen=True)
class Round:
    """CPU seconds of the web process per request."""

    floor: float
    plain: float
    htmx: float


def _round(book: Book, floor: Web, ours: Web) -> Round:
    return Round(
        floor=_cost(floor, book.by_floor, 303),
        plain=_cost(ours, book.by_us, 303),
        htmx=_cost(ours, lambda: book.by_us(htmx=True), 200),
    )


def _cost(of: Web, asks: Callable[[], list[Ask]], status: int) -> float:
    meter = cpu.Meter(of.pid)
    prepared = asks()
    with cpu.running([meter], len(prepared)):
        answers = send(of.port, prepared)
    require(answers, status)
    return meter.each


def _figures(rounds: list[Round], missing: list[str]) -> list[Figure]:
    ratio = statistics.median(each.plain / each.floor for each in rounds)
    htmx = statistics.median(each.htmx / each.floor for each in rounds)
    floor = f"{milliseconds(statistics.median(each.floor for each in rounds))} bare route, same SQL"
    rests_on = f"{ROUNDS} rounds of {BATCH} requests each"
    same = f"{len(floor_sql.BOOKING)} statements on both sides" if not missing else "; ".join(missing)
    return [
        Figure(
            what="booking: CPU of the web process",
            ours=milliseconds(statistics.median(each.plain for each in rounds)),
            floor=floor,
            ratio=ratio,
            reach=f"<= {REACH:.0f} x",
            is_met=ratio <= REACH and not missing,
            rests_on=f"{rests_on}; {same}",
        ),
        Figure(
            what="booking, answered with slip and panel (htmx; the floor answers without)",
            ours=milliseconds(statistics.median(each.htmx for each in rounds)),
            floor=floor,
            ratio=htmx,
            rests_on=rests_on,
        ),
    ]
