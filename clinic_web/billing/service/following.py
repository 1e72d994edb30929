"""A bill follows its payment: what is owed, what was paid and given back, whether it is void.

Tidings come late, twice and in any order, so none of them is added up: whoever hears one holds the payment,
reads all its movements and makes the bill say the same. The payment is held first and the bill after it, by
everybody, so that neither misses what the other does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.billing import places
from clinic_web.billing.live import bills_topic
from clinic_web.billing.models import CORRECTION, PAYMENT, REFUND, VISIT
from clinic_web.billing.rules import Fate, status_of
from clinic_web.billing.service import statements
from clinic_web.events.billing import BillVoided
from clinic_web.kernel import bus, clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.kernel.money import ZERO
from clinic_web.payments import api as payments
from clinic_web.payments.api import Settlement

GIVEN_UP = N_("What was ordered is off.")


@dataclass(frozen=True, kw_only=True)
class Held:
    """A bill as it stands, locked until the commit."""

    id: UUID
    facility_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    invoice_number: str
    invoice_type: str
    patient_id: UUID
    visit_id: UUID | None
    order_id: UUID | None
    payment_id: UUID
    currency: str
    total_amount: Decimal
    paid_amount: Decimal
    status: str
    due_date: date | None
    paid_date: date | None
    undone_reason: str | None
    released_reason: str | None
    served: str | None
    served_version: int
    off_at: datetime | None
    kept_at: datetime | None
    item_id: UUID | None

    @property
    def fate(self) -> Fate:
        return Fate(
            undone=self.undone_reason,
            released=self.released_reason,
            served=self.served,
            served_version=self.served_version,
            is_kept=self.kept_at is not None,
        )


def hold(actor: Actor, payment_id: UUID) -> Held | None:
    """Hold the bill of a payment that is held already; None while nobody has made one."""
    row = statements.HOLD.first({"organization_id": actor.organization_id, "payment_id": payment_id})
    return Held(**row._asdict()) if row else None


def follow(actor: Actor, payment: Settlement, bill: Held, fate: Fate) -> Decimal:
    """Make the bill say what its payment says and what became of what was billed.

    What is off and was never paid is given up with its payment. Returns what was paid of something that is
    off, for a person to decide.
    """
    payment = _give_up(actor, payment, fate)
    after = _as_it_should_be(actor, payment, bill, fate)
    _write(actor, payment, bill, after)
    if after != bill:
        _tell(actor, payment, bill, after)
    return payment.kept if fate.is_doubtful else ZERO


def _give_up(actor: Actor, payment: Settlement, fate: Fate) -> Settlement:
    if not (fate.is_off and payment.may_be_voided):
        return payment
    payments.void(actor, payment.id, GIVEN_UP)
    db.session.flush()  # what follows asks PostgreSQL without the session
    return replace(payment, status="VOIDED", paid_at=None)


def _as_it_should_be(actor: Actor, payment: Settlement, bill: Held, fate: Fate) -> Held:
    def day(moment: datetime) -> date:
        return places.day_at(actor.organization_id, payment.facility_id, moment)

    is_off = fate.is_doubtful or payment.is_void
    return replace(
        bill,
        clinic_id=payment.clinic_id,
        doctor_id=payment.doctor_id,
        total_amount=payment.total_amount,
        paid_amount=payment.kept,
        status=status_of(payment, fate),
        due_date=day(payment.due_at),
        paid_date=day(payment.paid_at) if payment.paid_at else None,
        undone_reason=fate.undone,
        released_reason=fate.released,
        served=fate.served,
        served_version=fate.served_version,
        off_at=(bill.off_at or clock.now()) if is_off else None,
        kept_at=bill.kept_at if fate.is_kept and fate.is_doubtful else None,
        item_id=payment.service_id if bill.invoice_type == VISIT else bill.item_id,
    )


def _write(actor: Actor, payment: Settlement, bill: Held, after: Held) -> None:
    moved = json.dumps([_allocation(each) for each in payment.movements if each.amount])
    values: dict[str, Any] = {
        **vars(after),
        "organization_id": actor.organization_id,
        "moved": moved,
        "now": clock.now(),
    }
    if after != bill:
        statements.FOLLOW.run(values)
    elif payment.movements:
        statements.ALLOCATE.run(values)
    if bill.invoice_type == VISIT and (bill.item_id, bill.total_amount) != (
        after.item_id,
        after.total_amount,
    ):
        statements.REPRICE.run({**values, **as_named(actor, after.item_id)})


def as_named(actor: Actor, service_id: UUID | None) -> dict[str, str | None]:
    """Return code and names of a service as a bill says them."""
    service = places.service_of(actor.organization_id, service_id)
    return {
        "item_code": service.code if service else None,
        "item_name": service.name if service else "Visit",
        "item_name_ar": service.name_ar if service else None,
    }


def _allocation(moved: payments.Moved) -> dict[str, str]:
    kind = CORRECTION if moved.is_correction else PAYMENT if moved.amount > 0 else REFUND
    return {"transaction_id": str(moved.id), "amount": str(moved.amount), "kind": kind}


def _tell(actor: Actor, payment: Settlement, bill: Held, after: Held) -> None:
    push.changed(bills_topic(after.clinic_id))
    if bill.clinic_id != after.clinic_id:
        push.changed(bills_topic(bill.clinic_id))
    has_gone_off = after.off_at is not None and bill.off_at is None
    if (after.off_at is None) != (bill.off_at is None):
        action = "bill.void" if has_gone_off else "bill.reopen"
        audit.changed(actor, action, "invoice", bill.id, old=_audited(bill), new=_audited(after))
    if has_gone_off:
        bus.publish(
            BillVoided(
                organization_id=actor.organization_id,
                facility_id=after.facility_id,
                invoice_id=after.id,
                payment_id=after.payment_id,
                patient_id=after.patient_id,
                visit_id=after.visit_id,
                order_id=after.order_id,
                refund_due=payment.kept,
                currency=after.currency,
            ),
            actor,
        )


def _audited(bill: Held) -> dict[str, Any]:
    return {
        "status": bill.status,
        "total_amount": bill.total_amount,
        "paid_amount": bill.paid_amount,
        "reason": bill.undone_reason or bill.released_reason,
    }
