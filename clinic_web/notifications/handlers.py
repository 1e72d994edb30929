"""What notifications does when something happened elsewhere: write a row; a job sends it."""

from __future__ import annotations

from typing import Any

from clinic_web.events.reception import AppointmentBooked, AppointmentRescheduled
from clinic_web.notifications import service


def queue_booking_confirmation(event: AppointmentBooked) -> None:
    """Write the confirmation of a booking; a second delivery of the event finds it there."""
    service.queue_message(
        organization_id=event.organization_id,
        facility_id=event.facility_id,
        patient_id=event.patient_id,
        template="booking_confirmation",
        reference=f"appointment:{event.appointment_id}",
        data=_data(event),
    )


def queue_move_notice(event: AppointmentRescheduled) -> None:
    """Write where the appointment is now, once per move."""
    service.queue_message(
        organization_id=event.organization_id,
        facility_id=event.facility_id,
        patient_id=event.patient_id,
        template="booking_moved",
        reference=f"appointment:{event.appointment_id}:{event.move_id}",
        data=_data(event),
    )


def _data(event: AppointmentBooked | AppointmentRescheduled) -> dict[str, Any]:
    return {
        "booking_id": event.booking_id,
        "start_time": event.start_time.isoformat(),
        "clinic_id": str(event.clinic_id),
        "doctor_id": str(event.doctor_id),
        "facility_id": str(event.facility_id),
        "ticket": event.ticket,
    }
