"""Schema ``reception``, split by subject: appointments, visits, queues, stations, displays."""

from clinic_web.kernel.tables import processed_events_table
from clinic_web.reception.models.appointments import Appointment
from clinic_web.reception.models.displays import Display
from clinic_web.reception.models.queues import NumberBlock, Queue, QueueDay, QueueNumber, QueuePriority
from clinic_web.reception.models.stations import StationStop
from clinic_web.reception.models.told import DelayTold, NextTold, VisitMove
from clinic_web.reception.models.visits import Visit, VisitTransition

processed_events = processed_events_table("reception")

__all__ = [
    "Appointment",
    "DelayTold",
    "Display",
    "NextTold",
    "NumberBlock",
    "Queue",
    "QueueDay",
    "QueueNumber",
    "QueuePriority",
    "StationStop",
    "Visit",
    "VisitMove",
    "VisitTransition",
    "processed_events",
]
