"""CPU over all server processes per call of the next patient, as a multiple of a bare Flask answer's.

Both programs run side by side with the same gunicorn settings and take turns under the same load of eight
connections. Every doctor calls once, then everybody is set back, outside what is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from bench import facts
from bench.boards import paired_screens
from bench.crowd import Crowd
from bench.figures import Figure
from bench.load import Ask
from bench.multiples import Subject, compare
from bench.programs import Web, web
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
    floor_env = world.env | facts.env(world, hall.line.doctors, [hall.line.clinic_id])
    with web("bench.floor:bare()", world.env) as bare, web("wsgi:app", world.env) as ours:
        figures = _without_screens(world, hall, bare, ours)
        with web("bench.floor:by_psycopg()", floor_env) as floor:
            least = _subject(hall, "(the same SQL by bare psycopg)", hall.set_back, facts.press_next)
            figures.append(compare(world, bare, floor, least))
        with Crowd() as crowd:
            crowd.connect(ours.port, paired_screens(world, hall.line, 1))
            figures += _with_screen(world, hall, bare, ours)
    return figures


def _without_screens(world: World, hall: Ward, bare: Web, ours: Web) -> list[Figure]:
    quiet = partial(hall.set_back, long_quiet=True)
    return [
        compare(world, bare, ours, _subject(hall, "call next", hall.set_back), reach=REACH),
        compare(world, bare, ours, _subject(hall, "call next after a minute's quiet", quiet)),
        compare(world, bare, ours, _subject(hall, "finish and call (F9)", hall.let_in)),
    ]


def _with_screen(world: World, hall: Ward, bare: Web, ours: Web) -> list[Figure]:
    call = _subject(hall, "call next, one display open", hall.set_back)
    finish = _subject(hall, "finish and call (F9), one display open", hall.let_in)
    return [compare(world, bare, ours, call, reach=REACH), compare(world, bare, ours, finish)]


def ward(world: World, *, doctors: int) -> Ward:
    """Open a clinic in which one patient waits for each doctor, and one more is for the rooms."""
    line = world.line(doctors=doctors, hours=False)
    visits = world.waiting(line, 2 * doctors)
    world.settle()
    return Ward(world, line, visits[:doctors], visits[doctors:])


def press_next(doctor: Person) -> Ask:
    return doctor.presses("/doctor/next", {})


def _subject(
    hall: Ward, name: str, set_up: Callable[[], None], press: Callable[[Person], Ask] = press_next
) -> Subject:
    def prepare() -> list[Ask]:
        set_up()
        return [press(doctor) for doctor in hall.line.doctors]

    return Subject(name, prepare, lambda: _require_called(hall), status=200)


def _require_called(hall: Ward) -> None:
    called = hall.world.sql(
        "SELECT count(*) FROM reception.visits WHERE status = 'CALLED' AND queue_id = %s", hall.line.queue_id
    )[0][0]
    if called != DOCTORS:
        raise RuntimeError(f"{called} of {DOCTORS} doctors have a patient called")
