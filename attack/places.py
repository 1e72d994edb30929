"""A facility with one of everything in it that an address of the program can name.

The tests of the policies and the attacks need the same three: one's own facility, another one of the same
tenant, and another tenant's. What names people there is marked, so that it is known wherever it appears.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from clinic_web.identity import api as identity
from clinic_web.identity.devices import Device
from clinic_web.identity.models import SavedView, Session
from clinic_web.identity.proofs import Factor
from clinic_web.identity.queries import hash_of
from clinic_web.identity.service import api_tokens
from clinic_web.identity.service.api_tokens import NewToken
from clinic_web.kernel import clock, push, tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import Model, db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.portal.models import Account
from clinic_web.reception.service import walking_in
from clinic_web.reception.service.walking_in import WalkIn
from tests import factories
from tests.cast import PASSWORD

ROLES = tuple(role.name for role in identity.ROLES)
HELPERS = ("administrator", "receptionist", "cashier", "doctor", "manager")


@dataclass(frozen=True)
class Someone:
    """Somebody of a place. ``role`` is the role they have; none is somebody signed in without any right."""

    user_id: UUID
    username: str
    role: str
    actor: Actor


@dataclass
class Place:
    """``mark`` is in the names of its people and patients; ``things`` are by kind, as the matrix has them."""

    organization_id: UUID
    facility_id: UUID
    mark: str
    people: dict[str, Someone] = field(default_factory=dict)
    things: dict[str, UUID] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def system(self) -> Actor:
        return system_actor(self.organization_id, facility_id=self.facility_id)

    def as_role(self, role: str) -> Actor:
        return self.people[role].actor

    def thing(self, kind: str) -> UUID:
        """Return the place's thing of a kind; KeyError says which maker is missing."""
        from attack.things import MAKERS  # which are made of places

        if kind not in self.things:
            if kind not in MAKERS:
                raise KeyError(
                    f"Nobody makes a {kind!r} for the tests of the policies: add a maker of it to MAKERS in"
                    " attack/things.py, so that its routes are tried with others' things."
                )
            with tenant.of(self.organization_id):
                self.things[kind] = MAKERS[kind](self)
        return self.things[kind]

    def make_all(self) -> None:
        from attack.things import MAKERS

        for kind in MAKERS:
            self.thing(kind)

    def patient(self) -> UUID:
        with tenant.of(self.organization_id):
            return self._patient()

    def _patient(self) -> UUID:
        made = factories.patient(
            organization_id=self.organization_id, first_name=self.mark, last_name="Tahhan"
        )
        db.session.commit()
        return made

    def visit(self) -> UUID:
        """Let somebody new walk in."""
        asked = WalkIn(patient_id=self.patient(), service_id=self.thing("service"))
        with tenant.of(self.organization_id):
            return walking_in.open_walk_in(self.as_role("receptionist"), asked, key=str(uuid4())).visit_id

    def add(self, row: Model) -> UUID:
        """Write one row of the place's tenant."""
        with tenant.of(self.organization_id), transaction():
            db.session.add(row)
        return row.id  # type: ignore[attr-defined, no-any-return]


def new_tenant(mark: str) -> UUID:
    made = factories.organization(name=mark)
    with tenant.of(made):
        db.session.commit()
    return made


