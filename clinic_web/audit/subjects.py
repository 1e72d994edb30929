"""Whose row it is: which patients a visit, an appointment or a payment belongs to.

Audit lies below the modules that know, so they publish a view each (``<schema>.v_of_patients`` with ``id``,
``organization_id``, ``patient_id``) and say so at the start.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from clinic_web.kernel.db import db

_views: list[str] = []


def publish(view: str) -> None:
    """Let the audit read from ``view`` whose rows a module's are. Called once, when the module is wired."""
    if view not in _views:
        _views.append(view)


def patient_of(resource_id: str, organization_id: str) -> str:
    """Return an SQL expression: the patient to whom the resource of a row belongs, or NULL."""
    asked = " UNION ALL ".join(
        f"SELECT v.patient_id FROM {view} v WHERE v.id = {resource_id} AND v.organization_id = {organization_id}"  # noqa: S608, E501
        for view in _views
    )
    return f"({asked} LIMIT 1)" if asked else "CAST(NULL AS uuid)"


def resources_of(patients: str) -> str:
    """Return SQL that finds the ids of all that belongs to the patients in the parameter ``patients``."""
    asked = " UNION ALL ".join(
        f"SELECT v.id FROM {view} v WHERE v.organization_id = :organization_id AND v.patient_id = ANY({patients})"  # noqa: S608, E501
        for view in _views
    )
    return asked or "SELECT CAST(NULL AS uuid)"


def patients_of(organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the patients of resources by the resources' ids, in one statement; others are left out."""
    if not ids or not _views:
        return {}
    asked = " UNION ALL ".join(
        f"SELECT v.id, v.patient_id FROM {view} v WHERE v.organization_id = :organization_id AND v.id = ANY(:ids)"  # noqa: S608, E501
        for view in _views
    )
    rows = db.session.execute(text(asked), {"organization_id": organization_id, "ids": list(ids)})
    return {row.id: row.patient_id for row in rows}
