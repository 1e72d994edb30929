"""A facility with one of everything in it that an address of the program can name.

The tests of the policies and the attacks need the same three: one's own facility, another one of the same
tenant, and another tenant's. What names people there is marked, so that it is known wherever it appears.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.audit.models import AccessLog, Change
from clinic_web.identity import api as identity
from clinic_web.identity.devices import Device
from clinic_web.identity.models import Role, SavedView, Session
from clinic_web.identity.proofs import Factor
from clinic_web.identity.queries import hash_of
from clinic_web.identity.service import api_tokens
from clinic_web.identity.tokens import ApiToken
from clinic_web.kernel import clock, push, tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import Model, db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import PARKED, Delivery, DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import NewLeave
from clinic_web.organization.models import Department
from clinic_web.patients import api as patients
from clinic_web.patients.merging import Merge, merge
from clinic_web.patients.models import KINDS, Emergency
from clinic_web.payments import api as payments
from clinic_web.portal.models import Account, Invitation
from clinic_web.reception.models import Settlement, WaitingOffer
from clinic_web.reception.models.displays import Display, DisplayQueue
from clinic_web.reception.service import blocks, booking, settings, station_joining, waiting, walking_in
from clinic_web.reception.service.booking import Booking
from clinic_web.reception.service.displays import token_hash
from clinic_web.reception.service.settings import NewStation
from clinic_web.reception.service.waiting import Wish
from clinic_web.reception.service.walking_in import WalkIn
from clinic_web.reports.models import Run
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
        if kind not in self.things:
            if kind not in MAKERS:
                raise KeyError(
                    f"Nobody makes a {kind!r} for the tests of the policies: add a maker of it to MAKERS in"
                    " attack/places.py, so that its routes are tried with others' things."
                )
            with tenant.of(self.organization_id):
                self.things[kind] = MAKERS[kind](self)
        return self.things[kind]

    def make_all(self) -> None:
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


def _of_desk(place: Place) -> Actor:
    return place.as_role("receptionist")


def _appointment(place: Place) -> UUID:
    start = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    asked = Booking(
        patient_id=place.patient(), service_id=place.thing("service"), doctor_id=place.thing("staff"),
        start_time=start,
    )  # fmt: skip
    return booking.book(_of_desk(place), asked, key=str(uuid4())).appointment_id


def _payment(place: Place) -> UUID:
    visit = place.thing("visit")
    return payments.owed_for_visits(_of_desk(place), [visit])[visit].payment_id


def _receipt(place: Place) -> UUID:
    taken = payments.take(
        place.as_role("cashier"), payment_id=place.thing("payment"), amount=Decimal(10), method="CASH",
        key=str(uuid4()),
    )  # fmt: skip
    return taken.transaction_id


def _station(place: Place) -> UUID:
    new = NewStation(kind="CASHIER", name=f"{place.mark} cashier", name_ar=None, prefix="K")
    return settings.open_station(place.as_role("manager"), new, key=str(uuid4()))


def _stop(place: Place) -> UUID:
    doctor = place.as_role("doctor")
    return station_joining.send(doctor, place.visit(), place.thing("station"), key=str(uuid4())).stop_id


def _entry(place: Place) -> UUID:
    today = clock.now().date()
    wish = Wish(
        patient_id=place.patient(), service_id=place.thing("service"), from_date=today,
        until_date=today + timedelta(days=20), note=place.mark,
    )  # fmt: skip
    return waiting.put_on_list(_of_desk(place), wish, key=str(uuid4())).entry_id


def _offer(place: Place) -> UUID:
    now = clock.now()
    offer = WaitingOffer(
        id=new_id(), organization_id=place.organization_id, clinic_id=place.thing("clinic"),
        entry_id=place.thing("waiting entry"), doctor_id=place.thing("staff"),
        start_time=now + timedelta(days=2), end_time=now + timedelta(days=2, minutes=20), offered_at=now,
        expires_at=now + timedelta(days=1),
    )  # fmt: skip
    return place.add(offer)


def _settlement(place: Place) -> UUID:
    now = clock.now()
    row = Settlement(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        clinic_id=place.thing("clinic"), doctor_id=place.thing("staff"), starts_at=now,
        ends_at=now + timedelta(hours=1), reason=place.mark, items=1, state="FAILED", due_at=now,
        created_at=now,
    )  # fmt: skip
    return place.add(row)


def _leave(place: Place) -> UUID:
    begins = clock.now() + timedelta(days=40)
    new = NewLeave(
        staff_id=place.thing("staff"), starts_at=begins, ends_at=begins + timedelta(days=1), note=place.mark
    )
    return organization.add_leave(place.system, new)


def _display(place: Place) -> UUID:
    token, now = f"screen-{new_id().hex}", clock.now()
    place.secrets["display"] = token
    row = Display(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        name=f"{place.mark} screen", token_hash=token_hash(token), code_expires_at=now, paired_at=now,
        last_seen_at=now,
    )  # fmt: skip
    with transaction():
        db.session.add(row)
        db.session.flush()
        db.session.add(DisplayQueue(display_id=row.id, place=0, queue_id=place.thing("queue")))
    return row.id


def _merge(place: Place) -> UUID:
    one, other = place.patient(), place.patient()
    desk = _of_desk(place)
    wanted = Merge(
        survivor_id=one, merged_id=other, from_merged=(), reason=place.mark,
        survivor_version=patients.card(desk, one).version, merged_version=patients.card(desk, other).version,
    )  # fmt: skip
    return merge(desk, wanted, key=str(uuid4())).link_id


def _role(place: Place) -> UUID:
    name = f"helper-{new_id().hex[-8:]}"
    identity.create_role(place.system, name, ["visit.view"], description=place.mark)
    found = db.session.scalar(select(Role.id).where(Role.name == name))
    assert found is not None
    return found


def _user(place: Place) -> UUID:
    someone = hire(place, "", f"somebody-{new_id().hex[-8:]}", [])
    place.people["of the place"] = someone
    return someone.user_id


def _session(place: Place) -> UUID:
    place.thing("user")
    return things_of(place, place.people["of the place"])["session"]


def _token(place: Place) -> UUID:
    reading = {name for name in identity.PERMISSIONS if identity.may_be_named(name)}
    token = issue_token(place, sorted(reading & place.as_role("administrator").permissions))
    place.secrets["token"] = token
    found = db.session.scalar(select(ApiToken.id).where(ApiToken.token_hash == hash_of(token)))
    assert found is not None
    return found


@_for_its_tenant
def issue_token(place: Place, permissions: list[str]) -> str:
    """Return a token of a program of the place's."""
    boss = place.as_role("administrator")
    token = api_tokens.issue(boss, f"{place.mark} program", permissions, 30, key=str(uuid4()))
    assert token is not None
    return token


