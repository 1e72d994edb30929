"""The visits of one patient: a panel of the patient's page, and a page of its own."""

from __future__ import annotations

from uuid import UUID

from flask import request

from clinic_web.reception.queries.of_patient import visits_of_patient
from clinic_web.reception.routes import bp
from clinic_web.ui.web import actor, needs, page_or_fragment


@bp.get("/patients/<uuid:patient_id>/visits")
@needs("visit.view")
def patient_visits(patient_id: UUID) -> str:
    page = max(1, request.args.get("page", type=int, default=1))
    visits = visits_of_patient(actor(), patient_id, page)
    return page_or_fragment("reception/patient/page.html", "reception/patient/_visits.html", visits=visits)
