"""The list of payments: those that were due or moved on the asked days, what was taken, what is still owed.

Rows, numbers and sums come in one statement. What is still to come today stands below what has happened,
although its time is later; so the order depends on the time of asking, which the pages of one list share
(``asof`` in their addresses).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.kernel import clock, keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Standing, View
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Grammar, Sort
from clinic_web.kernel.money import ZERO
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, Directory, ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import (
    DESK_METHODS,
    LAB,
    METHODS,
    OWING,
    PAID,
    PARTIALLY_PAID,
    PARTIALLY_REFUNDED,
    PENDING,
    PRESCRIPTION,
    REFUNDED,
    VISIT,
    VOIDED,
)
from clinic_web.payments.ports import ports
from clinic_web.payments.queries import tables

# What the address calls the states. "owing" is what the sum of what is still owed leads to.
STATES = {
    "to-pay": (PENDING,),
    "part-paid": (PARTIALLY_PAID,),
    "paid": (PAID,),
    "refunded": (PARTIALLY_REFUNDED, REFUNDED),
    "void": (VOIDED,),
    "owing": OWING,
}
# What the address calls what a payment is for.
PAYABLES_ASKED = {"visits": VISIT, "medicines": PRESCRIPTION, "laboratory": LAB}
# As its index has it, whose expression has no statistics on purpose: nearly all payments owe the same 0, and
# a planner that knew would think that hardly any row comes after one of those.
LEFT = "COALESCE(l.balance_due, 0)"
GRAMMAR = Grammar(
    filters={
        "q": listing.a_text,
        "state": listing.one_of(STATES),
        "method": listing.one_of(METHODS),
        "clinic": UUID,
        "doctor": UUID,
        "service": UUID,
        "for": listing.one_of(PAYABLES_ASKED),
        "patient": UUID,
        listing.AS_OF: listing.a_moment,
    },
    sorts={
        "time": Sort(("l.moment",), (listing.a_moment,)),
        "due": Sort(("l.total_amount",), (listing.an_amount,)),
        "left": Sort((LEFT,), (listing.an_amount,)),
        "state": Sort(("l.status", "l.moment"), (str, listing.a_moment)),
    },
    order="-time",
    when="today",
)
# Between two looks an appointment's time may pass without anything changing: the list is computed anew then.
SLOT = timedelta(minutes=5)
BEGINS, ENDS = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

NUMBER = re.compile(r"PAY-[\w-]+")
BILL = re.compile(r"INV-[\w-]+")
TICKET = re.compile(r"([A-Z]{1,4})-(\d{1,4})")
MOST_FOUND = 300
BY_METHOD = """l.moved_at IS NOT NULL AND l.id IN (SELECT t.payment_id FROM payments.payment_transactions t
    WHERE t.facility_id = :facility_id AND t.payment_method = :method AND t.status = 'COMPLETED')"""
BY_NUMBER = """l.id IN (SELECT t.payment_id FROM payments.payment_transactions t
    WHERE t.organization_id = :organization_id AND t.payment_number = :typed AND t.status = 'COMPLETED')"""


@dataclass(frozen=True, kw_only=True)
class PaymentRow:
    """One payment in the list; ``at`` is when it last moved on those days, or when it is due."""

    id: UUID
    visit_id: UUID | None
    patient_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID | None
    payable: str
    reference: str | None
    ticket: str | None
    methods: list[str] | None
    total_amount: Decimal
    paid: Decimal
    balance_due: Decimal
    status: str
    currency: str
    opened_at: datetime
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ListedPayment:
    """A row with its names; ``visit_state`` is None where nobody tells where the visit stands."""

    row: PaymentRow
    patient: PatientCard | None
    clinic: ClinicInfo | None
    service: ServiceInfo | None
    doctor: StaffInfo | None
    visit_state: str | None


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What was taken on those days by method, and what is owed; only clinic and doctor narrow them.

    ``taken`` is None for a list of any time: no page adds up all that was ever taken.
    """

    taken: Mapping[str, Decimal] | None
    owed: Decimal

    @property
    def taken_in_all(self) -> Decimal:
        return sum((self.taken or {}).values(), ZERO)

    @property
    def other_methods(self) -> Decimal:
        """What was taken otherwise than a desk does; the sum of the day would not add up without it."""
        return sum(
            (taken for method, taken in (self.taken or {}).items() if method not in DESK_METHODS), ZERO
        )


