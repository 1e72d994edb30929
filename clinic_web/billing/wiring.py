"""What billing adds to the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from clinic_web.audit import subjects as audited
from clinic_web.billing import handlers, list_routes, live, routes, rule_routes
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
from clinic_web.kernel.errors import N_
from clinic_web.ui import admin, policies
from clinic_web.ui.nav import entry
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


VIEWS = (routes, list_routes)  # each adds its views to the one blueprint


def wire(app: Flask) -> None:
    app.register_blueprint(routes.bp)
    app.register_blueprint(rule_routes.bp)
    for event, handler in HEARS.items():
        concerns = handlers.is_ours if event is CompensationRequested else None
        bus.subscribe(event, handler, schema="billing", queue=QUEUE, concerns=concerns)
    audited.publish("billing.v_of_patients")
    topic_rule(live.BILLS, live.may_join, permission="bill.view", names="clinic", within=policies.FACILITY)
    policies.address_names("invoice_id", "bill", policies.FACILITY)
    entry(order=41, label=N_("Bills"), endpoint="billing.bills_list", permission="bill.view", is_start=False)
    admin.section(
        order=121,
        label=N_("Payment first"),
        why=N_("What must be paid before the pharmacy or the laboratory serves."),
        icon="wallet2",
        endpoint="payment_rules.page",
        permission="organization.manage",
    )
