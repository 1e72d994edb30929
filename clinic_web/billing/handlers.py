"""What billing does when others tell something: it decides by the rows, never by what was told first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from clinic_web.billing.models import LAB_RELEASED, PART, RESERVATION_EXPIRED, STOCK_RELEASED, WHOLE
from clinic_web.billing.service import orders, visits
from clinic_web.events.lab import LabReleased
from clinic_web.events.orders import BillingRequested, CompensationRequested
from clinic_web.events.payments import PaymentReceived, PaymentRefunded, PaymentReopened, PaymentVoided
from clinic_web.events.pharmacy import PrescriptionDispensed, ReservationExpired, StockReleased
from clinic_web.events.reception import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentRescheduled,
    VisitCancelled,
    VisitMissed,
    VisitMoved,
    VisitOpened,
)
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.reception import api as reception

BILL = "BILL"  # the step of an order's saga that is ours
NONE = "NONE"  # of an order that was put back on the shelf
OFF = ("CANCELLED", "NO_SHOW")
REASONS: dict[type[Any], str] = {
    StockReleased: STOCK_RELEASED,
    ReservationExpired: RESERVATION_EXPIRED,
    LabReleased: LAB_RELEASED,
}


def _billing(organization_id: UUID) -> Actor:
    return system_actor(organization_id, name="billing")


def bill_visit(event: AppointmentBooked | VisitOpened | AppointmentRescheduled | VisitMoved) -> None:
    """One bill per visit; it follows the payment to another price, clinic or day."""
    visits.settle_visit(_billing(event.organization_id), event.visit_id)


def close_or_reopen(event: AppointmentCancelled | AppointmentMissed | VisitCancelled | VisitMissed) -> None:
    """The visit is off; or it was, and the patient came after all before this was heard."""
    actor = _billing(event.organization_id)
    visits.settle_visit(actor, event.visit_id, is_off=_is_off(actor, event.visit_id))


def _is_off(actor: Actor, visit_id: UUID) -> bool:
    return reception.visit_states(actor, [visit_id]).get(visit_id) in OFF


def allocate(event: PaymentReceived | PaymentRefunded | PaymentVoided) -> None:
    """Money moved, or the claim was given up."""
    visits.settle_payment(_billing(event.organization_id), event.payment_id)


def claim_again(event: PaymentReopened) -> None:
    actor = _billing(event.organization_id)
    if event.visit_id is not None:
        visits.settle_visit(actor, event.visit_id, is_off=_is_off(actor, event.visit_id))
    else:
        visits.settle_payment(actor, event.payment_id)


def bill_order(event: BillingRequested) -> None:
    orders.bill_order(_billing(event.organization_id), event)


def is_ours(event: CompensationRequested) -> bool:
    """Whether the step to undo is the bill; of any other one nothing is delivered here."""
    return event.step == BILL


def undo_bill(event: CompensationRequested) -> None:
    if is_ours(event):
        orders.undo(_billing(event.organization_id), event.facility_id, event.order_id)


def void_released(event: StockReleased | ReservationExpired | LabReleased) -> None:
    orders.release(_billing(event.organization_id), event.facility_id, event.order_id, REASONS[type(event)])


def note_served(event: PrescriptionDispensed) -> None:
    served = event.with_patient or (WHOLE if event.is_whole else PART)
    orders.serve(
        _billing(event.organization_id),
        event.facility_id,
        event.order_id,
        None if served == NONE else served,
        event.version,
    )
