"""What notifications does when something happened elsewhere: write a row; a job sends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from clinic_web.events.reception import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    SessionCancelled,
)
from clinic_web.kernel import clock
from clinic_web.kernel.actor import system_actor
from clinic_web.notifications import service
from clinic_web.notifications.service import Message
from clinic_web.reception import api as reception

# So long the desk has to find another time: then only that is told.
TIME_TO_SETTLE = timedelta(minutes=10)


def queue_booking_confirmation(event: AppointmentBooked) -> None:
    """Write the confirmation of a booking; a second delivery of the event finds it there."""
    message = Message(
        patient_id=event.patient_id,
        template="booking_confirmation",
        reference=f"appointment:{event.appointment_id}",
        data=_data(event),
    )
    service.queue_messages(event.organization_id, event.facility_id, [message])


def queue_move_notice(event: AppointmentRescheduled) -> None:
    """Write where the appointment is now, once per move."""
    message = Message(
        patient_id=event.patient_id,
        template="booking_moved",
        reference=f"appointment:{event.appointment_id}:{event.move_id}",
        data=_data(event),
    )
    service.queue_messages(event.organization_id, event.facility_id, [message])


def queue_cancellation_notice(event: AppointmentCancelled) -> None:
    """Write that the appointment is off."""
    if event.facility_id is None or event.start_time is None:
        return  # from before the event said what was cancelled
    message = Message(
        patient_id=event.patient_id,
        template="booking_cancelled",
        reference=f"appointment:{event.appointment_id}",
        data={
            "booking_id": event.booking_id,
            "start_time": event.start_time.isoformat(),
            "clinic_id": str(event.clinic_id),
            "doctor_id": str(event.doctor_id),
            "facility_id": str(event.facility_id),
        },
    )
    service.queue_messages(event.organization_id, event.facility_id, [message])


def queue_session_notices(event: SessionCancelled) -> None:
    """Write to everybody who is expected in the session; who is moved or cancelled soon hears that alone."""
    actor = system_actor(event.organization_id, facility_id=event.facility_id)
    expected = reception.promises_of(actor, event.clinic_id, event.doctor_id, event.starts_at, event.ends_at)
    messages = [
        Message(
            patient_id=each.patient_id,
            template="session_cancelled",
            reference=f"appointment:{each.id}:{event.leave_id}",
            data={
                "appointment_id": str(each.id),
                "booking_id": each.booking_id,
                "start_time": each.start_time.isoformat(),
                "clinic_id": str(event.clinic_id),
                "doctor_id": str(event.doctor_id),
                "facility_id": str(event.facility_id),
            },
        )
        for each in expected
    ]
    due_at = clock.now() + TIME_TO_SETTLE
    service.queue_messages(event.organization_id, event.facility_id, messages, due_at=due_at)


def _data(event: AppointmentBooked | AppointmentRescheduled) -> dict[str, Any]:
    return {
        "booking_id": event.booking_id,
        "start_time": event.start_time.isoformat(),
        "clinic_id": str(event.clinic_id),
        "doctor_id": str(event.doctor_id),
        "facility_id": str(event.facility_id),
        "ticket": event.ticket,
    }
