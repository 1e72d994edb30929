"""Registers reception with the program."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.events.payments import PaymentCompleted
from clinic_web.events.reception import VisitCalled, VisitCancelled, VisitCheckedIn, VisitMoved
from clinic_web.kernel import bus, schedule
from clinic_web.kernel.errors import N_
from clinic_web.reception import handlers, jobs, live
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.boards import wire_boards
from clinic_web.ui import sockets
from clinic_web.ui.nav import entry


def wire(app: Flask) -> None:
    app.register_blueprint(bp)
    wire_boards(app)
    sockets.topic_rule(live.QUEUE, live.may_join_queue)
    bus.subscribe(PaymentCompleted, handlers.complete_paid_visit, schema="reception")
    for event in (VisitCalled, VisitCheckedIn, VisitCancelled, VisitMoved):
        bus.subscribe(event, handlers.tell_who_is_soon, schema="reception")
    schedule.every(timedelta(minutes=5), "reception.tell_delays", jobs.tell_delays)
    entry(order=5, label=N_("My line"), endpoint="reception.doctor", permission="doctor.view")
    entry(order=10, label=N_("Desk"), endpoint="reception.desk", permission="desk.view")
    entry(order=42, label=N_("Counter"), endpoint="reception.my_station", permission="station.work")
    entry(
        order=45,
        label=N_("Lines"),
        endpoint="reception.queues",
        permission="queue.reserve",
        is_start=False,
    )
    entry(order=50, label=N_("Boards"), endpoint="reception.boards", permission="board.pair", is_start=False)
