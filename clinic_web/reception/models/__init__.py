"""Schema ``reception``, by subject: appointments, who waits for one, visits, queues, stations, displays."""

from clinic_web.kernel.tables import processed_events_table
from clinic_web.reception.models.appointments import Appointment, AppointmentMove
from clinic_web.reception.models.displays import BoardLogo, Display, DisplayQueue
from clinic_web.reception.models.queues import NumberBlock, Queue, QueueDay, QueueNumber, QueuePriority
from clinic_web.reception.models.settlements import Settlement, SettlementItem
from clinic_web.reception.models.stations import StationStop
from clinic_web.reception.models.told import DelayTold, NextTold, VisitMove
from clinic_web.reception.models.visits import Visit, VisitTransition
from clinic_web.reception.models.waiting import WaitingEntry, WaitingOffer

processed_events = processed_events_table("reception")

__all__ = [
    "Appointment",
    "AppointmentMove",
    "BoardLogo",
    "DelayTold",
    "Display",
    "DisplayQueue",
    "NextTold",
    "NumberBlock",
    "Queue",
    "QueueDay",
    "QueueNumber",
    "QueuePriority",
    "Settlement",
    "SettlementItem",
    "StationStop",
    "Visit",
    "VisitMove",
    "VisitTransition",
    "WaitingEntry",
    "WaitingOffer",
    "processed_events",
]
