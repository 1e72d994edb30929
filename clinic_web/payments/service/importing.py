"""Past payments in bulk: what other systems took, with movements and ledger; too much is kept as credit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as pg_insert

from clinic_web.audit import api as audit
from clinic_web.kernel import clock, ids, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.money import ZERO
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import (
    CASH,
    PAID,
    PARTIALLY_PAID,
    PENDING,
    RECEIPT,
    Payment,
)
from clinic_web.payments.service import ledger
from clinic_web.payments.shares import (
    Shares,
    split,
)

CHUNK = 1000
NOTHING = Shares(ZERO, ZERO)

# Tables, not entities: for entities SQLAlchemy sends a statement of its own per pattern of null columns.
PAYMENTS, MOVEMENTS = (
    Payment.metadata.tables["payments.payments"],
    Payment.metadata.tables["payments.payment_transactions"],
)


@dataclass(frozen=True, kw_only=True)
class PastPayment:
    """What a past visit owed and what was received for it, with two decimals.

    ``received_amount`` may be zero, and may be above ``total_amount``. ``received_at`` is when; without it
    the time of opening.
    """

    visit_id: UUID
    patient_id: UUID
    facility_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID | None
    total_amount: Decimal
    received_amount: Decimal
    currency: str
    share_percent: Decimal
    share_rule_version: int
    opened_at: datetime
    received_at: datetime | None = None
    method: str = CASH
    ticket: str | None = None
    id: UUID = field(default_factory=ids.new_id)

    @property
    def applied(self) -> Decimal:
        return min(self.received_amount, self.total_amount)

    @property
    def credit(self) -> Decimal:
        return self.received_amount - self.applied

    @property
    def status(self) -> str:
        if self.applied == self.total_amount:
            return PAID
        return PARTIALLY_PAID if self.applied else PENDING

    @property
    def moved_at(self) -> datetime:
        return self.received_at or self.opened_at

    @property
    def shares(self) -> Shares:
        return split(self.applied, paid_before=ZERO, doctor_before=ZERO, percent=self.share_percent)


@dataclass(frozen=True, kw_only=True)
class OverPayment:
    """More was received than was owed; ``credit`` is kept for the patient."""

    payment_id: UUID
    visit_id: UUID
    patient_id: UUID
    total_amount: Decimal
    received_amount: Decimal
    credit: Decimal


@dataclass
class ImportedPayments:
    """What an import did. ``known``: rows whose visit already has a payment; they are left as they are."""

    payments: int = 0
    movements: int = 0
    known: int = 0
    over_payments: list[OverPayment] = field(default_factory=list)


def import_past_payments(actor: Actor, rows: Iterable[PastPayment]) -> ImportedPayments:
    """Write past payments, each with one movement and its ledger legs; return what was done.

    A visit that has a payment already is passed over, so a second run changes nothing. No events are told:
    the past concerns nobody's screen but the list of payments. A thousand rows take a few statements.
    """
    done = ImportedPayments()
    waiting = iter(rows)
    organization_id = actor.organization_id
    zones = {each.id: each.timezone for each in organization.directory(organization_id).facilities.values()}
    with transaction():
        while chunk := list(islice(waiting, CHUNK)):
            _write(actor, chunk, zones, done)
        if done.payments:
            new = _audited(done)
            audit.changed(actor, "payments.import", "organization", organization_id, old=None, new=new)
    return done


def _write(actor: Actor, chunk: list[PastPayment], zones: dict[UUID, str], done: ImportedPayments) -> None:
    new = _insert_payments(actor, chunk)
    done.payments += len(new)
    done.known += len(chunk) - len(new)
    paid = [past for past in new if past.received_amount]
    movements = [_movement(actor, past, zones[past.facility_id]) for past in paid]
    if movements:
        db.session.execute(insert(MOVEMENTS), movements)
    pairs = zip(paid, movements, strict=True)
    ledger.enter([leg for past, movement in pairs for leg in ledger.legs_of(movement, past.doctor_id)])
    done.movements += len(movements)
    done.over_payments += [_over_payment(past) for past in paid if past.credit]
    for clinic_id in {past.clinic_id for past in new}:
        push.changed(payments_topic(clinic_id))


def _insert_payments(actor: Actor, chunk: list[PastPayment]) -> list[PastPayment]:
    """Insert what is not there yet and return it."""
    adding = pg_insert(PAYMENTS).on_conflict_do_nothing(index_elements=["visit_id"]).returning(PAYMENTS.c.id)
    made = set(db.session.execute(adding, [_payment(actor, past) for past in chunk]).scalars())
    return [past for past in chunk if past.id in made]


def _payment(actor: Actor, past: PastPayment) -> dict[str, Any]:
    shares = past.shares if past.applied else NOTHING
    return {
        "id": past.id,
        "organization_id": actor.organization_id,
        "facility_id": past.facility_id,
        "clinic_id": past.clinic_id,
        "doctor_id": past.doctor_id,
        "service_id": past.service_id,
        "visit_id": past.visit_id,
        "patient_id": past.patient_id,
        "ticket": past.ticket,
        "currency": past.currency,
        "total_amount": past.total_amount,
        "amount_paid": past.applied,
        "doctor_share": shares.doctor,
        "center_share": shares.center,
        "share_percent": past.share_percent,
        "share_rule_version": past.share_rule_version,
        "shares_frozen_at": past.moved_at if past.received_amount else None,
        "status": past.status,
        "opened_at": past.opened_at,
        "due_at": past.opened_at,
        "paid_at": past.moved_at if past.status == PAID else None,
        "moved_at": past.moved_at if past.received_amount else None,
        "created_by": actor.user_id,
    }


def _movement(actor: Actor, past: PastPayment, timezone: str) -> dict[str, Any]:
    shares = past.shares if past.applied else NOTHING
    return {
        "id": ids.new_id(),
        "organization_id": actor.organization_id,
        "facility_id": past.facility_id,
        "payment_id": past.id,
        "patient_id": past.patient_id,
        "payment_number": ids.dated_number("PAY", clock.local(past.moved_at, timezone).date()),
        "kind": RECEIPT,
        "payment_date": past.moved_at,
        "payment_method": past.method,
        "amount": past.received_amount,
        "applied_amount": past.applied,
        "credit_amount": past.credit,
        "balance_after": past.total_amount - past.applied,
        "currency": past.currency,
        "doctor_share": shares.doctor,
        "center_share": shares.center,
        "status": "COMPLETED",
        "processed_by": actor.user_id,
        "processed_by_name": None,
        "idempotency_key": f"import:{past.visit_id}",
        "created_at": clock.now(),
    }


def _over_payment(past: PastPayment) -> OverPayment:
    return OverPayment(
        payment_id=past.id,
        visit_id=past.visit_id,
        patient_id=past.patient_id,
        total_amount=past.total_amount,
        received_amount=past.received_amount,
        credit=past.credit,
    )


def _audited(done: ImportedPayments) -> dict[str, Any]:
    credit = sum((each.credit for each in done.over_payments), ZERO)
    return {"payments": done.payments, "movements": done.movements, "known": done.known, "credit": credit}
