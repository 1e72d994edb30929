"""``flask demo ensure``: create the demo centre once, and give it a working day whenever it has none."""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from random import Random
from uuid import UUID

import click
from flask import current_app
from flask.cli import with_appcontext

from clinic_web.cli.demo import centre, day, history, logins, orders, people, portal, stock
from clinic_web.identity import api as identity
from clinic_web.kernel import clock, ids, tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.reception import api as reception
from clinic_web.reports import api as reports

PATIENTS = 2000
CROWDS = {"DENTAL": 0.78, "PAED": 0.74, "EYE": 0.66}


@click.group("demo")
@with_appcontext
def group() -> None:
    """The demo centre. Nobody makes one up in production: its people would be real accounts."""
    if current_app.config["SETTINGS"].environment == "production":
        raise click.UsageError("There is no demo in production (APP_ENV).")


@group.command()
@with_appcontext
def ensure() -> None:
    """Create the demo centre if it is not there, and today's working day if it has none."""
    identity.ensure_permissions()
    organization_id = organization.organization_by_external_id(centre.EXTERNAL_ID) or _create_centre()
    tenant.enter(organization_id)
    facility = next(iter(organization.directory(organization_id).facilities.values()))
    actor = system_actor(organization_id, facility_id=facility.id, name="demo")
    _ensure_past(actor)
    _ensure_portal(actor)
    _ensure_stock(actor)
    _ensure_day(actor)


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
        found = logins.create(created.actor, _doctor_names(created.actor))
        # Before the commit: passwords that nobody can read any more would be worse than ones nobody can use.
        logins.write(found, os.environ.get("DEMO_LOGINS_FILE"))
        steps.say(f"{len(found)} people who sign in")
    return created.actor.organization_id


def _ensure_past(actor: Actor) -> None:
    """Register the patients and load their past month, all or nothing."""
    if patients.ids_of_imported(actor):
        return
    steps = Steps()
    today = clock.today(organization.facility(actor).timezone)
    with transaction():
        patient_ids = _register_patients(actor, today)
        steps.say(f"{PATIENTS} patients")
        visits = history.load(actor, patient_ids, today, _random(today))
        steps.say(f"a month of history, {visits} visits")
    facility = organization.facility(actor)
    for back in range(history.DAYS, 0, -1):
        reports.make_day(actor.organization_id, facility.id, today - timedelta(days=back))
    steps.say(f"{history.DAYS} nightly reports")


def _ensure_portal(actor: Actor) -> None:
    steps = Steps()
    if portal.ensure(actor, os.environ.get("DEMO_LOGINS_FILE")):
        steps.say("a patient who signs in at the portal")


def _ensure_stock(actor: Actor) -> None:
    steps = Steps()
    medicines, tests = stock.ensure(actor, clock.today(organization.facility(actor).timezone))
    if medicines:
        steps.say(f"{medicines} medicines with their stock, {tests} laboratory tests")


def _doctor_names(actor: Actor) -> dict[UUID, tuple[str, str]]:
    names = [(doctor[0], doctor[1]) for plan in centre.CLINICS for doctor in plan.doctors]
    staff = organization.directory(actor.organization_id).staff.values()
    by_name = {each.name: each.id for each in staff}
    return {by_name[f"{first} {last}"]: (first, last) for first, last in names}


def _register_patients(actor: Actor, today: date) -> list[UUID]:
    rows = [
        patients.ImportedPatient(
            id=ids.new_id(),
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
    return [row.id for row in rows if row.id]


def _random(today: date) -> Random:
    return Random(today.toordinal())  # noqa: S311 - the same day for everybody who looks at it


def _ensure_day(actor: Actor) -> None:
    today = clock.today(organization.facility(actor).timezone)
    if reception.has_visits_on(actor, today):
        return
    steps = Steps()
    acts = _play_day(actor, today)
    orders.work()
    steps.say(f"a working day under way, {acts} acts")


def _play_day(actor: Actor, today: date) -> int:
    random = _random(today)
    crowd = sorted(patients.ids_of_imported(actor).values())
    random.shuffle(crowd)
    people_here = identity.actors_of(actor.organization_id)
    played = day.Day(
        desk=people_here["amina"],
        pharmacist=people_here["tawfik"],
        technician=people_here["hatem"],
        shelf=orders.shelf(actor),
        doctors={each.staff_id: each for each in people_here.values() if each.staff_id},
        patients=crowd,
        now=clock.now(),
        random=random,
    )
    facility = organization.facility(actor)
    clinics = organization.directory(actor.organization_id).clinics_of(facility.id)
    portal.plan(played, clinics[0].id)
    for clinic in clinics:
        day.plan(played, clinic.id, crowd=CROWDS[clinic.code])
    return day.play(played)