@dataclass(frozen=True, kw_only=True)
class PaymentsPage:
    """One page of the list as somebody sees it, and among what its filters choose."""

    page: Page[PaymentRow]
    rows: list[ListedPayment]
    sums: Sums
    as_of: datetime
    clinics: list[ClinicInfo]
    doctors: list[StaffInfo]
    services: list[ServiceInfo]
    patient: PatientCard | None

    def number_in(self, state: str) -> int:
        return self.page.number_in(STATES[state])


def stand(actor: Actor, view: View | None = None) -> Standing:
    """Return where everything stands that the list shows. Every clinic of the house counts, closed ones too;
    when the house itself has just changed, they are looked up again."""
    house = organization.topic(actor.organization_id)
    while True:
        clinics = organization.directory_at_hand(actor.organization_id).clinics.values()
        facility_id = actor.facility_id or organization.facility(actor).id
        topics = [payments_topic(each.id) for each in clinics if each.facility_id == facility_id]
        fixed = [*topics, house, patients.patients_topic(actor.organization_id)]
        standing = ports.stand(actor, fixed, view)
        if standing.is_seen or organization.stands_at(standing.moved[house]):
            return standing


def payments_page(actor: Actor, asked: Asked) -> PaymentsPage:
    """Return the asked page of the facility's payments; three statements at most, however many rows."""
    table, where, known = _asked(actor, asked)
    page = keyset.page(table, where, asked, _row, states=asked.get("state"))
    cards = known | _cards(actor, page.rows, known)
    directory = organization.directory(actor.organization_id)
    facility_id = organization.facility(actor).id
    return PaymentsPage(
        page=page,
        rows=_listed(actor, page.rows, directory, cards),
        sums=_sums(asked, page.aside),
        as_of=where.values["asof"],
        clinics=directory.clinics_of(facility_id),
        doctors=_doctors(asked, page.aside, directory, facility_id),
        services=_services(asked, directory, facility_id),
        patient=cards.get(asked.get("patient")),
    )


def _has_days(asked: Asked) -> bool:
    return asked.period.first is not None or asked.period.last is not None


def _sums(asked: Asked, aside: dict[str, Any]) -> Sums:
    taken = {method: Decimal(taken) for method, taken in (aside.get("taken") or {}).items()}
    return Sums(taken=taken if _has_days(asked) else None, owed=Decimal(aside["owed"]))


def _doctors(asked: Asked, aside: dict[str, Any], directory: Directory, facility_id: UUID) -> list[StaffInfo]:
    """Among whom one may choose: who has a payment on those days, or else every doctor of the facility."""
    if _has_days(asked):
        ids = {UUID(each) for each in aside["doctors"] or ()}
    else:
        clinics = directory.clinics_of(facility_id)
        ids = {each.id for clinic in clinics for each in directory.doctors_of(clinic.id)}
    here = [
        directory.staff[each] for each in ids | ({asked.get("doctor")} - {None}) if each in directory.staff
    ]
    return sorted(here, key=lambda each: each.short_name)


def _services(asked: Asked, directory: Directory, facility_id: UUID) -> list[ServiceInfo]:
    """Among which one may choose: those of the clinic that is chosen, or else of every clinic here."""
    clinics = {each.id for each in directory.clinics_of(facility_id)}
    wanted = {asked.get("clinic")} & clinics if asked.get("clinic") else clinics
    here = [each for each in directory.services.values() if each.clinic_id in wanted]
    return sorted(here, key=lambda each: each.name)


