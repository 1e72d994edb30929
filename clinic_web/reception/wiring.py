"""Registers reception with the program."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.events.organization import LeaveAdded, LeaveRemoved
from clinic_web.events.payments import PaymentCompleted
from clinic_web.events.reception import (
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentRescheduled,
    WaitingOfferClosed,
)
from clinic_web.kernel import bus, schedule
from clinic_web.kernel.errors import N_
from clinic_web.reception import handlers, live
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.boards import wire_boards
from clinic_web.reception.service.offering import expire_due
from clinic_web.ui import sockets
from clinic_web.ui.nav import entry


def wire(app: Flask) -> None:
    app.register_blueprint(bp)
    wire_boards(app)
    sockets.topic_rule(live.QUEUE, live.may_join_queue)
    bus.subscribe(PaymentCompleted, handlers.complete_paid_visit, schema="reception")
    _wire_waiting_list()
    entry(order=5, label=N_("My line"), endpoint="reception.doctor", permission="doctor.view")
    entry(order=10, label=N_("Desk"), endpoint="reception.desk", permission="desk.view")
    entry(
        order=20,
        label=N_("Appointments"),
        endpoint="reception.calendar",
        permission="appointment.view",
        is_start=False,
    )
    entry(order=50, label=N_("Boards"), endpoint="reception.boards", permission="board.pair", is_start=False)


def _wire_waiting_list() -> None:
    """Each way in which a time is freed leads to an offer, once, whatever is killed in between."""
    bus.subscribe(AppointmentCancelled, handlers.offer_cancelled_time, schema="reception")
    bus.subscribe(AppointmentMissed, handlers.offer_missed_time, schema="reception")
    bus.subscribe(AppointmentRescheduled, handlers.offer_former_time, schema="reception")
    bus.subscribe(WaitingOfferClosed, handlers.offer_to_the_next, schema="reception")
    bus.subscribe(LeaveAdded, handlers.show_leave, schema="reception")
    bus.subscribe(LeaveRemoved, handlers.offer_time_without_leave, schema="reception")
    schedule.every(timedelta(minutes=1), "reception.expire_offers", expire_due)
