"""The lists of visits and of appointments: what their addresses may ask, and their rows.

Names come from their owners, once for a whole page. Who is looked for by name is asked of the patients first;
then the cards are at hand already, so a page takes two statements at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.identity import api as identity
from clinic_web.kernel import keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Stand, Standing, View
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Grammar, Sort
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, Directory, ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.reception.models import appointments as promise
from clinic_web.reception.models import visits as presence

T = TypeVar("T")

# What addresses call the states.
VISIT_STATES = {
    "expected": presence.SCHEDULED,
    "waiting": presence.WAITING,
    "on-hold": presence.ON_HOLD,
    "called": presence.CALLED,
    "in-room": presence.IN_PROGRESS,
    "to-pay": presence.PENDING_PAYMENT,
    "completed": presence.COMPLETED,
    "no-show": presence.NO_SHOW,
    "cancelled": presence.CANCELLED,
}
APPOINTMENT_STATES = {
    "confirmed": promise.CONFIRMED,
    "checked-in": promise.CHECKED_IN,
    "completed": promise.COMPLETED,
    "cancelled": promise.CANCELLED,
    "no-show": promise.NO_SHOW,
}
TYPES = {"scheduled": presence.FROM_APPOINTMENT, "walk-in": presence.WALK_IN}
SOURCES = {source.lower().replace("_", "-"): source for source in promise.SOURCES}

OF_BOTH: dict[str, listing.Read] = {
    "q": listing.a_text,
    "clinic": UUID,
    "doctor": UUID,
    "service": UUID,
    "patient": UUID,
}
HAPPENED = "COALESCE(v.check_in_time, v.scheduled_time, v.created_at)"
VISITS_ASK = Grammar(
    filters=OF_BOTH | {"state": listing.one_of(VISIT_STATES), "type": listing.one_of(TYPES)},
    sorts={
        "time": Sort(("v.queue_day", HAPPENED), (listing.a_day, listing.a_moment)),
        "ticket": Sort(("v.queue_day", "COALESCE(v.queue_number, 0)"), (listing.a_day, listing.a_number)),
        "state": Sort(("v.status", "v.queue_day"), (str, listing.a_day)),
    },
    order="time",
    when="today",
)
APPOINTMENTS_ASK = Grammar(
    filters=OF_BOTH | {"state": listing.one_of(APPOINTMENT_STATES), "source": listing.one_of(SOURCES)},
    sorts={
        "time": Sort(("a.start_time",), (listing.a_moment,)),
        "booked": Sort(("a.created_at",), (listing.a_moment,)),
        "state": Sort(("a.status", "a.start_time"), (str, listing.a_moment)),
    },
    order="time",
    when="today",
)
VISITS = Table(
    columns="""v.id, v.ticket, v.status, v.visit_type, v.queue_day, v.clinic_id, v.service_id, v.patient_id,
        COALESCE(v.attending_id, v.doctor_id) AS doctor_id, v.scheduled_time, v.check_in_time, v.called_at,
        v.start_time, v.end_time""",
    source="reception.visits v",
    id="v.id",
    state="v.status",
)
APPOINTMENTS = Table(
    columns="""a.id, a.booking_id, a.status, a.booking_source, a.clinic_id, a.doctor_id, a.service_id,
        a.patient_id, a.start_time, a.end_time, a.created_at, a.is_overbooking, v.id AS visit_id, v.ticket,
        v.status AS visit_status""",
    source="reception.appointments a LEFT JOIN reception.visits v ON v.appointment_id = a.id",
    id="a.id",
    state="a.status",
)
# The moves of every queue of the facility, its stations' included.
_stand = Stand(
    witness=audit.SAW_KNOWN_LIST,
    proof=identity.IS_WHO_ASKS,
    more="""SELECT 'queue:' || q.id FROM reception.queues q
        WHERE q.organization_id = :organization_id AND q.facility_id = :facility_id""",
)
TICKET = re.compile(r"[A-Za-z]{1,4}\s*-\s*\d{1,4}")
BOOKING = re.compile(r"BK-[\w-]+", re.IGNORECASE)
MOST_FOUND = 300
NUMBERS = """a.id IN (
    SELECT t.appointment_id FROM reception.visits t
     WHERE t.facility_id = :facility_id AND t.ticket = :typed AND t.appointment_id IS NOT NULL
     UNION ALL SELECT b.id FROM reception.appointments b
     WHERE b.organization_id = :organization_id AND b.booking_id = :typed)"""


@dataclass(frozen=True, kw_only=True)
class Named:
    """The names that stand in a row. A patient is None only where nobody knows them (any more)."""

    patient: PatientCard | None = None
    clinic: ClinicInfo | None = None
    doctor: StaffInfo | None = None
    service: ServiceInfo | None = None


@dataclass(frozen=True, kw_only=True)
class VisitRow:
    """One visit in the list. ``doctor_id`` is who called the patient, or else whom they came to see."""

    id: UUID
    ticket: str | None
    status: str
    visit_type: str
    queue_day: date
    clinic_id: UUID
    service_id: UUID
    patient_id: UUID
    doctor_id: UUID | None
    scheduled_time: datetime | None
    check_in_time: datetime | None
    called_at: datetime | None
    start_time: datetime | None
    end_time: datetime | None

    @property
    def at(self) -> datetime | None:
        return self.check_in_time or self.scheduled_time

    @property
    def waited(self) -> int | None:
        """Whole minutes from the arrival to the call, once there was one."""
        if self.check_in_time is None or self.called_at is None:
            return None
        return max(0, int((self.called_at - self.check_in_time).total_seconds() // 60))


@dataclass(frozen=True, kw_only=True)
class AppointmentRow:
    """One appointment in the list, with its visit's ticket and state where there is one."""

    id: UUID
    booking_id: str
    status: str
    booking_source: str
    clinic_id: UUID
    doctor_id: UUID
    service_id: UUID
    patient_id: UUID
    start_time: datetime
    end_time: datetime
    created_at: datetime
    is_overbooking: bool
    visit_id: UUID | None
    ticket: str | None
    visit_status: str | None


