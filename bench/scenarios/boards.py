"""From the HTTP request that calls the next patient until the last of 200 boards has it, against the floor.

The floor is a bare route with the same SQL, then a bare Flask-SocketIO emit through Redis of the same bytes
to the same 200 clients. Two web processes each, one request at a time; blocks of calls take turns.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench import facts, floor_sql, statements
from bench.boards import paired_screens
from bench.crowd import Crowd, Screen
from bench.figures import ROUNDS, Figure, milliseconds
from bench.load import Ask, Connection, require
from bench.programs import Web, web
from bench.scenarios.calls import Ward, press_next, ward
from bench.world import Person, World

SCREENS = 200
WARM_UP, CALLS = 3, 12
MORE = 0.020  # seconds that we may need beyond the floor


@dataclass
class Side:
    """A program, its screens, how a doctor presses there, and what came of it."""

    web: Web
    screens: Sequence[Screen]
    press: Callable[[Person], Ask]
    seen: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)


def run(world: World) -> list[Figure]:
    hall = ward(world, doctors=WARM_UP + CALLS)
    screens = paired_screens(world, hall.line, SCREENS)
    missing = statements.differences(_sent(world, hall), floor_sql.CALLING)
    with Crowd() as crowd, web("wsgi:app", world.env) as our_web:
        ours = Side(our_web, screens, press_next)
        message = _one_message(hall, crowd, ours)
        room = screens[0].topics[-1]
        env = world.env | facts.env(world, hall.line.doctors, message=message, room=room)
        with web("bench.floor:by_psycopg(tells=True)", env) as floor_web:
            floor = Side(floor_web, [Screen("", [room])] * SCREENS, facts.press_next)
            for _ in range(ROUNDS):
                _block(hall, crowd, floor)
                _block(hall, crowd, ours)
    return [_figure(ours, floor, missing, len(json.dumps(message)))]


def _sent(world: World, hall: Ward) -> list[str]:
    """The statements of a call by somebody whom the process remembers."""
    sent: list[str] = []
    for _ in range(3):
        hall.set_back()
        sent = statements.sent(world, press_next(hall.line.doctors[0]))
    return sent


def _one_message(hall: Ward, crowd: Crowd, ours: Side) -> dict[str, str]:
    """What a board is told of a call, so that the floor can tell the same."""
    hall.set_back()
    crowd.connect(ours.web.port, ours.screens)
    _call(crowd, ours, Connection(ours.web.port), hall.line.doctors[0])
    told: list[dict[str, str]] = json.loads(crowd.message.removeprefix("42"))
    return told[1]


def _block(hall: Ward, crowd: Crowd, side: Side) -> None:
    hall.set_back()
    crowd.connect(side.web.port, side.screens)
    connection = Connection(side.web.port)
    for number, doctor in enumerate(hall.line.doctors):
        time.sleep(random.uniform(0.05, 0.15))
        seen, answered = _call(crowd, side, connection, doctor)
        if number >= WARM_UP:
            side.seen.append(seen)
            side.answered.append(answered)
    connection.close()
    crowd.disconnect()


def _call(crowd: Crowd, side: Side, connection: Connection, doctor: Person) -> tuple[float, float]:
    """Return after how many seconds the last screen had it, and after how many the doctor was answered."""
    began = time.monotonic()
    answer = connection.send(side.press(doctor))
    require([answer], 200)
    return crowd.wait() - began, answer.seconds


def _figure(ours: Side, floor: Side, missing: list[str], size: int) -> Figure:
    mine, least = statistics.median(ours.seen), statistics.median(floor.seen)
    same = f"{len(floor_sql.CALLING)} statement(s) on both sides" if not missing else "; ".join(missing)
    return Figure(
        what=f"call next: HTTP in -> the last of {SCREENS} boards has it",
        ours=_times(ours),
        floor=_times(floor),
        ratio=mine / least,
        reach=f"<= floor + {MORE * 1000:.0f} ms",
        is_met=mine <= least + MORE and not missing,
        rests_on=f"{len(ours.seen)} calls each, medians; {size} bytes to {SCREENS} sockets; {same}",
    )


def _times(side: Side) -> str:
    worst, answered = max(side.seen), statistics.median(side.answered)
    return (
        f"{milliseconds(statistics.median(side.seen))} (worst {milliseconds(worst)},"
        f" answered after {milliseconds(answered)})"
    )
