"""Registers the laboratory with the program."""

from __future__ import annotations

from flask import Flask

from clinic_web.audit import subjects as audited
from clinic_web.events.orders import CompensationRequested, OrderCreated
from clinic_web.kernel import bus
from clinic_web.lab import handlers, live
from clinic_web.ui import policies, sockets

QUEUE = "lab"


def wire(app: Flask) -> None:
    audited.publish("lab.v_of_patients")
    bus.subscribe(OrderCreated, handlers.hold_slots, schema="lab", queue=QUEUE)
    bus.subscribe(CompensationRequested, handlers.release_slots, schema="lab", queue=QUEUE)
    _wire_topics()


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
