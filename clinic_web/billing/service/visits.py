"""One bill per visit, whoever hears of it first: its line is what the payment was opened with."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from clinic_web.billing import places
from clinic_web.billing.live import bills_topic
from clinic_web.billing.models import CONSULTATION, ISSUED, VISIT, VISIT_OFF
from clinic_web.billing.service import statements
from clinic_web.billing.service.following import as_named, follow, hold
from clinic_web.events.billing import BillGenerated
from clinic_web.kernel import bus, clock, ids, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments import api as payments
from clinic_web.payments.api import Settlement

FRESH = "PENDING"  # of a payment: nothing has happened to it that its bill could have missed


def settle_visit(actor: Actor, visit_id: UUID, *, is_off: bool | None = None) -> None:
    """Make the visit's bill unless there is one, and let it follow its payment.

    ``is_off``: whether the visit is off now; None leaves what is known. A visit of ours that has no payment
    has no bill.
    """
    with transaction():
        payment = payments.lock_of_visit(actor, visit_id)
        if payment is not None:
            _settle(actor, payment, is_off)


def settle_payment(actor: Actor, payment_id: UUID) -> None:
    """Let the bill of a payment follow it; a visit's is made if need be, an order's is when it is billed."""
    with transaction():
        payment = payments.lock(actor, payment_id)
        if payment is None:
            return
        if payment.visit_id is not None:
            _settle(actor, payment, None)
        elif bill := hold(actor, payment_id):
            follow(actor, payment, bill, bill.fate)


def _settle(actor: Actor, payment: Settlement, is_off: bool | None) -> None:
    is_new = _make(actor, payment)
    if is_new and payment.status == FRESH and not is_off:
        return
    bill = hold(actor, payment.id)
    if bill is None:
        raise LookupError(f"the bill of payment {payment.id} is of another visit")
    fate = bill.fate
    if is_off is not None:
        fate = fate.with_undone(VISIT_OFF if is_off else None)
    follow(actor, payment, bill, fate)


def _make(actor: Actor, payment: Settlement) -> bool:
    """Write the bill unless there is one; return whether there was none. The payment is held."""
    values = _values(actor, payment)
    if statements.BILL_VISIT.first(values) is None:
        return False
    push.changed(bills_topic(payment.clinic_id))
    bus.publish(
        BillGenerated(
            organization_id=actor.organization_id,
            facility_id=payment.facility_id,
            invoice_id=values["id"],
            payment_id=payment.id,
            patient_id=payment.patient_id,
            visit_id=payment.visit_id,
            total_amount=payment.total_amount,
            currency=payment.currency,
        ),
        actor,
    )
    return True


def _values(actor: Actor, payment: Settlement) -> dict[str, Any]:
    def day(moment: Any) -> Any:
        return places.day_at(actor.organization_id, payment.facility_id, moment)

    now = clock.now()
    line = {
        "id": str(ids.new_id()),
        "line_number": 1,
        "item_type": CONSULTATION,
        "item_id": str(payment.service_id) if payment.service_id else None,
        "quantity": 1,
        "unit_price": str(payment.total_amount),
        "line_total": str(payment.total_amount),
        **as_named(actor, payment.service_id),
    }
    return {
        "id": ids.new_id(),
        "organization_id": actor.organization_id,
        "facility_id": payment.facility_id,
        "clinic_id": payment.clinic_id,
        "invoice_number": ids.dated_number("INV", day(now)),
        "invoice_type": VISIT,
        "patient_id": payment.patient_id,
        "doctor_id": payment.doctor_id,
        "visit_id": payment.visit_id,
        "of_visit_id": payment.visit_id,
        "order_id": None,
        "prescription_id": None,
        "payment_id": payment.id,
        "currency": payment.currency,
        "total_amount": payment.total_amount,
        "status": ISSUED,
        "invoice_date": day(now),
        "due_date": day(payment.due_at),
        "paid_date": None,
        "now": now,
        "lines": json.dumps([line]),
    }
