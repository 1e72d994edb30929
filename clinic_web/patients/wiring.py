"""How patients are plugged in."""

from __future__ import annotations

from flask import Flask

from clinic_web.audit import subjects as audited
from clinic_web.kernel.errors import N_
from clinic_web.patients import (
    chart,
    emergency_routes,
    form_parts,  # noqa: F401 - its routes belong to the blueprint
    list_routes,
    live,
    patient_pages,  # noqa: F401 - the same
)
from clinic_web.patients.chart import ChartClosed
from clinic_web.patients.routes import bp
from clinic_web.ui import policies, sockets
from clinic_web.ui.nav import entry


def wire(app: Flask) -> None:
    """Register the pages and their menu entry."""
    app.register_blueprint(bp)
    app.register_error_handler(ChartClosed, emergency_routes.closed)
    sockets.topic_rule(
        live.PATIENTS, live.may_join, permission="patient.search", names="tenant", within=policies.TENANT
    )
    sockets.topic_rule(
        live.EMERGENCIES,
        live.may_join_emergencies,
        permission="emergency.review",
        names="tenant",
        within=policies.TENANT,
    )
    policies.address_names("patient_id", "patient", policies.TENANT)
    for shows_a_chart in ("patients.patient", "patients.edit", "patients.change", "patients.merge"):
        policies.address_names(
            "patient_id", "patient", policies.TENANT, at=shows_a_chart, strangers=(chart.ANY,)
        )
    policies.address_names("patient_id", "patient", policies.TENANT, at="patients.merge_with")
    policies.address_names("link_id", "merge of patients", policies.TENANT)
    policies.address_names("emergency_id", "emergency", policies.TENANT)
    audited.publish("patients.v_of_patients")
    entry(
        order=30,
        label=N_("Patients"),
        endpoint=list_routes.PATIENTS.endpoint,
        permission="patient.search",
        is_start=False,
    )
    entry(
        order=84,
        label=N_("Emergencies"),
        endpoint=emergency_routes.EMERGENCIES.endpoint,
        permission="emergency.review",
        is_start=False,
        stands_in="audit.view",
    )
