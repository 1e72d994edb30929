"""What notifications does when something happened elsewhere: write a row; a job sends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from clinic_web.events.billing import BillVoided
from clinic_web.events.lab import LabRescheduled
from clinic_web.events.orders import NotificationRequested, OrderCancelled, OrderFailed
from clinic_web.events.payments import PaymentReceived, PaymentRefunded
from clinic_web.events.reception import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    SessionCancelled,
    VisitCalled,
    VisitNext,
)
from clinic_web.kernel import clock
from clinic_web.kernel.actor import system_actor
from clinic_web.notifications.service import answering
from clinic_web.notifications.service.queueing import Message, queue
from clinic_web.reception import api as reception

# So long the desk has to find another time: then only that is told.
TIME_TO_SETTLE = timedelta(minutes=10)


def queue_booking_confirmation(event: AppointmentBooked) -> None:
    """Write the confirmation of a booking; a second delivery of the event finds it there."""
    _queue(event, "booking_confirmation", ("appointment", event.appointment_id), data=_promised(event))


def queue_move_notice(event: AppointmentRescheduled) -> None:
    """Write where the appointment is now, once per move."""
    about = ("appointment", event.appointment_id)
    _queue(event, "booking_moved", about, which=event.move_id, data=_promised(event))


def queue_cancellation_notice(event: AppointmentCancelled) -> None:
    """Write that the appointment is off."""
    if event.facility_id is None or event.start_time is None:
        return  # from before the event said what was cancelled
    _queue(event, "booking_cancelled", ("appointment", event.appointment_id), data=_promised(event))


def queue_session_notices(event: SessionCancelled) -> None:
    """Write to everybody who is expected in the session; who is moved or cancelled soon hears that alone."""
    actor = system_actor(event.organization_id, facility_id=event.facility_id)
    expected = reception.promises_of(actor, event.clinic_id, event.doctor_id, event.starts_at, event.ends_at)
    for each in expected:
        message = Message(
            organization_id=event.organization_id,
            facility_id=event.facility_id,
            patient_id=each.patient_id,
            template="session_cancelled",
            about=("appointment", each.id),
            which=event.leave_id,
            data={
                "booking_id": each.booking_id,
                "start_time": each.start_time,
                "clinic_id": event.clinic_id,
                "doctor_id": event.doctor_id,
                "facility_id": event.facility_id,
            },
        )
        queue(message, due_at=clock.now() + TIME_TO_SETTLE)


def queue_soon_notice(event: VisitNext) -> None:
    """Write that it is soon the visit's turn: once, when it is first told."""
    data = {"clinic_id": event.clinic_id, "ticket": event.ticket, "before": event.before}
    _queue(event, "visit_next", ("visit", event.visit_id), data=data)


def queue_turn_notice(event: VisitCalled) -> None:
    """Write that it is the visit's turn, and in which room."""
    data = {"clinic_id": event.clinic_id, "ticket": event.ticket, "room_id": event.room_id}
    _queue(event, "visit_called", ("visit", event.visit_id), data=data)


def queue_ready_notice(event: NotificationRequested) -> None:
    """Write that medicine is ready or when the laboratory expects the patient, and answer, each time anew."""
    data: dict[str, Any] = {"facility_id": event.facility_id}
    if event.starts_at:
        data["start_time"] = event.starts_at
    template = "lab_time" if event.order_type == "LAB" else "medicine_ready"
    about = ("order", event.order_id)
    answering.answer(event, _queue(event, template, about, data=data))


def queue_lab_move_notice(event: LabRescheduled) -> None:
    """Write when the laboratory expects the patient now, once per move."""
    data = {"facility_id": event.facility_id, "start_time": event.starts_at}
    _queue(event, "lab_moved", ("order", event.order_id), which=event.move_id, data=data)


def queue_failure_notice(event: OrderFailed) -> None:
    """Write that an order failed, why as far as a patient may read it, and what happens now."""
    data = {"facility_id": event.facility_id, "reason": event.reason}
    _queue(event, f"{_subject(event)}_failed", ("order", event.order_id), data=data)


def queue_order_cancellation(event: OrderCancelled) -> None:
    """Write that a person cancelled an order."""
    data = {"facility_id": event.facility_id}
    _queue(event, f"{_subject(event)}_cancelled", ("order", event.order_id), data=data)


def queue_receipt(event: PaymentReceived) -> None:
    """Write that money came in: one message per movement; that the payment is paid now adds none."""
    _queue(event, "receipt", ("payment_transaction", event.transaction_id), data=_money(event, event.amount))


def queue_refund_notice(event: PaymentRefunded) -> None:
    """Write that money went back, or that a receipt was a mistake."""
    template = "receipt_corrected" if event.corrects_id else "refund"
    _queue(event, template, ("payment_transaction", event.transaction_id), data=_money(event, event.amount))


def queue_refund_due_notice(event: BillVoided) -> None:
    """Write that what was paid for a bill waits to be given back."""
    if event.refund_due > 0:
        _queue(event, "refund_due", ("invoice", event.invoice_id), data=_money(event, event.refund_due))


def _queue(event: Any, template: str, about: tuple[str, Any], **rest: Any) -> Any:
    message = Message(
        organization_id=event.organization_id,
        facility_id=getattr(event, "facility_id", None),
        patient_id=event.patient_id,
        template=template,
        about=about,
        **rest,
    )
    return queue(message)


def _subject(event: OrderFailed | OrderCancelled) -> str:
    return "lab" if event.order_type == "LAB" else "medicine"


def _promised(event: AppointmentBooked | AppointmentRescheduled | AppointmentCancelled) -> dict[str, Any]:
    return {
        "booking_id": event.booking_id,
        "start_time": event.start_time,
        "clinic_id": event.clinic_id,
        "doctor_id": event.doctor_id,
        "facility_id": event.facility_id,
        "ticket": getattr(event, "ticket", None),
    }


def _money(event: PaymentReceived | PaymentRefunded | BillVoided, amount: Any) -> dict[str, Any]:
    return {"facility_id": event.facility_id, "amount": amount, "currency": event.currency}
