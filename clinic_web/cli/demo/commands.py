"""``flask demo ensure``: create the demo centre once, and give it a working day whenever it has none."""

from __future__ import annotations

import os
import time
from datetime import date
from random import Random
from uuid import UUID

import click
from flask.cli import with_appcontext

from clinic_web.cli.demo import centre, day, history, logins, people
from clinic_web.identity import api as identity
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.reception import api as reception

PATIENTS = 2000
CROWDS = {"DENTAL": 0.62, "PAED": 0.7, "EYE": 0.55}


@click.group("demo")
def group() -> None:
    """The demo centre."""


@group.command()
@with_appcontext
def ensure() -> None:
    """Create the demo centre if it is not there, and today's working day if it has none."""
    identity.ensure_permissions()
    organization_id = organization.organization_by_external_id(centre.EXTERNAL_ID)
    if organization_id is None:
        organization_id = _create_centre()
    _ensure_day(organization_id)


class Steps:
    """Says what is being done, and how long the last step took."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        now = time.monotonic()
        click.echo(f"  demo: {text} ({now - self.began:.1f} s)")
        self.began = now


def _create_centre() -> UUID:
    steps = Steps()
    with transaction():
        created = centre.create(clock.now())
        steps.say(f"{centre.NAME}, {len(created.queues)} clinics, {created.timezone}")
        found, users = logins.create(created.actor, _doctor_names(created.actor))
        steps.say(f"{len(found)} people who sign in")
        today = clock.today(created.timezone)
        patient_ids = _register_patients(created.actor, today)
        steps.say(f"{PATIENTS} patients")
        visits = history.load(created.actor, patient_ids, today, _random(today))
        steps.say(f"a month of history, {visits} visits")
    logins.write(found, os.environ.get("DEMO_LOGINS_FILE"))
    return created.actor.organization_id


def _doctor_names(actor: Actor) -> dict[UUID, tuple[str, str]]:
    names = [(doctor[0], doctor[1]) for plan in centre.CLINICS for doctor in plan.doctors]
    staff = organization.directory(actor.organization_id).staff.values()
    by_name = {each.name: each.id for each in staff}
    return {by_name[f"{first} {last}"]: (first, last) for first, last in names}


def _register_patients(actor: Actor, today: date) -> list[UUID]:
    rows = [
        patients.ImportedPatient(
            external_id=f"demo-{number}",
            first_name=each.first_name,
            middle_name=each.middle_name,
            last_name=each.last_name,
            gender=each.gender,
            date_of_birth=each.date_of_birth,
            phone=each.phone,
            language_preference=each.language,
        )
        for number, each in enumerate(people.invent(PATIENTS, today, Random(20261121)))  # noqa: S311 - invented people
    ]
    patients.import_patients(actor, rows)
    return patients.ids_by_external_id(actor, [row.external_id for row in rows])


def _random(today: date) -> Random:
    return Random(today.toordinal())  # noqa: S311 - the same day for everybody who looks at it


def _ensure_day(organization_id: UUID) -> None:
    directory = organization.directory(organization_id)
    facility = next(iter(directory.facilities.values()))
    today = clock.today(facility.timezone)
    actor = system_actor(organization_id, facility_id=facility.id, name="demo")
    if reception.has_visits_on(actor, today):
        return
    steps = Steps()
    acts = _play_day(actor, directory, today)
    steps.say(f"a working day under way, {acts} acts")


def _play_day(actor: Actor, directory: organization.Directory, today: date) -> int:
    users = identity.user_ids_by_staff(actor)
    desk = identity.actor_named(actor, "amina")
    random = _random(today)
    external_ids = [f"demo-{number}" for number in range(PATIENTS)]
    crowd = patients.ids_by_external_id(actor, external_ids)
    random.shuffle(crowd)
    doctors = {
        staff_id: Actor(
            organization_id=actor.organization_id,
            facility_id=actor.facility_id,
            user_id=users.get(staff_id),
            staff_id=staff_id,
            name=directory.staff[staff_id].name,
            permissions=desk.permissions,
        )
        for staff_id in users
    }
    played = day.Day(
        desk=desk, doctors=doctors, patients=crowd, now=clock.now(), random=random, log=click.echo
    )
    for clinic in directory.clinics_of(actor.facility_id):
        day.plan(played, clinic.id, crowd=CROWDS[clinic.code])
    return day.play(played)
