"""CPU over all server processes per call of the next patient, as a multiple of a bare Flask answer's.

Both programs run side by side with the same gunicorn settings and take turns under the same load of eight
connections. A hundred doctors of ten clinics call once each, then everybody is set back, outside what is
counted; once more with all of them in one clinic, where each call waits for the line that others change.
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
CLINICS = 10
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
    """Lines, and how they are set back before each batch of calls. ``doctors`` come from each in turn."""

    world: World
    lines: list[Line]
    waiting: list[UUID]
    in_rooms: list[UUID]

    @property
    def line(self) -> Line:
        return self.lines[0]

    @property
    def doctors(self) -> list[Person]:
        return [doctor for row in zip(*(line.doctors for line in self.lines), strict=True) for doctor in row]

    def set_back(self, *, long_quiet: bool = False) -> None:
        """Nobody is called, everybody waits."""
        self.world.sql(SET_BACK, self.waiting)
        self.world.sql(PUT_ASIDE, self.in_rooms)
        self.world.sql(LONG_QUIET if long_quiet else JUST_SEEN)

    def let_in(self) -> None:
        """Every doctor has a patient in the room, and as many wait."""
        self.set_back()
        doctors = [doctor for line in self.lines for doctor in line.doctors]
        self.world.sql(LET_IN, self.in_rooms, [doctor.actor.staff_id for doctor in doctors])


def run(world: World) -> list[Figure]:
    hall, crowded = ward(world, doctors=DOCTORS, clinics=CLINICS), ward(world, doctors=DOCTORS)
    floor_env = world.env | facts.env(world, hall.doctors)
    with web("bench.floor:bare()", world.env) as bare, web("wsgi:app", world.env) as ours:
        figures = _without_screens(world, hall, bare, ours)
        in_one = _subject(crowded, "call next, all in one clinic", crowded.set_back)
        figures.append(compare(world, bare, ours, in_one))
        with web("bench.floor:by_psycopg()", floor_env) as floor:
            least = _subject(hall, "(the same SQL by bare psycopg)", hall.set_back, facts.press_next)
            figures.append(compare(world, bare, floor, least))
        with Crowd() as crowd:
            screens = [screen for line in hall.lines for screen in paired_screens(world, line, 1)]
            crowd.connect(ours.port, screens)
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
    call = _subject(hall, "call next, a display open in each clinic", hall.set_back)
    finish = _subject(hall, "finish and call (F9), a display open in each clinic", hall.let_in)
    return [compare(world, bare, ours, call), compare(world, bare, ours, finish)]


def ward(world: World, *, doctors: int, clinics: int = 1) -> Ward:
    """Open clinics in which one patient waits for each doctor, and one more is for the rooms."""
    each = doctors // clinics
    lines = [world.line(doctors=each, hours=False) for _ in range(clinics)]
    visits = [world.waiting(line, 2 * each) for line in lines]
    world.settle()
    return Ward(
        world,
        lines,
        [visit for here in visits for visit in here[:each]],
        [visit for here in visits for visit in here[each:]],
    )


def press_next(doctor: Person) -> Ask:
    return doctor.presses("/doctor/next", {})


def _subject(
    hall: Ward, name: str, set_up: Callable[[], None], press: Callable[[Person], Ask] = press_next
) -> Subject:
    def prepare() -> list[Ask]:
        set_up()
        return [press(doctor) for doctor in hall.doctors]

    return Subject(name, prepare, lambda: _require_called(hall), status=200)


def _require_called(hall: Ward) -> None:
    called = hall.world.sql(
        "SELECT count(*) FROM reception.visits WHERE status = 'CALLED' AND id = ANY(%s)", hall.waiting
    )[0][0]
    if called != DOCTORS:
        raise RuntimeError(f"{called} of {DOCTORS} doctors have a patient called")