Row = TypeVar("Row", VisitRow, AppointmentRow)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Among what one may choose: the facility's clinics, and the doctors and services of the chosen one."""

    clinics: list[ClinicInfo]
    doctors: list[StaffInfo]
    services: list[ServiceInfo]
    patient: PatientCard | None = None


@dataclass(frozen=True, kw_only=True)
class Listed(Generic[T]):
    """One page with its names by the rows' ids, and what its filters offer."""

    page: Page[T]
    names: dict[UUID, Named]
    choices: Choices


def stand(actor: Actor, view: View | None = None) -> Standing:
    """Return where everything stands that the lists show: moves, names of patients, names of the house."""
    house = organization.topic(actor.organization_id)
    standing = stand_with(actor, [patients.patients_topic(actor.organization_id), house], view)
    if not standing.is_seen:
        organization.stands_at(standing.moved[house])
    return standing


def stand_with(actor: Actor, topics: list[str], view: View | None = None) -> Standing:
    """Return where ``topics`` and all queues of the facility stand; note the ``view`` if nothing moved."""
    facility_id = actor.facility_id or organization.facility(actor).id
    return _stand(topics, view, organization_id=actor.organization_id, facility_id=facility_id)


def visits_page(actor: Actor, asked: Asked) -> Listed[VisitRow]:
    """Return the asked page of the facility's visits; two statements at most."""
    where, known = visits_where(actor, asked)
    page = keyset.page(VISITS, where, asked, _visit, states=asked_states(asked))
    return _listed(actor, asked, page, known)


def appointments_page(actor: Actor, asked: Asked) -> Listed[AppointmentRow]:
    """Return the asked page of the facility's appointments; two statements at most."""
    where, known = appointments_where(actor, asked)
    page = keyset.page(APPOINTMENTS, where, asked, _appointment, states=asked_states(asked))
    return _listed(actor, asked, page, known)


