"""What orders adds to the program."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.events.billing import BillVoided, OrderBilled, OrderBillingFailed, OrderUnbilled
from clinic_web.events.lab import (
    LabReleased,
    LabRescheduled,
    LabResultReady,
    LabScheduled,
    LabSchedulingFailed,
)
from clinic_web.events.notifications import NotificationFailed, NotificationQueued
from clinic_web.events.pharmacy import (
    PrescriptionDispensed,
    ReservationExpired,
    StockReleased,
    StockReservationFailed,
    StockReserved,
)
from clinic_web.kernel import acting, bus, metrics, schedule, tenant
from clinic_web.kernel.errors import N_
from clinic_web.orders import handlers, jobs, live
from clinic_web.orders.routes import bp
from clinic_web.orders.service.watching import attention
from clinic_web.ui import policies, sockets
from clinic_web.ui.nav import entry

# Often enough that who waits thirty seconds for an answer does not wait much longer.
WATCH_EVERY = timedelta(seconds=15)

HEARD = (
    (StockReserved, handlers.note_stock_reserved),
    (LabScheduled, handlers.note_lab_scheduled),
    (StockReservationFailed, handlers.turn_back_without_stock),
    (LabSchedulingFailed, handlers.turn_back_without_slot),
    (StockReleased, handlers.note_released),
    (LabReleased, handlers.note_released),
    (ReservationExpired, handlers.note_reservation_expired),
    (PrescriptionDispensed, handlers.note_dispensed),
    (LabRescheduled, handlers.note_lab_rescheduled),
    (LabResultReady, handlers.note_result_ready),
    (OrderBilled, handlers.note_billed),
    (OrderBillingFailed, handlers.turn_back_without_bill),
    (OrderUnbilled, handlers.note_unbilled),
    (BillVoided, handlers.note_bill_voided),
    (NotificationQueued, handlers.note_patient_told),
    (NotificationFailed, handlers.note_patient_not_told),
)


def wire(app: Flask) -> None:
    app.register_blueprint(bp)
    for event, handler in HEARD:
        concerns = handlers.is_of_an_order if event is BillVoided else None
        bus.subscribe(event, handler, schema="orders", concerns=concerns)
    schedule.every(
        WATCH_EVERY,
        "orders.watch",
        tenant.in_each(jobs.watch),
        word=N_("Look after orders that wait for an answer"),
        acts_for=acting.EACH_TENANT,
    )
    metrics.reading(
        "orders_attention", "Orders that need a human, or that nobody looks after", attention, label="why"
    )
    _wire_topics()
    _wire_addresses()
    entry(
        order=24, label=N_("Orders"), endpoint="orders.orders_list", permission="order.view", is_start=False
    )


def _wire_topics() -> None:
    for prefix, may_join, names in (
        (live.ORDER, live.may_join_order, "order"),
        (live.OF_VISIT, live.may_join_visit, "visit"),
        (live.OF_CLINIC, live.may_join_clinic, "clinic"),
    ):
        sockets.topic_rule(prefix, may_join, permission="order.view", names=names, within=policies.FACILITY)


def _wire_addresses() -> None:
    policies.address_names("order_id", "order", policies.FACILITY)
    policies.address_names("item_id", "medicine", policies.TENANT, at="orders.line")
    policies.address_names(
        "patient_id", "patient", policies.TENANT, at="orders.patient_", strangers=("patient.view_any",)
    )
