"""What a past costs: a call of the next patient in a clinic with 1,000 past visits, and with 1,000,000.

Nothing that a press does may grow with the years. Both are measured in one run as multiples of the bare
answer, in the same database, one after the other; PostgreSQL knows its tables both times.
"""

from __future__ import annotations

from bench import past
from bench.figures import Figure
from bench.multiples import compare
from bench.programs import Web, web
from bench.scenarios import calls
from bench.scenarios.calls import Ward
from bench.world import World

FEW, MANY = 1_000, 1_000_000
REACH = 1.2


def run(world: World) -> list[Figure]:
    hall = calls.ward(world, doctors=calls.DOCTORS, clinics=calls.CLINICS)
    with web("bench.floor:bare()", world.env) as bare, web("wsgi:app", world.env) as ours:
        few = _after(world, hall, bare, ours, FEW, before=0)
        many = _after(world, hall, bare, ours, MANY, before=FEW)
    if few.ratio is None or many.ratio is None:
        raise RuntimeError("nothing was measured")
    ratio = many.ratio / few.ratio
    grown = Figure(
        what=f"call next, {MANY:,} against {FEW:,} past visits: CPU",
        ours=many.ours,
        floor=few.ours,
        ratio=ratio,
        reach=f"<= {REACH} x",
        is_met=ratio <= REACH,
        rests_on=many.rests_on,
    )
    return [few, many, grown]


def _after(world: World, hall: Ward, bare: Web, ours: Web, number: int, *, before: int) -> Figure:
    for line in hall.lines:
        share = len(hall.lines)
        past.load(world, line, number // share, before=before // share)
    world.settle()
    name = f"call next, {number:,} past visits"
    return compare(world, bare, ours, calls._subject(hall, name, hall.set_back))
