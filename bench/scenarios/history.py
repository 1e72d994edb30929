"""What a past costs: a call of the next patient in a clinic with 1,000 past visits, and with 1,000,000.

Nothing that a press does may grow with the years. Two worlds, alike but for their past, take turns in every
round, and PostgreSQL knows the tables of both; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import statistics

from bench import past
from bench.figures import Figure
from bench.multiples import figure, turns
from bench.programs import web
from bench.scenarios import calls
from bench.scenarios.calls import Ward
from bench.world import World, new_world
from clinic_web.kernel import tenant

FEW, MANY = 1_000, 1_000_000
REACH = 1.2


def run(world: World) -> list[Figure]:
    with new_world() as older:
        halls = [_hall(older, MANY), _hall(world, FEW)]
        subjects = [
            calls._subject(hall, f"call next, {number:,} past visits", hall.set_back)
            for hall, number in zip(halls, (MANY, FEW), strict=True)
        ]
        with (
            web("bench.floor:bare()", world.env) as bare,
            web("wsgi:app", older.env) as old,
            web("wsgi:app", world.env) as young,
        ):
            many, few = turns(bare, list(zip((older, world), (old, young), subjects, strict=True)))
    ratio = statistics.median(much.ours / little.ours for much, little in zip(many, few, strict=True))
    figures = [figure(subject, rounds) for subject, rounds in zip(subjects, (many, few), strict=True)]
    grown = Figure(
        what=f"call next, {MANY:,} against {FEW:,} past visits: CPU",
        ours=figures[0].ours,
        floor=figures[1].ours,
        ratio=ratio,
        reach=f"<= {REACH} x",
        is_met=ratio <= REACH,
        rests_on=figures[0].rests_on,
    )
    return [*figures, grown]


def _hall(world: World, number: int) -> Ward:
    with world.app.app_context(), tenant.of(world.actor.organization_id):
        hall = calls.ward(world, doctors=calls.DOCTORS, clinics=calls.CLINICS)
        for line in hall.lines:
            past.load(world, line, number // len(hall.lines))
        world.settle()
    return hall
