"""The people and places of the tests.

North Garden Medical Centre in Cairo has a dental and an eye clinic. Amina receives, Farida takes money, Salma
and Karim are dentists, Mona manages. Omar the outsider works at another tenant's desk; nothing of North
Garden exists for him.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from flask.testing import FlaskClient

from clinic_web.identity import api as identity
from clinic_web.kernel import clock, push, tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from tests import factories

PASSWORD = "correct-horse-battery-staple"


@dataclass
class Person:
    """Somebody who signs in: ``actor`` is what services receive for them."""

    user_id: UUID
    username: str
    actor: Actor


@dataclass
class Cast:
    organization_id: UUID
    facility_id: UUID
    dental: UUID
    eye: UUID
    dental_queue: UUID
    eye_queue: UUID
    room: UUID
    cleaning: UUID
    filling: UUID
    salma: UUID
    karim: UUID
    other_organization_id: UUID
    people: dict[str, Person] = field(default_factory=dict)
    system: Actor | None = None


def assemble() -> Cast:
    """Create the cast in the current session and commit it (a savepoint, or for real)."""
    identity.ensure_permissions()
    here = factories.organization(name="North Garden")
    tenant.enter(here)
    facility = factories.facility(organization_id=here, name="North Garden Medical Centre")
    dental = factories.clinic(
        organization_id=here, facility_id=facility, code="DENTAL", name="Dental", name_ar="الأسنان"
    )
    eye = factories.clinic(
        organization_id=here, facility_id=facility, code="EYE", name="Eye", name_ar="العيون"
    )
    room = factories.room(organization_id=here, facility_id=facility, clinic_id=dental, name="3")
    room_2 = factories.room(organization_id=here, facility_id=facility, clinic_id=dental, name="1")
    salma = factories.doctor(
        organization_id=here,
        facility_id=facility,
        clinics=[dental],
        first_name="Salma",
        last_name="Naguib",
        room_id=room,
    )
    karim = factories.doctor(
        organization_id=here,
        facility_id=facility,
        clinics=[dental],
        first_name="Karim",
        last_name="Fahmy",
        room_id=room_2,
    )
    cast = Cast(
        organization_id=here,
        facility_id=facility,
        dental=dental,
        eye=eye,
        dental_queue=factories.queue(
            organization_id=here, facility_id=facility, clinic_id=dental, prefix="D"
        ),
        eye_queue=factories.queue(organization_id=here, facility_id=facility, clinic_id=eye, prefix="E"),
        room=room,
        cleaning=factories.service(
            organization_id=here, clinic_id=dental, name="Cleaning", price="450", duration=20
        ),
        filling=factories.service(
            organization_id=here, clinic_id=dental, name="Filling", price="600", duration=30
        ),
        salma=salma,
        karim=karim,
        other_organization_id=factories.organization(name="South Gate"),
        system=system_actor(here, facility_id=facility),
    )
    elsewhere = factories.facility(organization_id=cast.other_organization_id, name="South Gate")
    with transaction():
        push.changed(organization.topic(here))
    hire(cast, "amina", "receptionist", here, facility)
    hire(cast, "farida", "cashier", here, facility)
    hire(cast, "mona", "manager", here, facility)
    hire(cast, "salma", "doctor", here, facility, salma)
    hire(cast, "karim", "doctor", here, facility, karim)
    hire(cast, "omar", "receptionist", cast.other_organization_id, elsewhere)
    return cast


def hire(
    cast: Cast,
    name: str,
    role: str,
    organization_id: UUID,
    facility_id: UUID | None,
    staff_id: UUID | None = None,
) -> None:
    with tenant.of(organization_id):
        _hire(cast, name, role, organization_id, facility_id, staff_id)


def _hire(
    cast: Cast,
    name: str,
    role: str,
    organization_id: UUID,
    facility_id: UUID | None,
    staff_id: UUID | None,
) -> None:
    user_id = identity.create_user(
        system_actor(organization_id, facility_id=facility_id),
        username=name,
        password=PASSWORD,
        first_name=name.capitalize(),
        last_name="Tester",
        roles=[role],
        facility_id=facility_id,
        staff_id=staff_id,
    )
    token = identity.open_session(user_id)
    signed_in = identity.actor_of_token(token)
    assert signed_in is not None
    cast.people[name] = Person(user_id, name, signed_in.actor)


def hire_operator(cast: Cast) -> Person:
    """Ola runs the program: she sees its machinery, all tenants' and no patient."""
    hire(cast, "ola", "operator", cast.organization_id, None)
    return cast.people["ola"]


def sign_in(client: FlaskClient, person: Person) -> None:
    """Give the browser a session of the person's, as the sign-in page does."""
    with tenant.of(person.actor.organization_id):
        token = identity.open_session(person.user_id)
    with client.session_transaction() as session:
        session["_user_id"] = token
        session["_fresh"] = True


def now_local_hour() -> int:
    return clock.local(clock.now(), "Africa/Cairo").hour
