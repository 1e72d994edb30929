"""Patients: who is meant by what was typed, and what one knows a patient by."""

from __future__ import annotations

from uuid import UUID

from clinic_web.interop.endpoint import Answer, Call, endpoint
from clinic_web.interop.resources import lists
from clinic_web.interop.shapes import house as shapes
from clinic_web.kernel.actor import Actor
from clinic_web.patients import api as patients

TAG = "Patients"


def version_of(who: Actor, patient_id: UUID) -> int:
    return patients.card(who, patient_id).version


@endpoint("POST", "/patients/search", tag=TAG, scope="patient.search", body=shapes.Typed,
          answers=shapes.PatientsFound)  # fmt: skip
def find_patients(call: Call) -> Answer:
    """Find patients by what was typed.

    It is asked in the body, so that no name stands in an address.
    """
    found = patients.find(call.who, call.body.typed, limit=call.body.limit)
    lists.saw(call.who, "find", "patient", [each.id for each in found])
    return Answer(shape=shapes.PatientsFound(items=[_patient(each) for each in found]))


@endpoint(
    "GET",
    "/patients/<uuid:patient_id>",
    tag=TAG,
    scope="patient.view",
    answers=shapes.Patient,
    shows=True,
    of=version_of,
)
def patient(call: Call, patient_id: UUID) -> Answer:
    """Read what one knows a patient by.

    Of whom came to the token's facility within a year, or is expected there; others take the right to see
    every patient (`patient.view_any`), too.
    """
    opened = patients.enter_chart(call.who, patient_id)
    card = patients.card(call.who, patient_id)
    lists.saw_one(call.who, "view", "patient", card.id, emergency_id=opened.id if opened else None)
    return Answer(shape=_patient(card), version=card.version)


def _patient(card: patients.PatientCard) -> shapes.Patient:
    return shapes.Patient.model_validate(card)
