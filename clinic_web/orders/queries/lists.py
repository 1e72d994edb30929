"""The list of orders: what its address may ask, and its rows.

Who does not meet every patient sees what they or their clinics ordered. That depends on the person, so
nothing of it is kept rendered for others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.kernel import keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Stand, Standing, View
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Cursor, Grammar, Sort
from clinic_web.orders import live, saga
from clinic_web.orders.models import LAB, PRESCRIPTION, PRIORITIES
from clinic_web.orders.queries.shown import COLUMNS, SOURCE, Shown, with_names
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.reception import api as reception

# What addresses call the states.
STATES = {
    "attention": (saga.NEEDS_HUMAN, saga.COMPENSATING),
    "under-way": saga.ACTIVE,
    "complete": (saga.COMPLETED,),
    "failed": (saga.FAILED,),
    "cancelled": (saga.CANCELLED,),
}
TYPES = {"prescription": PRESCRIPTION, "lab": LAB}
ASK = Grammar(
    filters={
        "q": listing.a_text,
        "state": listing.one_of(STATES),
        "type": listing.one_of(TYPES),
        "priority": listing.one_of({each.lower(): each for each in PRIORITIES}),
        "clinic": UUID,
        "doctor": UUID,
        "patient": UUID,
    },
    sorts={
        "time": Sort(("o.created_at",), (listing.a_moment,)),
        "state": Sort(("o.status", "o.created_at"), (str, listing.a_moment)),
    },
    order="-time",
    when="today",
)
TABLE = Table(columns=COLUMNS, source=SOURCE, id="o.id", state="o.status")
NUMBER = re.compile(r"(RX|LB)-[\w-]+", re.IGNORECASE)
MOST_FOUND = 300
_stand = Stand(witness=audit.SAW_KNOWN_LIST)


@dataclass(frozen=True, kw_only=True)
class OrdersPage:
    page: Page[Any]
    orders: list[Shown]
    clinics: list[ClinicInfo]
    doctors: list[StaffInfo]
    patient: PatientCard | None

    def number_in(self, state: str) -> int:
        return self.page.number_in(STATES[state])


def stand(actor: Actor, view: View | None = None) -> Standing:
    """Return where everything stands that the list shows."""
    clinics = organization.directory(actor.organization_id).clinics_of(organization.facility(actor).id)
    topics = [live.clinic_topic(each.id) for each in clinics]
    return _stand([*topics, patients.patients_topic(actor.organization_id)], view)


def orders_page(actor: Actor, asked: Asked) -> OrdersPage:
    """Return the asked page of the facility's orders; six statements at most, however many rows."""
    where, known = _asked(actor, asked)
    page = keyset.page(TABLE, where, asked, _row, states=asked.get("state"))
    facility_id = organization.facility(actor).id
    house = organization.directory(actor.organization_id)
    clinics = house.clinics_of(facility_id)
    doctors = {each.id: each for clinic in clinics for each in house.doctors_of(clinic.id)}
    return OrdersPage(
        page=page,
        orders=with_names(actor, page.rows, known),
        clinics=clinics,
        doctors=sorted(doctors.values(), key=lambda each: each.short_name),
        patient=known.get(asked.get("patient")),
    )


def all_orders(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[Shown]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces of their own statements."""
    where, known = _asked(actor, asked)
    if ids:
        where.add("o.id = ANY(:ids)", ids=ids)
    for rows in keyset.chunks(TABLE, where, asked, _row, states=asked.get("state")):
        yield with_names(actor, rows, known)


def plain_orders(actor: Actor, asked: Asked, size: int) -> tuple[list[Any], Cursor | None]:
    """Return ``size`` of what is asked for as plain rows, without names, and where the next ones begin."""
    where, _ = _asked(actor, asked)
    return keyset.stretch(TABLE, where, asked, _row, states=asked.get("state"), size=size)


def _row(row: Any) -> Any:
    return row


def _asked(actor: Actor, asked: Asked) -> tuple[Where, dict[UUID, PatientCard]]:
    facility, where = organization.facility(actor), Where()
    where.add("o.organization_id = :organization_id", organization_id=actor.organization_id)
    where.add("o.facility_id = :facility_id", facility_id=facility.id)
    if not actor.can("patient.view_any"):
        where.add(
            "(o.doctor_id = :staff_id OR o.clinic_id = ANY(:own_clinics))",
            staff_id=actor.staff_id,
            own_clinics=reception.clinics_of(actor),
        )
    if first := asked.period.first:
        where.add("o.created_at >= :begins", begins=organization.moment_at(first, time(), facility.timezone))
    if last := asked.period.last:
        after = organization.moment_at(last + timedelta(days=1), time(), facility.timezone)
        where.add("o.created_at < :ends", ends=after)
    where.add_given("o.order_type = :type", asked, "type")
    where.add_given("o.priority = :priority", asked, "priority")
    where.add_given("o.clinic_id = :clinic", asked, "clinic")
    where.add_given("o.doctor_id = :doctor", asked, "doctor")
    return where, _search(actor, asked, where)


def _search(actor: Actor, asked: Asked, where: Where) -> dict[UUID, PatientCard]:
    """Look for an order's number, or else a patient; return the cards that this brought."""
    known: dict[UUID, PatientCard] = {}
    if wanted := asked.get("patient"):
        known = patients.cards(actor, [wanted])
        where.add("o.patient_id = ANY(:patients)", patients=patients.ids_of(wanted))
    typed = (asked.get("q") or "").strip()
    if NUMBER.fullmatch(typed):
        where.add("o.order_number = :number", number=typed.upper())
    elif typed:
        found = patients.by_every_id(patients.find(actor, typed, limit=MOST_FOUND))
        where.add("o.patient_id = ANY(:found)", found=list(found))
        known = known | found
    return known
