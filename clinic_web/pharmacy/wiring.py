"""What pharmacy adds to the program: what it hears, its periodic work, its pages, who may hear its topics."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.audit import subjects as audited
from clinic_web.events.orders import CompensationRequested, OrderCreated
from clinic_web.events.reception import VisitFinished
from clinic_web.kernel import acting, bus, schedule, tenant
from clinic_web.kernel.errors import N_
from clinic_web.pharmacy import handlers, jobs, live, routes
from clinic_web.ui import policies
from clinic_web.ui.nav import entry
from clinic_web.ui.sockets import topic_rule

QUEUE = "stock"


def wire(app: Flask) -> None:
    app.register_blueprint(routes.bp)
    entry(order=41, label=N_("Pharmacy"), endpoint="pharmacy.page", permission="pharmacy.view")
    policies.address_names("order_id", "prescription", policies.FACILITY, at="pharmacy.")
    policies.address_names("dispensing_id", "dispensing", policies.FACILITY)
    bus.subscribe(
        OrderCreated,
        handlers.reserve_stock,
        schema="pharmacy",
        queue=QUEUE,
        concerns=handlers.is_prescription,
    )
    bus.subscribe(
        CompensationRequested,
        handlers.release_stock,
        schema="pharmacy",
        queue=QUEUE,
        concerns=handlers.is_held_here,
    )
    bus.subscribe(VisitFinished, handlers.stand_in_line, schema="pharmacy", queue=QUEUE)
    schedule.every(
        timedelta(minutes=1),
        "pharmacy.expire_reservations",
        tenant.in_each(jobs.expire_reservations),
        word=N_("End reservations that nobody fetched"),
        acts_for=acting.EACH_TENANT,
    )
    topic_rule(
        live.WORKLIST,
        live.may_join,
        permission="pharmacy.view",
        names="facility",
        within=policies.FACILITY,
    )
    audited.publish("pharmacy.v_of_patients")
