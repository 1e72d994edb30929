"""The list of a facility's bills: what its address may ask, its rows, where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.billing.live import bills_topic
from clinic_web.billing.models import (
    ISSUED,
    KEPT,
    PAID,
    PARTIALLY_PAID,
    PARTIALLY_REFUNDED,
    REFUND_DUE,
    REFUNDED,
    VOIDED,
)
from clinic_web.billing.queries.bills import COLUMNS, TYPES, Bill, bill_of
from clinic_web.kernel import keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Stand, Standing, View
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Cursor, Grammar, Sort
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard

# What the address calls the states.
STATES: dict[str, tuple[str, ...]] = {
    "to-pay": (ISSUED,),
    "part-paid": (PARTIALLY_PAID,),
    "paid": (PAID,),
    "refund-due": (REFUND_DUE,),
    "refunded": (PARTIALLY_REFUNDED, REFUNDED),
    "kept": (KEPT,),
    "void": (VOIDED,),
    "owing": (ISSUED, PARTIALLY_PAID),
}
LEFT = "COALESCE(i.balance_due, 0)"  # as its index has it
GRAMMAR = Grammar(
    filters={
        "q": listing.a_text,
        "state": listing.one_of(STATES),
        "for": listing.one_of(TYPES),
        "clinic": UUID,
        "patient": UUID,
    },
    sorts={
        "time": Sort(("i.issued_at",), (listing.a_moment,)),
        "total": Sort(("i.total_amount",), (listing.an_amount,)),
        "left": Sort((LEFT,), (listing.an_amount,)),
        "state": Sort(("i.status", "i.issued_at"), (str, listing.a_moment)),
    },
    order="-time",
    when="today",
)
BILLS = Table(columns=COLUMNS, source="billing.invoices i", id="i.id", state="i.status")
NUMBER = re.compile(r"INV-[\w-]+")
MOST_FOUND = 300
BEGINS, ENDS = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

_stand = Stand(witness=audit.SAW_KNOWN_LIST)


def stand(actor: Actor, view: View | None = None) -> Standing:
    """Return where everything stands that the list shows: bills, names of patients, the house itself."""
    house = organization.topic(actor.organization_id)
    while True:
        clinics = organization.directory_at_hand(actor.organization_id).clinics.values()
        facility_id = actor.facility_id or organization.facility(actor).id
        topics = [bills_topic(each.id) for each in clinics if each.facility_id == facility_id]
        fixed = [*topics, house, patients.patients_topic(actor.organization_id)]
        standing = _stand(fixed, view, organization_id=actor.organization_id)
        if standing.is_seen or organization.stands_at(standing.moved[house]):
            return standing


def page(actor: Actor, asked: Asked) -> Page[Bill]:
    """Return the asked page of the facility's bills, with the counts of each state, in one statement."""
    return keyset.page(BILLS, _where(actor, asked), asked, bill_of, states=asked.get("state"))


def stretch(actor: Actor, asked: Asked, size: int) -> tuple[list[Bill], Cursor | None]:
    """Return ``size`` of the facility's bills, and where the next ones begin; nothing is counted."""
    states = asked.get("state")
    return keyset.stretch(BILLS, _where(actor, asked), asked, bill_of, states=states, size=size)


def everything(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[Bill]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces."""
    where = _where(actor, asked)
    if ids:
        where.add("i.id = ANY(:only)", only=ids)
    return keyset.chunks(BILLS, where, asked, bill_of, states=asked.get("state"))


def cards_of(actor: Actor, bills: list[Bill], *more: UUID | None) -> dict[UUID, PatientCard]:
    """Return the patients of bills, in one statement."""
    return patients.cards(actor, {each.patient_id for each in bills} | set(filter(None, more)))


def _where(actor: Actor, asked: Asked) -> Where:
    facility = organization.facility(actor)
    where = Where()
    where.add(
        "i.organization_id = :organization_id AND i.facility_id = :facility_id",
        organization_id=actor.organization_id,
        facility_id=facility.id,
    )
    begins, ends = _moments(asked, facility.timezone)
    where.add("i.issued_at >= :begins AND i.issued_at < :ends", begins=begins, ends=ends)
    where.add_given("i.invoice_type = :for", asked, "for")
    where.add_given("i.clinic_id = :clinic", asked, "clinic")
    if patient := asked.get("patient"):
        where.add("i.patient_id = ANY(:patients)", patients=patients.ids_of(patient))
    if typed := asked.get("q"):
        _search(actor, typed, where)
    return where


def _search(actor: Actor, typed: str, where: Where) -> None:
    """Look for a bill's number, or else for a patient."""
    number = re.sub(r"\s", "", typed).upper()
    if NUMBER.fullmatch(number):
        where.add("i.invoice_number = :number", number=number)
        return
    found = patients.by_every_id(patients.find(actor, typed, limit=MOST_FOUND))
    where.add("i.patient_id = ANY(:found)", found=list(found))


def _moments(asked: Asked, timezone: str) -> tuple[datetime, datetime]:
    first, last = asked.period.first, asked.period.last
    begins = organization.moment_at(first, time(), timezone) if first else BEGINS
    after = last + timedelta(days=1) if last else None
    return begins, organization.moment_at(after, time(), timezone) if after else ENDS
