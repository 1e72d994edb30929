"""What payments adds to the program: its pages, its menu entry, who may hear its topics."""

from __future__ import annotations

from flask import Flask

from clinic_web.audit import subjects as audited
from clinic_web.kernel.errors import N_
from clinic_web.patients import api as patients
from clinic_web.payments import limit_routes, live, receipt_routes, refund_routes, routes
from clinic_web.payments import patient_panel as _panel  # noqa: F401 - its route belongs to the blueprint
from clinic_web.payments.queries.of_patient import check_payments
from clinic_web.ui import admin, policies
from clinic_web.ui.nav import entry
from clinic_web.ui.sockets import topic_rule

VIEWS = (routes, refund_routes, receipt_routes)  # each adds its views to the one blueprint


def wire(app: Flask) -> None:
    app.register_blueprint(routes.bp)
    app.register_blueprint(limit_routes.bp)
    admin.section(
        order=120,
        label=N_("Refund limits"),
        why=N_("How much of one payment each role may give back."),
        icon="arrow-counterclockwise",
        endpoint="refund_limits.page",
        permission="organization.manage",
    )
    entry(order=40, label=N_("Payments"), endpoint="payments.page", permission="payment.view")
    patients.merge_check("payments.payments", check_payments)
    audited.publish("payments.v_of_patients")
    topic_rule(
        live.PAYMENTS, live.may_join, permission="payment.view", names="clinic", within=policies.FACILITY
    )
    policies.address_names(
        "patient_id", "patient", policies.TENANT, at="payments.patient_", strangers=("patient.view_any",)
    )
    policies.address_names("payment_id", "payment", policies.FACILITY)
    policies.address_names("receipt_id", "receipt", policies.FACILITY)
