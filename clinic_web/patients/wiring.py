"""How patients are plugged in."""

from __future__ import annotations

from flask import Flask

from clinic_web.kernel.errors import N_
from clinic_web.patients import (
    form_parts,  # noqa: F401 - its routes belong to the blueprint
    list_routes,
    live,
    patient_pages,  # noqa: F401 - the same
)
from clinic_web.patients.routes import bp
from clinic_web.ui import sockets
from clinic_web.ui.nav import entry


def wire(app: Flask) -> None:
    """Register the pages and their menu entry."""
    app.register_blueprint(bp)
    sockets.topic_rule(live.PATIENTS, live.may_join)
    entry(
        order=30,
        label=N_("Patients"),
        endpoint=list_routes.PATIENTS.endpoint,
        permission="patient.search",
        is_start=False,
    )
