"""Payments as other programs see them: what is owed and paid, ids and versions, and nobody's name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.kernel import keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.keyset import Table, Where
from clinic_web.kernel.listing import Asked, Cursor, Grammar, Sort
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.payments.access import payment_for
from clinic_web.payments.models import STATUSES
from clinic_web.payments.queries.bill import Movement, movements_of

MOMENT = "COALESCE(p.moved_at, p.due_at)"  # as the index has it
PAYMENTS = Table(
    columns="""p.id, p.version, p.status, p.facility_id, p.clinic_id, p.doctor_id, p.service_id, p.visit_id,
        p.patient_id, p.ticket, p.currency, p.total_amount, p.amount_paid, p.amount_refunded, p.balance_due,
        p.opened_at, p.due_at, p.paid_at, p.moved_at, p.voided_at""",
    source="payments.payments p",
    id="p.id",
    state="p.status",
)
PAYMENTS_ASK = Grammar(
    filters={
        "state": listing.one_of({each: each for each in STATUSES}),
        "clinic": UUID,
        "doctor": UUID,
        "service": UUID,
        "patient": UUID,
        "visit": UUID,
    },
    sorts={"time": Sort((MOMENT,), (listing.a_moment,))},
    order="-time",
    when="any",
)
ONE = Statement(
    f"""SELECT {PAYMENTS.columns} FROM {PAYMENTS.source}
         WHERE p.id = :id AND p.organization_id = :organization_id
           AND (CAST(:facility_id AS uuid) IS NULL OR p.facility_id = :facility_id)"""  # noqa: S608
)


@dataclass(frozen=True, kw_only=True)
class PlainPayment:
    id: UUID
    version: int
    status: str
    facility_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID | None
    visit_id: UUID | None
    patient_id: UUID
    ticket: str | None
    currency: str
    total_amount: Decimal
    amount_paid: Decimal
    amount_refunded: Decimal
    balance_due: Decimal
    opened_at: datetime
    due_at: datetime
    paid_at: datetime | None
    moved_at: datetime | None
    voided_at: datetime | None


def plain_payments(actor: Actor, asked: Asked, size: int) -> tuple[list[PlainPayment], Cursor | None]:
    """Return ``size`` of the facility's payments that moved, or are due, in the asked days; and where the
    next ones begin."""
    state = asked.get("state")
    states = (state,) if state else None
    return keyset.stretch(PAYMENTS, _where(actor, asked), asked, _payment, states=states, size=size)


def plain_payment(actor: Actor, payment_id: UUID) -> PlainPayment:
    """Return the payment as it is now; NotFound (404). Whoever shows it notes the look."""
    asks = {"id": payment_id, "organization_id": actor.organization_id, "facility_id": actor.facility_id}
    row = ONE.first(asks)
    if row is None:
        raise NotFound(N_("This payment is not here (any more)."))
    return PlainPayment(**row._asdict())


def movements_for(actor: Actor, payment_id: UUID) -> list[Movement]:
    """Return what came in and went back of a payment, the oldest first; NotFound (404)."""
    return movements_of(payment_for(actor, payment_id).id)


def _where(actor: Actor, asked: Asked) -> Where:
    facility, where = organization.facility(actor), Where()
    where.add(
        "p.organization_id = :organization_id AND p.facility_id = :facility_id",
        organization_id=actor.organization_id,
        facility_id=facility.id,
    )
    if asked.period.first:
        begins = organization.moment_at(asked.period.first, time(), facility.timezone)
        where.add(f"{MOMENT} >= :first", first=begins)
    if asked.period.last:
        ends = organization.moment_at(asked.period.last + timedelta(days=1), time(), facility.timezone)
        where.add(f"{MOMENT} < :last", last=ends)
    for name in ("clinic", "doctor", "service", "visit"):
        where.add_given(f"p.{name}_id = :{name}", asked, name)
    if wanted := asked.get("patient"):
        where.add("p.patient_id = ANY(:patients)", patients=[wanted, *patients.ids_of(wanted)])
    return where


def _payment(row: Any) -> PlainPayment:
    return PlainPayment(**{name: getattr(row, name) for name in PlainPayment.__dataclass_fields__})
