"""The only way to load a patient's row for somebody: absent and of another tenant look the same."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.patients.models import Patient
from clinic_web.patients.queries import UNKNOWN_PATIENT


def patient_for(actor: Actor, patient_id: UUID) -> Patient:
    """Return the patient; raise NotFound (404) when the actor's organization has none like that."""
    return _one(_mine(actor).where(Patient.id == patient_id))


def patient_to_change(actor: Actor, patient_id: UUID) -> Patient:
    """The same, locked until the commit, so that what is compared with the form is what gets changed."""
    return _one(_mine(actor).where(Patient.id == patient_id).with_for_update())


def patient_by_number(actor: Actor, number: str) -> Patient | None:
    """Return the patient with that ``P-`` number, if there is one."""
    return db.session.scalars(_mine(actor).where(Patient.patient_number == number)).one_or_none()


def _mine(actor: Actor) -> Select[Patient]:
    return select(Patient).where(
        Patient.organization_id == actor.organization_id, Patient.deleted_at.is_(None)
    )


def _one(statement: Select[Patient]) -> Patient:
    patient = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if patient is None:
        raise NotFound(UNKNOWN_PATIENT)
    return patient
