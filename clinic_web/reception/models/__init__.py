"""Schema ``reception``, split by subject: appointments, visits, queues, displays, waiting."""

from clinic_web.kernel.tables import processed_events_table
from clinic_web.reception.models.appointments import Appointment, AppointmentMove
from clinic_web.reception.models.displays import Display
from clinic_web.reception.models.queues import Queue, QueueDay, QueueNumber
from clinic_web.reception.models.visits import Visit, VisitTransition
from clinic_web.reception.models.waiting import WaitingEntry, WaitingOffer

processed_events = processed_events_table("reception")

__all__ = [
    "Appointment",
    "AppointmentMove",
    "Display",
    "Queue",
    "QueueDay",
    "QueueNumber",
    "Visit",
    "VisitTransition",
    "WaitingEntry",
    "WaitingOffer",
    "processed_events",
]
