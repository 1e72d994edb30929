"""Registers the laboratory with the program."""

from __future__ import annotations

from flask import Flask

from clinic_web.audit import subjects as audited
from clinic_web.events.orders import CompensationRequested, OrderCreated
from clinic_web.events.reception import VisitFinished
from clinic_web.kernel import bus
from clinic_web.kernel.errors import N_
from clinic_web.lab import handlers, live
from clinic_web.lab.routes import bp
from clinic_web.ui import policies, sockets
from clinic_web.ui.nav import entry

QUEUE = "lab"


def wire(app: Flask) -> None:
    app.register_blueprint(bp)
    audited.publish("lab.v_of_patients")
    bus.subscribe(OrderCreated, handlers.hold_slots, schema="lab", queue=QUEUE, concerns=handlers.is_of_tests)
    bus.subscribe(
        CompensationRequested,
        handlers.release_slots,
        schema="lab",
        queue=QUEUE,
        concerns=handlers.is_held_here,
    )
    bus.subscribe(VisitFinished, handlers.stand_in_line, schema="lab", queue=QUEUE)
    _wire_topics()
    _wire_addresses()
    entry(order=41, label=N_("Laboratory"), endpoint="lab.page", permission="lab.view", is_start=True)


def _wire_topics() -> None:
    sockets.topic_rule(
        live.LAB, live.may_join_lab, permission="lab.view", names="facility", within=policies.FACILITY
    )
    sockets.topic_rule(
        live.ORDER,
        live.may_join_order,
        permission="order.view",
        names="order of tests",
        within=policies.FACILITY,
    )


def _wire_addresses() -> None:
    policies.address_names("lab_order_id", "test of an order", policies.FACILITY)
    policies.address_names("lab_test_id", "test of the catalogue", policies.TENANT)
    policies.address_names("order_id", "order of tests", policies.FACILITY, at="lab.")
