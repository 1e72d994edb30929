"""Registers reception with the program."""

from __future__ import annotations

from flask import Flask

from clinic_web.events.organization import ClinicAdded, OrganizationChanged
from clinic_web.events.payments import PaymentCompleted
from clinic_web.kernel import bus
from clinic_web.kernel.errors import N_
from clinic_web.reception import handlers, live
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.boards import wire_boards
from clinic_web.ui import admin, sockets
from clinic_web.ui.nav import entry


def wire(app: Flask) -> None:
    app.register_blueprint(bp)
    wire_boards(app)
    sockets.topic_rule(live.QUEUE, live.may_join_queue)
    bus.subscribe(ClinicAdded, handlers.make_queue_of_clinic, schema="reception")
    bus.subscribe(OrganizationChanged, handlers.redraw_screens, schema="reception")
    bus.subscribe(PaymentCompleted, handlers.complete_paid_visit, schema="reception")
    admin.section(
        order=45,
        label=N_("Queues"),
        why=N_("Whom each clinic calls next, its priorities, and what its boards may show."),
        icon="ticket-perforated",
        endpoint="reception.queues",
        permission="organization.manage",
    )
    entry(order=5, label=N_("My line"), endpoint="reception.doctor", permission="doctor.view")
    entry(order=10, label=N_("Desk"), endpoint="reception.desk", permission="desk.view")
    entry(
        order=25,
        label=N_("Visits"),
        endpoint="reception.visits_list",
        permission="visit.view",
        is_start=False,
    )
    entry(order=50, label=N_("Boards"), endpoint="reception.boards", permission="board.pair", is_start=False)
