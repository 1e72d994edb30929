"""Twenty doctors call 500 patients at once, through two web processes.

Each doctor works as at the console: call the next, see in the room's panel whom, open, and call again, which
finishes the one in the room; until nobody waits.
"""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from bench.figures import Figure, milliseconds
from bench.load import Connection, require
from bench.programs import web
from bench.world import HTMX, Line, Person, World

DOCTORS, PATIENTS = 20, 500
OPEN = re.compile(rb'action="(/doctor/visits/[0-9a-f-]+/open)".*?name="version" value="(\d+)"', re.DOTALL)
TICKET = re.compile(rb'class="ticket[^"]*"><span>([^<]+)<')

CALLS = """
    SELECT count(t.id) FROM reception.visits v
      LEFT JOIN reception.visit_transitions t ON t.visit_id = v.id AND t.to_status = 'CALLED'
     WHERE v.queue_id = %s GROUP BY v.id
"""


@dataclass
class Shift:
    """What one doctor was answered."""

    tickets: list[bytes] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def run(world: World) -> list[Figure]:
    line = world.line(doctors=DOCTORS, hours=False)
    world.waiting(line, PATIENTS)
    world.settle()
    with web("wsgi:app", world.env) as ours, ThreadPoolExecutor(DOCTORS) as pool:
        began = time.monotonic()
        shifts = list(pool.map(lambda doctor: _work(doctor, Connection(ours.port)), line.doctors))
        lasted = time.monotonic() - began
    return [_figure(world, line, shifts, lasted)]


def _work(doctor: Person, browser: Connection) -> Shift:
    shift = Shift()
    while True:
        answer = browser.send(doctor.presses("/doctor/next", {}))
        require([answer], 200)
        ticket = TICKET.search(answer.body)
        if ticket is None:
            return shift
        shift.tickets.append(ticket[1])
        shift.seconds.append(answer.seconds)
        _open(doctor, browser)


def _open(doctor: Person, browser: Connection) -> None:
    deck = doctor.asks("/doctor/deck")
    shown = browser.send(type(deck)(deck.path, headers=deck.headers | HTMX))
    require([shown], 200)
    form = OPEN.search(shown.body)
    if form is None:
        raise RuntimeError(f"the deck offers nobody to open: {shown.body[:300]!r}")
    opened = browser.send(doctor.presses(form[1].decode(), {"version": form[2].decode()}))
    require([opened], 200)


def _figure(world: World, line: Line, shifts: list[Shift], lasted: float) -> Figure:
    calls = Counter(count for (count,) in world.sql(CALLS, line.queue_id))
    tickets = [ticket for shift in shifts for ticket in shift.tickets]
    twice = sum(number for times, number in calls.items() if times > 1) + len(tickets) - len(set(tickets))
    times = sorted(seconds for shift in shifts for seconds in shift.seconds)
    return Figure(
        what=f"{DOCTORS} doctors calling {PATIENTS} patients at once",
        ours=f"{twice} called twice, {calls[0]} left uncalled, p50 {milliseconds(statistics.median(times))},"
        f" p99 {milliseconds(times[int(len(times) * 0.99)])}",
        reach="none twice, none left uncalled",
        is_met=twice == 0 and calls == {1: PATIENTS} and len(tickets) == PATIENTS,
        rests_on=f"{len(tickets)} calls in {lasted:.1f} s, 2 web processes",
    )