def _for_its_tenant(make: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function work for the tenant of the place (or the tenant) that it begins with."""

    @wraps(make)
    def made(whose: Any, *given: Any, **more: Any) -> Any:
        with tenant.of(whose.organization_id if isinstance(whose, Place) else whose):
            return make(whose, *given, **more)

    return made


@_for_its_tenant
def open_place(organization_id: UUID, mark: str, roles: tuple[str, ...] = HELPERS) -> Place:
    """Open a facility: a clinic with a doctor, a service and a queue, and somebody for each of ``roles``."""
    here = factories.facility(organization_id=organization_id, name=mark)
    place = Place(organization_id, here, mark)
    clinic = factories.clinic(
        organization_id=organization_id, facility_id=here, code=f"C{mark}", name=f"{mark} clinic"
    )
    room = factories.room(organization_id=organization_id, facility_id=here, clinic_id=clinic, name="1")
    doctor = factories.doctor(
        organization_id=organization_id, facility_id=here, clinics=[clinic], first_name=mark, room_id=room
    )
    service = factories.service(organization_id=organization_id, clinic_id=clinic, name=f"{mark} service")
    prefix = mark[:1].upper()
    queue = factories.queue(
        organization_id=organization_id, facility_id=here, clinic_id=clinic, prefix=f"{prefix}{len(mark)}"
    )
    db.session.commit()
    place.things |= {
        "facility": here, "clinic": clinic, "room": room, "staff": doctor, "service": service,
        "queue": queue, "tenant": organization_id, "thing of the set-up": clinic,
    }  # fmt: skip
    with transaction():
        push.changed(organization.topic(organization_id))
    for role in dict.fromkeys((*HELPERS, *roles)):
        place.people[role] = hire(place, role, f"{role}-{mark}".lower(), [role])
    return place


@_for_its_tenant
def hire(place: Place, role: str, username: str, roles: list[str]) -> Someone:
    staff = place.things["staff"] if role == "doctor" else _hired_as_staff(place)
    user_id = identity.create_user(
        place.system, username=username, password=PASSWORD, first_name=place.mark, last_name=role or "Nobody",
        roles=roles, facility_id=place.facility_id,
        staff_id=staff,
    )  # fmt: skip
    signed_in = identity.actor_of_token(identity.open_session(user_id))
    assert signed_in is not None
    return Someone(user_id, username, role, signed_in.actor)


def _hired_as_staff(place: Place) -> UUID:
    """Everybody is a member of staff, so that the pages of staff look for what is asked of them."""
    made = factories.doctor(
        organization_id=place.organization_id, facility_id=place.facility_id,
        clinics=[place.things["clinic"]], first_name=place.mark, all_day=False,
    )  # fmt: skip
    db.session.commit()
    return made


@_for_its_tenant
def things_of(place: Place, someone: Someone) -> dict[str, UUID]:
    """Return one of each kind of thing that belongs to a person alone."""
    mine = {"organization_id": place.organization_id, "user_id": someone.user_id}
    now = clock.now()
    token = identity.open_session(someone.user_id)
    session = db.session.scalar(select(Session.id).where(Session.token_hash == hash_of(token)))
    assert session is not None
    view = SavedView(
        id=new_id(), facility_id=place.facility_id, list="visits", name=f"{place.mark} view", query="", **mine
    )
    device = Device(
        id=new_id(), fingerprint=new_id().hex, name=place.mark, created_at=now, last_used=now, **mine
    )
    factor = Factor(
        id=new_id(), kind="PASSKEY", name=place.mark, credential_id=new_id().bytes, public_key=b"1", **mine
    )
    return {
        "own record": _own_record(place, someone),
        "session": session,
        "kept view": place.add(view),
        "device": place.add(device),
        "factor": place.add(factor),
    }


def _own_record(place: Place, someone: Someone) -> UUID:
    """A patient whose record is somebody's own in the portal, if they are let in there."""
    patient = place.patient()
    if someone.role == "patient":
        mine = {"organization_id": place.organization_id, "user_id": someone.user_id}
        place.add(Account(id=new_id(), patient_id=patient, relation="SELF", **mine))
    return patient


@_for_its_tenant
def issue_token(place: Place, permissions: list[str]) -> str:
    """Return a token of a program of the place's."""
    boss = place.as_role("administrator")
    new = NewToken(name=f"{place.mark} program", permissions=frozenset(permissions), days=30,
                   requests_per_minute=6000)  # fmt: skip
    token = api_tokens.issue(boss, new, key=str(uuid4()))
    assert token is not None
    return token


def soon() -> str:
    """Return a moment at which the places' doctors see patients."""
    return (clock.now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0).isoformat()


def words_of(part: str, endpoint: str) -> Any:
    """Return a word for a part of an address that names no thing."""
    places = (endpoint, endpoint.partition(".")[0], "")
    return next((WORDS[part, each] for each in places if (part, each) in WORDS), "none")


WORDS = {("sheet", ""): "medications", ("kind", ""): "receipt", ("language", ""): "en", ("name", "organization"): "clinics", ("name", "reports"): "clinics",
         ("name", "reports.everywhere_table"): "visits", ("digest", ""): "0" * 64,
         ("filename", ""): "css/shell.css", ("token", ""): "x" * 43}  # fmt: skip