def all_visits(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[tuple[VisitRow, Named]]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces of their own statements."""
    where, _ = visits_where(actor, asked)
    _only(where, "v.id", ids)
    for rows in keyset.chunks(VISITS, where, asked, _visit, states=asked_states(asked)):
        yield _paired(actor, rows)


def all_appointments(
    actor: Actor, asked: Asked, ids: list[UUID]
) -> Iterator[list[tuple[AppointmentRow, Named]]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces of their own statements."""
    where, _ = appointments_where(actor, asked)
    _only(where, "a.id", ids)
    for rows in keyset.chunks(APPOINTMENTS, where, asked, _appointment, states=asked_states(asked)):
        yield _paired(actor, rows)


def asked_states(asked: Asked) -> tuple[str, ...] | None:
    return (asked.get("state"),) if asked.get("state") else None


def _visit(row: Any) -> VisitRow:
    return VisitRow(**{name: getattr(row, name) for name in VisitRow.__dataclass_fields__})


def _appointment(row: Any) -> AppointmentRow:
    return AppointmentRow(**{name: getattr(row, name) for name in AppointmentRow.__dataclass_fields__})


Known = dict[UUID, PatientCard]


def visits_where(actor: Actor, asked: Asked) -> tuple[Where, Known]:
    """Return which of the facility's visits are asked for, with the cards that finding out brought."""
    where = _here(actor, "v")
    if asked.period.first:
        where.add("v.queue_day >= :first", first=asked.period.first)
    if asked.period.last:
        where.add("v.queue_day <= :last", last=asked.period.last)
    where.add_given("v.clinic_id = :clinic", asked, "clinic")
    where.add_given("(v.doctor_id = :doctor OR v.attending_id = :doctor)", asked, "doctor")
    where.add_given("v.service_id = :service", asked, "service")
    where.add_given("v.visit_type = :type", asked, "type")
    return where, _search(actor, asked, where, "v.ticket = :typed", "v.patient_id")


def appointments_where(actor: Actor, asked: Asked) -> tuple[Where, Known]:
    """The same of the facility's appointments."""
    where, zone = _here(actor, "a"), organization.facility(actor).timezone
    if asked.period.first:
        where.add("a.start_time >= :first", first=organization.moment_at(asked.period.first, time(), zone))
    if asked.period.last:
        ends = organization.moment_at(asked.period.last + timedelta(days=1), time(), zone)
        where.add("a.start_time < :last", last=ends)
    where.add_given("a.clinic_id = :clinic", asked, "clinic")
    where.add_given("a.doctor_id = :doctor", asked, "doctor")
    where.add_given("a.service_id = :service", asked, "service")
    where.add_given("a.booking_source = :source", asked, "source")
    return where, _search(actor, asked, where, NUMBERS, "a.patient_id")


def _here(actor: Actor, alias: str) -> Where:
    where = Where()
    where.add(
        f"{alias}.organization_id = :organization_id AND {alias}.facility_id = :facility_id",
        organization_id=actor.organization_id,
        facility_id=organization.facility(actor).id,
    )
    return where


def _only(where: Where, column: str, ids: list[UUID]) -> None:
    if ids:
        where.add(f"{column} = ANY(:ids)", ids=ids)


def _search(actor: Actor, asked: Asked, where: Where, numbers: str, patient: str) -> Known:
    """Look for a ticket, a booking's number, or else a patient; return the cards that this brought."""
    only, typed = _only_patient(actor, asked, where, patient), asked.get("q")
    if not typed:
        return only
    plain = re.sub(r"\s", "", typed).upper()
    if BOOKING.fullmatch(plain):
        where.add(numbers, typed=plain)
        return only
    found = patients.by_every_id(patients.find(actor, typed, limit=MOST_FOUND))
    ways = [f"{patient} = ANY(:found)"] if found else []
    if TICKET.fullmatch(plain):
        letters, _, digits = plain.partition("-")
        ways.append(numbers)
        where.values["typed"] = f"{letters}-{int(digits):03d}"
    where.add(f"({' OR '.join(ways) or 'false'})", found=list(found))
    return only | found


def _only_patient(actor: Actor, asked: Asked, where: Where, patient: str) -> Known:
    """One patient's rows, under all ids that they were written with."""
    wanted = asked.get("patient")
    if wanted is None:
        return {}
    card = patients.cards(actor, [wanted]).get(wanted)
    known = patients.by_every_id([card]) if card else {}
    where.add(f"{patient} = ANY(:patients)", patients=[wanted, *known])
    return known | ({wanted: card} if card else {})


def _listed(actor: Actor, asked: Asked, page: Page[Row], known: Known) -> Listed[Row]:
    directory = organization.directory(actor.organization_id)
    cards = known | patients.cards(actor, {row.patient_id for row in page.rows} - known.keys())
    return Listed(
        page=page,
        names={row.id: _named(row, directory, cards) for row in page.rows},
        choices=_choices(actor, asked, directory, cards),
    )


def _paired(actor: Actor, rows: list[Row]) -> list[tuple[Row, Named]]:
    directory = organization.directory(actor.organization_id)
    cards = patients.cards(actor, {row.patient_id for row in rows})
    return [(row, _named(row, directory, cards)) for row in rows]


def _named(row: VisitRow | AppointmentRow, directory: Directory, cards: Known) -> Named:
    return Named(
        patient=cards.get(row.patient_id),
        clinic=directory.clinics.get(row.clinic_id),
        doctor=directory.staff.get(row.doctor_id) if row.doctor_id else None,
        service=directory.services.get(row.service_id),
    )


def _choices(actor: Actor, asked: Asked, directory: Directory, cards: Known) -> Choices:
    facility = organization.facility(actor)
    clinics = directory.clinics_of(facility.id)
    chosen = [each for each in clinics if asked.get("clinic") in (None, each.id)]
    doctors = {each.id: each for clinic in chosen for each in directory.doctors_of(clinic.id)}
    if (gone := directory.staff.get(asked.get("doctor"))) is not None:
        doctors.setdefault(gone.id, gone)
    return Choices(
        clinics=clinics,
        doctors=sorted(doctors.values(), key=lambda each: each.short_name),
        services=[each for clinic in chosen for each in directory.services_of(clinic.id)],
        patient=cards.get(asked.get("patient")),
    )
