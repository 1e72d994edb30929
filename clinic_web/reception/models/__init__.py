"""Schema ``reception``, split by subject: appointments, visits, queues, displays."""

from clinic_web.kernel.tables import processed_events_table
from clinic_web.reception.models.appointments import Appointment
from clinic_web.reception.models.displays import BoardLogo, Display, DisplayQueue
from clinic_web.reception.models.queues import Queue, QueueDay, QueueNumber
from clinic_web.reception.models.visits import Visit, VisitTransition

processed_events = processed_events_table("reception")

__all__ = [
    "Appointment",
    "BoardLogo",
    "Display",
    "DisplayQueue",
    "Queue",
    "QueueDay",
    "QueueNumber",
    "Visit",
    "VisitTransition",
    "processed_events",
]
