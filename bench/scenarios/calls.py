"""CPU over all server processes per call of the next patient, as a multiple of a bare Flask answer's.

Both programs run side by side with the same gunicorn settings and take turns under the same load of eight
connections. Every doctor calls once, then everybody is set back, outside what is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from bench.boards import paired_screens
from bench.crowd import Crowd
from bench.figures import Figure
from bench.load import Ask
from bench.multiples import Subject, compare
from bench.programs import web
from bench.world import Line, Person, World

DOCTORS = 100
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
PUT_ASIDE = """
    UPDATE reception.visits SET status = 'ON_HOLD', attending_id = NULL, room_id = NULL WHERE id = ANY(%s)
"""
LONG_QUIET = "UPDATE identity.sessions SET last_seen_at = now() - interval '2 minutes'"
JUST_SEEN = "UPDATE identity.sessions SET last_seen_at = now()"


@dataclass
class Ward:
    """The line, and how it is set back before each batch of calls."""

    world: World
    line: Line
    waiting: list[UUID]
    in_rooms: list[UUID]

    def set_back(self, *, long_quiet: bool = False) -> None:
        """Nobody is called, everybody waits."""
        self.world.sql(SET_BACK, self.waiting)
        self.world.sql(PUT_ASIDE, self.in_rooms)
        self.world.sql(LONG_QUIET if long_quiet else JUST_SEEN)

    def let_in(self) -> None:
        """Every doctor has a patient in the room, and as many wait."""
        self.set_back()
        self.world.sql(LET_IN, self.in_rooms, [doctor.actor.staff_id for doctor in self.line.doctors])


def run(world: World) -> list[Figure]:
    hall = ward(world, doctors=DOCTORS)
    with web("bench.floor:bare()", world.env) as bare, web("wsgi:app", world.env) as ours:
        figures = [
            compare(world, bare, ours, subject, reach=reach)
            for subject, reach in (
                (_subject(hall, "call next, no display", hall.set_back), REACH),
                (_subject(hall, "call next after a minute's quiet", lambda: hall.set_back(long_quiet=True)), None),
                (_subject(hall, "finish and call (F9), no display", hall.let_in), None),
            )
        ]
        with Crowd() as crowd:
            crowd.connect(ours.port, paired_screens(world, hall.line, 1))
            figures.append(
                compare(world, bare, ours, _subject(hall, "call next, one display", hall.set_back), reach=REACH)
            )
            figures.append(
                compare(world, bare, ours, _subject(hall, "finish and call (F9), one display", hall.let_in))
            )
    return figures


def ward(world: World, *, doctors: int) -> Ward:
    """Open a clinic in which one patient waits for each doctor, and one more is for the rooms."""
    line = world.line(doctors=doctors, hours=False)
    visits = world.waiting(line, 2 * doctors)
    world.settle()
    return Ward(world, line, visits[:doctors], visits[doctors:])


def _subject(ward: Ward, name: str, set_up: Callable[[], None]) -> Subject:
    def prepare() -> list[Ask]:
        set_up()
        return _calls(ward.line.doctors)

    return Subject(name, prepare, lambda: _require_called(ward), status=200)


def _calls(doctors: Sequence[Person]) -> list[Ask]:
    return [doctor.presses("/doctor/next", {}) for doctor in doctors]


def _require_called(ward: Ward) -> None:
    called = ward.world.sql(
        "SELECT count(*) FROM reception.visits WHERE status = 'CALLED' AND queue_id = %s", ward.line.queue_id
    )[0][0]
    if called != DOCTORS:
        raise RuntimeError(f"{called} of {DOCTORS} doctors have a patient called")
