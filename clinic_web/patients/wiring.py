"""How patients are plugged in."""

from __future__ import annotations

from flask import Flask

from clinic_web.kernel.errors import N_
from clinic_web.patients import form_parts, patient_pages  # noqa: F401 - their routes belong to the blueprint
from clinic_web.patients.routes import bp
from clinic_web.ui.nav import entry


def wire(app: Flask) -> None:
    """Register the pages and their menu entry."""
    app.register_blueprint(bp)
    entry(
        order=30, label=N_("Patients"), endpoint="patients.find", permission="patient.search", is_start=False
    )
