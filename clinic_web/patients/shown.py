"""What is shown of a patient whose records were merged: each field from the record that a person chose.

Merging moves nothing, also not a telephone or a name: a field of the merged record is laid over the
survivor's own while the link is open. Closing the link takes it away again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnClause

from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.patients.models import Patient

# What a person chooses between, and the columns that go together.
FIELDS: dict[str, tuple[str, ...]] = {
    "name": ("first_name", "middle_name", "last_name"),
    "born": ("date_of_birth", "date_of_birth_estimated"),
    "gender": ("gender",),
    "phone": ("phone_primary", "phone_digits", "phone_of_id", "shared_phone", "shared_digits"),
    "phone_secondary": ("phone_secondary",),
    "guardian": ("guardian_id", "guardian_phone", "guardian_digits"),
    "email": ("email",),
    "address": ("address_line1", "address_line2", "city", "state", "zip_code", "country"),
    "language": ("language_preference",),
    "medical_history": ("medical_history",),
}
LABELS = {
    "name": N_("Name"),
    "born": N_("Age or birth date"),
    "gender": N_("Sex"),
    "phone": N_("Telephone"),
    "phone_secondary": N_("Second telephone"),
    "guardian": N_("Guardian"),
    "email": N_("E-mail"),
    "address": N_("Address"),
    "language": N_("Speaks"),
    "medical_history": N_("Known before (illnesses, allergies, operations)"),
}
IDS = {"phone_of_id", "guardian_id"}


def taken_of(patient: str) -> str:
    """Return, for a statement about patients under that alias, what is shown of merged records: the later of
    two merges wins."""
    return f"""
    (SELECT jsonb_agg(jsonb_build_array(f.key, f.value, to_jsonb(s) || jsonb_build_object(
                'shared_phone', sh.phone_primary, 'shared_digits', sh.phone_digits,
                'guardian_phone', gu.phone_primary, 'guardian_digits', gu.phone_digits))
            ORDER BY l.merged_at, l.id)
       FROM patients.patient_links l
      CROSS JOIN LATERAL jsonb_each_text(l.fields) AS f
       JOIN patients.patients s ON s.id = CAST(f.value AS uuid)
       LEFT JOIN patients.patients sh ON sh.id = s.phone_of_id
       LEFT JOIN patients.patients gu ON gu.id = s.guardian_id
      WHERE l.survivor_id = {patient}.id AND l.closed_at IS NULL)"""  # noqa: S608 - an alias of our own


def is_merged(patient: str) -> str:
    """Return the condition under which a record is shown as another one: a list leaves it out."""
    return f"""EXISTS (SELECT 1 FROM patients.patient_links l
                        WHERE l.merged_id = {patient}.id AND l.closed_at IS NULL)"""  # noqa: S608 - as above


TABLE = "patients.patients"
TAKEN: ColumnClause[Any] = literal_column(taken_of(TABLE), JSONB).label("taken")  # type: ignore[assignment]
MERGED_INTO: ColumnClause[Any] = literal_column(
    """
    (SELECT l.survivor_id FROM patients.patient_links l
      WHERE l.merged_id = patients.patients.id AND l.closed_at IS NULL)
    """
).label("merged_into")  # type: ignore[assignment]
HAS_OTHERS: ColumnClause[Any] = literal_column(
    """
    EXISTS (SELECT 1 FROM patients.patient_links l
             WHERE l.survivor_id = patients.patients.id AND l.closed_at IS NULL)
    """
).label("has_others")  # type: ignore[assignment]

Taken = list[tuple[str, str, dict[str, Any]]] | None


def laid_over(values: Mapping[Any, Any], taken: Taken) -> dict[str, Any]:
    """Return ``values`` with the fields taken from merged records in place of the survivor's own."""
    found = dict(values)
    for field, _, record in taken or ():
        found |= {column: _typed(column, record.get(column)) for column in FIELDS[field] if column in found}
    return found


def sources(taken: Taken) -> dict[str, UUID]:
    """Return from which record each field that is not the survivor's own is taken."""
    return {field: UUID(source) for field, source, _ in taken or ()}


def taken_by(patient_id: UUID) -> Taken:
    """Return what is taken from merged records for one patient."""
    taken: Taken = db.session.scalars(
        select(TAKEN).select_from(Patient).where(Patient.id == patient_id)
    ).one()
    return taken


def values_of(patient: Patient) -> dict[str, Any]:
    """Return what is shown in each column of ``FIELDS`` that a record has."""
    columns = [each for columns in FIELDS.values() for each in columns if hasattr(patient, each)]
    return laid_over({each: getattr(patient, each) for each in columns}, taken_by(patient.id))


def _typed(column: str, value: Any) -> Any:
    """JSON has neither dates nor ids."""
    if value is None:
        return None
    if column == "date_of_birth":
        return date.fromisoformat(value)
    return UUID(value) if column in IDS else value
