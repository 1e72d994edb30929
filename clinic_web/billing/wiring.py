"""What billing adds to the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from clinic_web.audit import subjects as audited
from clinic_web.billing import handlers, live
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
from clinic_web.kernel import bus
from clinic_web.ui import policies
from clinic_web.ui.sockets import topic_rule

QUEUE = "billing"
HEARS: dict[type[Any], Callable[[Any], None]] = {
    AppointmentBooked: handlers.bill_visit,
    VisitOpened: handlers.bill_visit,
    AppointmentRescheduled: handlers.bill_visit,
    VisitMoved: handlers.bill_visit,
    AppointmentCancelled: handlers.close_or_reopen,
    AppointmentMissed: handlers.close_or_reopen,
    VisitCancelled: handlers.close_or_reopen,
    VisitMissed: handlers.close_or_reopen,
    PaymentReceived: handlers.allocate,
    PaymentRefunded: handlers.allocate,
    PaymentVoided: handlers.allocate,
    PaymentReopened: handlers.claim_again,
    BillingRequested: handlers.bill_order,
    CompensationRequested: handlers.undo_bill,
    StockReleased: handlers.void_released,
    ReservationExpired: handlers.void_released,
    LabReleased: handlers.void_released,
    PrescriptionDispensed: handlers.note_served,
}


def wire(app: Flask) -> None:
    for event, handler in HEARS.items():
        concerns = handlers.is_ours if event is CompensationRequested else None
        bus.subscribe(event, handler, schema="billing", queue=QUEUE, concerns=concerns)
    audited.publish("billing.v_of_patients")
    topic_rule(live.BILLS, live.may_join, permission="bill.view", names="clinic", within=policies.FACILITY)
