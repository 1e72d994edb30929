"""A hundred receptions book into one clinic at once, through two web processes.

Most want a time of their own; some times are wanted by two, and one of those two must be refused (409)
without leaving a gap in the numbers.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bench.figures import Figure, milliseconds
from bench.load import Answer, Ask, send
from bench.programs import web
from bench.world import Line, World
from clinic_web.events.reception import AppointmentBooked
from clinic_web.kernel import bus

RECEPTIONS = 100
EACH = 5
CONTESTED = 50
DOCTORS = 10

NUMBERS = """
    SELECT n.number FROM reception.queue_numbers n JOIN reception.visits v ON v.id = n.visit_id
     WHERE n.queue_id = %s AND v.ticket IS NOT NULL AND v.queue_number = n.number ORDER BY n.number
"""
LAST = "SELECT last_number FROM reception.queue_days WHERE queue_id = %s"
# Visits with all that a booking makes, and a delivery for each who hears of it.
WHOLE = """
    SELECT count(*) FROM (
    SELECT v.id FROM reception.visits v
      JOIN reception.appointments a ON a.id = v.appointment_id
      JOIN payments.payments p ON p.visit_id = v.id AND p.ticket = v.ticket
      JOIN kernel.domain_events e ON e.aggregate_id = a.id AND e.event_type = 'appointment.booked'
      JOIN kernel.deliveries d ON d.event_id = e.id
     WHERE v.queue_id = %s GROUP BY v.id HAVING count(*) = %s) AS whole
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True)
class Outcome:
    """What PostgreSQL holds afterwards."""

    numbers: list[int]
    last: int
    whole: int
    deadlocks: int


def run(world: World) -> list[Figure]:
    line = world.line(doctors=DOCTORS)
    asks = _asks(world, line)
    world.settle()
    before = world.sql(DEADLOCKS)[0][0]
    with web("wsgi:app", world.env) as ours:
        answers = send(ours.port, asks, clients=RECEPTIONS)
    return [_figure(answers, _outcome(world, line, before))]


def _asks(world: World, line: Line) -> list[Ask]:
    """Reception ``i`` sends the requests ``i``, ``i + 100`` …, in a random order of times."""
    desks = [world.person("receptionist") for _ in range(RECEPTIONS)]
    patients = world.patients(RECEPTIONS)
    slots = line.slots(world.today() + timedelta(days=1), RECEPTIONS * EACH - CONTESTED)
    wanted = slots + random.sample(slots, CONTESTED)
    random.shuffle(wanted)
    return [
        desks[number % RECEPTIONS].presses(
            f"/desk/hand/patient/{patients[number % RECEPTIONS]}/book",
            {
                "service": str(line.service_id),
                "clinic": str(line.clinic_id),
                "slot": f"{doctor}|{start.isoformat()}",
            },
        )
        for number, (doctor, start) in enumerate(wanted)
    ]


def _outcome(world: World, line: Line, deadlocks_before: int) -> Outcome:
    world.sql("SELECT pg_stat_force_next_flush()")
    return Outcome(
        numbers=[number for (number,) in world.sql(NUMBERS, line.queue_id)],
        last=world.sql(LAST, line.queue_id)[0][0],
        whole=world.sql(WHOLE, line.queue_id, len(bus.subscribers(AppointmentBooked)))[0][0],
        deadlocks=world.sql(DEADLOCKS)[0][0] - deadlocks_before,
    )


def _figure(answers: Sequence[Answer], outcome: Outcome) -> Figure:
    by_status = Counter(answer.status for answer in answers)
    booked = by_status[200]
    known = len(outcome.numbers)
    gapless = outcome.numbers == list(range(1, known + 1)) and outcome.last == known
    is_met = (
        gapless
        and outcome.whole == known == booked == RECEPTIONS * EACH - CONTESTED
        and by_status == {200: booked, 409: CONTESTED}
        and outcome.deadlocks == 0
    )
    times = sorted(answer.seconds for answer in answers)
    return Figure(
        what=f"{RECEPTIONS} receptions booking into one clinic at once",
        ours=f"numbers {f'exactly 1..{known}' if gapless else 'WITH GAPS'}, {outcome.deadlocks} deadlocks,"
        f" answers {dict(sorted(by_status.items()))}, p50 {milliseconds(statistics.median(times))},"
        f" p99 {milliseconds(times[int(len(times) * 0.99)])}",
        reach="1..N, no deadlock, no 5xx, none refused for want of a lock",
        is_met=is_met,
        rests_on=f"{len(answers)} bookings, {CONTESTED} times wanted twice, 2 web processes",
    )
