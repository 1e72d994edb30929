"""Today's working day: the export's busiest patients come once more, to its two busiest doctors.

Everything is done as people at the desk do it, through the same services, with the clock moved to when it
happened. Nobody has been called yet: doctors, desk and cashier take it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clinic_web.cli.synthea import logins
from clinic_web.cli.synthea.encounters import Survey
from clinic_web.cli.synthea.logins import Login
from clinic_web.cli.synthea.people import People
from clinic_web.cli.synthea.places import CLOSES, OPENS, Places, Provider, ensure_service, let_work_in
from clinic_web.cli.synthea.plan import BOOKED, Appointment, Coming, Span, WalkIn, plan
from clinic_web.cli.synthea.reading import BadExport
from clinic_web.identity import api as identity
from clinic_web.kernel import clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.reception.service import booking, checking_in, walking_in

PATIENTS = 24
DOCTORS = 2
SMALL_CHILD, ELDERLY = 5, 65  # years: they come first, as at any desk


@dataclass(frozen=True)
class Doctor:
    """One of today's two, with their id in the staff."""

    provider: Provider
    staff_id: UUID


@dataclass(frozen=True)
class Today:
    """What was laid out; ``is_new`` is false when this day had been laid out before."""

    clinic: str
    doctors: list[str]
    logins: list[Login]
    is_new: bool
    expected: int = 0
    waiting: int = 0  # with the walk-ins
    walk_ins: int = 0


def lay_out(places: Places, survey: Survey, people: People, providers: dict[str, Provider]) -> Today:
    """Lay out today's day in the busiest clinic, all or nothing; once a day.

    Raises BadExport when the export has no two doctors who see patients, or no patient who could come.
    """
    with transaction():
        clinic_id, doctors = _todays_doctors(places, survey, providers)
        visits = list(_todays_visits(places, survey, people, clinic_id))
        if not visits:
            raise BadExport("Nobody could come today: no living patient was ever seen at a desk.")
    with transaction():
        named = [(each.provider.first_name, each.provider.last_name, each.staff_id) for each in doctors]
        made = logins.ensure(places.actor, logins.doctors(named))
        desk = identity.actors_of(places.actor.organization_id)[logins.RECEPTIONIST]
        coming = _play(places, desk, doctors, visits)
    now = clock.now()
    return Today(
        clinic=organization.directory(places.actor.organization_id).clinics[clinic_id].name,
        doctors=[f"{each.provider.first_name} {each.provider.last_name}" for each in doctors],
        logins=made,
        is_new=bool(coming),
        expected=sum(each.arrives > now for each in coming),
        waiting=sum(each.arrives <= now for each in coming),
        walk_ins=sum(isinstance(each, WalkIn) for each in coming),
    )


def _todays_doctors(
    places: Places, survey: Survey, providers: dict[str, Provider]
) -> tuple[UUID, list[Doctor]]:
    """Return the busiest clinic and two doctors who work there.

    Synthea lets one doctor see everybody of a clinic, so the second is the busiest of the others: from today
    on they work in both clinics.
    """
    busiest = survey.busiest_doctors()
    if not busiest:
        raise BadExport("There is no encounter, so there is no doctor whose day could be today.")
    home = busiest[0][1]
    here = [provider for provider, clinic in busiest if clinic == home]
    elsewhere = [provider for provider, clinic in busiest if clinic != home and provider not in here]
    chosen = [*here, *dict.fromkeys(elsewhere)][:DOCTORS]
    if len(chosen) < DOCTORS:
        raise BadExport("Today needs two doctors with encounters; this export has one.")
    clinic_id = places.clinics[home]
    for each in chosen:
        let_work_in(places, places.doctors[each], clinic_id)
    return clinic_id, [Doctor(providers[each], places.doctors[each]) for each in chosen]


@dataclass(frozen=True)
class Visiting:
    """A patient of today and the service they come for."""

    patient_id: UUID
    service_id: UUID
    minutes: int


def _todays_visits(places: Places, survey: Survey, people: People, clinic_id: UUID) -> Iterator[Visiting]:
    """Yield the latest encounter of each of the busiest patients; its service is offered here as there."""
    living = [
        encounter
        for patient, _ in survey.by_patient.most_common()
        if patient not in people.died and (encounter := survey.latest.get(patient))
    ]
    for encounter in living[:PATIENTS]:
        kind = survey.kinds[encounter.organization, encounter.service]
        ensure_service(places, clinic_id, encounter.service, kind)
        yield Visiting(
            people.ids[encounter.patient], places.services[clinic_id, encounter.service], kind.minutes
        )


def _play(places: Places, desk: Actor, doctors: list[Doctor], visits: list[Visiting]) -> list[Coming]:
    """Let everything happen that has happened by now; return nobody when it was played before."""
    now, zone = clock.now(), places.facility.timezone
    today = clock.today(zone)
    if idempotency.claim(desk, "synthea.today", today.isoformat(), {}).is_repetition:
        return []
    day = Span(organization.moment_at(today, OPENS, zone), organization.moment_at(today, CLOSES, zone))
    appointments, walk_ins = plan(now, day, [each.minutes for each in visits])
    coming: list[Coming] = [*appointments, *walk_ins]
    with _moving_clock() as move_to:
        move_to(min(each.start for each in appointments) - BOOKED)
        booked = {
            each.turn: _book(desk, each, doctors, visits[each.turn])
            for each in sorted(appointments, key=lambda each: (each.start, each.doctor))
        }
        for each in sorted(coming, key=lambda each: each.arrives):
            if each.arrives > now:
                break  # the others are expected: the desk checks them in
            move_to(each.arrives)
            _arrive(desk, booked.get(each.turn), visits[each.turn])
    return coming


def _book(desk: Actor, coming: Appointment, doctors: list[Doctor], visiting: Visiting) -> booking.Booked:
    wanted = booking.Booking(
        patient_id=visiting.patient_id,
        service_id=visiting.service_id,
        doctor_id=doctors[coming.doctor].staff_id,
        start_time=coming.start,
    )
    return booking.book(desk, wanted, key=str(new_id()))


def _arrive(desk: Actor, booked: booking.Booked | None, visiting: Visiting) -> None:
    if booked is not None:
        checking_in.check_in(desk, booked.visit_id, version=booked.version)
        return
    age = patients.card(desk, visiting.patient_id).age
    priority = _priority(age)
    walk_in = walking_in.WalkIn(
        patient_id=visiting.patient_id,
        service_id=visiting.service_id,
        priority=priority,
        priority_reason=f"{age} years old" if priority else None,
    )
    walking_in.open_walk_in(desk, walk_in, key=str(new_id()))


def _priority(age: int | None) -> str | None:
    if age is None or SMALL_CHILD < age < ELDERLY:
        return None
    return "CHILD" if age <= SMALL_CHILD else "ELDERLY"


@contextmanager
def _moving_clock() -> Iterator[Callable[[datetime], None]]:
    """Yield what moves the clock; give the time back as it was, whatever happens."""
    before = clock.offset()
    try:
        yield lambda moment: clock.shift(clock.offset() + (moment - clock.now()))
    finally:
        clock.shift(before)
