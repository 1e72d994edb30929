"""Registers reception with the program."""

from __future__ import annotations

from flask import Flask

from clinic_web.events.payments import PaymentCompleted, PaymentRefunded, PaymentVoided
from clinic_web.kernel import bus, metrics
from clinic_web.kernel.errors import N_
from clinic_web.reception import handlers, live
from clinic_web.reception.queries.displays import displays_live
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.boards import wire_boards
from clinic_web.ui import sockets
from clinic_web.ui.nav import entry


def wire(app: Flask) -> None:
    app.register_blueprint(bp)
    wire_boards(app)
    sockets.topic_rule(live.QUEUE, live.may_join_queue)
    bus.subscribe(PaymentCompleted, handlers.complete_paid_visit, schema="reception")
    bus.subscribe(PaymentRefunded, handlers.complete_settled_visit, schema="reception")
    bus.subscribe(PaymentVoided, handlers.complete_settled_visit, schema="reception")
    entry(order=5, label=N_("My line"), endpoint="reception.doctor", permission="doctor.view")
    entry(order=10, label=N_("Desk"), endpoint="reception.desk", permission="desk.view")
    entry(order=50, label=N_("Boards"), endpoint="reception.boards", permission="board.pair", is_start=False)
    metrics.reading("displays", "Paired displays, by whether they are on", displays_live, label="state")