def all_payments(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[ListedPayment]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces of their own statements."""
    table, where, _ = _asked(actor, asked)
    if ids:
        where.add("l.id = ANY(:ids)", ids=ids)
    directory = organization.directory(actor.organization_id)
    for rows in keyset.chunks(table, where, asked, _row, states=asked.get("state")):
        yield _listed(actor, rows, directory, _cards(actor, rows, {}))


def slot(now: datetime) -> datetime:
    """Return the beginning of the five minutes that ``now`` lies in."""
    seconds = int(SLOT.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)


Known = dict[UUID, PatientCard]


def _asked(actor: Actor, asked: Asked) -> tuple[Table, Where, Known]:
    made = tables.of_days if _has_days(asked) else tables.of_any_time
    table = made(only_patient=bool(asked.get("patient")))
    where = Where()
    where.values |= _question(actor, asked)
    if not _has_days(asked):  # of days they narrow the sums, too
        where.add_given("l.clinic_id = :clinic", asked, "clinic")
        where.add_given("l.doctor_id = :doctor", asked, "doctor")
    where.add_given(BY_METHOD, asked, "method")
    where.add_given("l.service_id = :service", asked, "service")
    where.add_given("l.payable = :for", asked, "for")
    return table, where, _search(actor, asked, where)


def _question(actor: Actor, asked: Asked) -> dict[str, Any]:
    facility, period = organization.facility(actor), asked.period
    begins = organization.moment_at(period.first, time(), facility.timezone) if period.first else BEGINS
    after = period.last + timedelta(days=1) if period.last else None
    return {
        "organization_id": actor.organization_id,
        "facility_id": facility.id,
        "begins": begins,
        "ends": organization.moment_at(after, time(), facility.timezone) if after else ENDS,
        "asof": asked.get(listing.AS_OF) or slot(clock.now()),
        "now": clock.now(),
        "clinic": asked.get("clinic"),
        "doctor": asked.get("doctor"),
    }


def _search(actor: Actor, asked: Asked, where: Where) -> Known:
    """Look for a ticket or a receipt's number, or else a patient; return the cards that this brought."""
    only, typed = _only_patient(actor, asked, where), asked.get("q")
    if not typed:
        return only
    plain = re.sub(r"\s", "", typed).upper()
    if NUMBER.fullmatch(plain):
        where.add(BY_NUMBER, typed=plain)
        return only
    if BILL.fullmatch(plain):
        where.add("l.reference = :typed", typed=plain)
        return only
    found = patients.by_every_id(patients.find(actor, typed, limit=MOST_FOUND))
    ways = ["l.patient_id = ANY(:found)"] if found else []
    if ticket := TICKET.fullmatch(plain):
        ways.append("l.ticket = :typed")
        where.values["typed"] = f"{ticket[1]}-{int(ticket[2]):03d}"
    where.add(f"({' OR '.join(ways) or 'false'})", found=list(found))
    return only | found


def _only_patient(actor: Actor, asked: Asked, where: Where) -> Known:
    """One patient's payments, under all ids that they were written with."""
    wanted = asked.get("patient")
    if wanted is None:
        return {}
    card = patients.cards(actor, [wanted]).get(wanted)
    known = patients.by_every_id([card]) if card else {}
    where.values["patients"] = [wanted, *known]
    return known | ({wanted: card} if card else {})


def _row(row: Any) -> PaymentRow:
    return PaymentRow(**{name: getattr(row, name) for name in PaymentRow.__dataclass_fields__})


def _cards(actor: Actor, rows: list[PaymentRow], known: Known) -> Known:
    return patients.cards(actor, {row.patient_id for row in rows} - known.keys())


def _listed(actor: Actor, rows: list[PaymentRow], directory: Directory, cards: Known) -> list[ListedPayment]:
    states = ports.visit_states(actor, [row.visit_id for row in rows if row.visit_id])
    return [
        ListedPayment(
            row=row,
            patient=cards.get(row.patient_id),
            clinic=directory.clinics.get(row.clinic_id),
            service=directory.services.get(row.service_id) if row.service_id else None,
            doctor=directory.staff.get(row.doctor_id) if row.doctor_id else None,
            visit_state=states.get(row.visit_id) if row.visit_id else None,
        )
        for row in rows
    ]