def _access(place: Place) -> UUID:
    thing = new_id()
    with transaction():
        audit.saw(place.as_role("doctor"), "patient.view", "patient", thing)
    found = db.session.scalar(select(AccessLog.id).where(AccessLog.resource_id == thing))
    assert found is not None
    return found


def _change(place: Place) -> UUID:
    thing = new_id()
    with transaction():
        new = {"name": place.mark}
        audit.changed(place.as_role("administrator"), "user.change", "user", thing, old=None, new=new)
    found = db.session.scalar(select(Change.id).where(Change.resource_id == thing))
    assert found is not None
    return found


def _run(place: Place) -> UUID:
    yesterday = clock.now().date() - timedelta(days=1)
    row = Run(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id, reason="HAND",
        first_day=yesterday, last_day=yesterday, state="FAILED", due_at=clock.now(), created_at=clock.now(),
    )  # fmt: skip
    return place.add(row)


def _department(place: Place) -> UUID:
    row = Department(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id, code="D1",
        name=f"{place.mark} department",
    )  # fmt: skip
    return place.add(row)


def _delivery(place: Place) -> UUID:
    now = clock.now()
    event = DomainEvent(
        id=new_id(), organization_id=place.organization_id, event_type="visit.called", aggregate_type="visit",
        aggregate_id=new_id(), event_data={}, occurred_at=now,
    )  # fmt: skip
    place.add(event)
    return place.add(
        Delivery(
            id=new_id(),
            event_id=event.id,
            consumer="nobody:visit.called",
            queue="events",
            state=PARKED,
            attempts=8,
            due_at=now,
            parked_at=now,
            last_error="ValueError",
        )
    )


def _emergency(place: Place) -> UUID:
    now = clock.now()
    row = Emergency(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        patient_id=place.patient(), user_id=place.people["doctor"].user_id, kind=KINDS[0],
        reason=f"an emergency at {place.mark}", opened_at=now, closes_at=now + timedelta(hours=1),
    )  # fmt: skip
    return place.add(row)


def _account(place: Place) -> UUID:
    holder = hire(place, "patient", f"patient-{new_id().hex[-8:]}", ["patient"])
    row = Account(
        id=new_id(), organization_id=place.organization_id, user_id=holder.user_id,
        patient_id=place.thing("patient"), relation="SELF",
    )  # fmt: skip
    return place.add(row)


def _invitation(place: Place) -> UUID:
    row = Invitation(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        patient_id=place.thing("patient"), relation="SELF", expires_at=clock.now() + timedelta(days=1),
    )  # fmt: skip
    return place.add(row)


MAKERS: dict[str, Callable[[Place], UUID]] = {
    "patient": Place.patient,
    "other patient": Place.patient,
    "visit": Place.visit,
    "appointment": _appointment,
    "payment": _payment,
    "receipt": _receipt,
    "station": _station,
    "stop at a station": _stop,
    "waiting entry": _entry,
    "offer": _offer,
    "settlement": _settlement,
    "leave": _leave,
    "display": _display,
    "block of numbers": lambda place: (
        blocks.reserve(_of_desk(place), place.thing("queue"), 3, "power cut", key=str(uuid4())).block_id
    ),
    "merge of patients": _merge,
    "role": _role,
    "user": _user,
    "session": _session,
    "token of a program": _token,
    "access": _access,
    "change": _change,
    "run of reports": _run,
    "department": _department,
    "delivery": _delivery,
    "emergency": _emergency,
    "account of the portal": _account,
    "invitation to the portal": _invitation,
}


def words_of(part: str, endpoint: str) -> Any:
    """Return a word for a part of an address that names no thing."""
    places = (endpoint, endpoint.partition(".")[0], "")
    return next((WORDS[part, each] for each in places if (part, each) in WORDS), "none")


WORDS = {("name", "organization"): "clinics", ("name", "reports"): "clinics",
         ("name", "reports.everywhere_table"): "visits", ("digest", ""): "0" * 64,
         ("filename", ""): "css/shell.css", ("token", ""): "x" * 43}  # fmt: skip
