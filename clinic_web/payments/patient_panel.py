"""The bills of one patient: a panel of the patient's page, and a page of its own."""

from __future__ import annotations

from uuid import UUID

from flask import request

from clinic_web.payments.queries.of_patient import payments_of_patient
from clinic_web.payments.routes import bp
from clinic_web.ui.web import actor, needs, page_or_fragment


@bp.get("/of-patient/<uuid:patient_id>")
@needs("payment.view")
def patient_payments(patient_id: UUID) -> str:
    page = max(1, request.args.get("page", type=int, default=1))
    bills = payments_of_patient(actor(), patient_id, page)
    return page_or_fragment("payments/patient.html", "payments/_patient.html", bills=bills)
