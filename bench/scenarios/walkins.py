"""CPU over all server processes per walk-in's number issued, as a multiple of a bare Flask answer's.

As the desk sends it (htmx: the answer is the slip and the panel around it), and as a browser without
JavaScript does (the answer leads to that panel).
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bench import past
from bench.figures import Figure
from bench.load import Ask
from bench.multiples import Subject, compare
from bench.programs import web
from bench.world import Line, Person, World

PATIENTS = 100
PAST = 2_000  # visits of the year before
DESKS = 8
REACH = 15.0

SEND_HOME = "UPDATE reception.visits SET status = 'CANCELLED' WHERE queue_id = %s AND status = 'WAITING'"
WAITING = (
    "SELECT count(*) FROM reception.visits WHERE queue_id = %s AND status = 'WAITING' AND ticket IS NOT NULL"
)


@dataclass
class Hall:
    """A line, the desks before it, and the same hundred patients again and again."""

    world: World
    line: Line
    desks: list[Person]
    patients: list[UUID]

    def walk_ins(self, *, htmx: bool) -> list[Ask]:
        self.world.sql(SEND_HOME, self.line.queue_id)
        fields = {"service": str(self.line.service_id), "clinic": str(self.line.clinic_id), "pays": "later"}
        return [
            self.desks[number % DESKS].presses(f"/desk/hand/patient/{patient}/walk-in", fields, htmx=htmx)
            for number, patient in enumerate(self.patients)
        ]

    def check(self) -> None:
        waiting = self.world.sql(WAITING, self.line.queue_id)[0][0]
        if waiting != PATIENTS:
            raise RuntimeError(f"{waiting} of {PATIENTS} walk-ins wait with a number")


def run(world: World) -> list[Figure]:
    hall = Hall(
        world,
        world.line(doctors=4),
        [world.person("receptionist") for _ in range(DESKS)],
        world.patients(PATIENTS),
    )
    past.of_a_year(world, hall.line, PAST)
    world.settle()
    form = Subject(
        "a walk-in's number (plain form)", lambda: hall.walk_ins(htmx=False), hall.check, status=303
    )
    htmx = Subject(
        "a walk-in's number (htmx, with slip and panel)",
        lambda: hall.walk_ins(htmx=True),
        hall.check,
        status=200,
    )
    with web("bench.floor:bare()", world.env) as bare, web("wsgi:app", world.env) as ours:
        return [compare(world, bare, ours, each, reach=REACH) for each in (form, htmx)]
