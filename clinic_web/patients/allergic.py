"""What a patient is allergic to, for who prescribes and who hands out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.patients import links
from clinic_web.patients.models import Allergy


@dataclass(frozen=True, kw_only=True)
class AllergyNote:
    """``severity`` is SEVERE, MODERATE, MILD or unknown."""

    name: str
    reaction: str | None
    severity: str | None


def allergies_of(actor: Actor, patient_ids: Collection[UUID]) -> list[AllergyNote]:
    """Return what patients are allergic to now, also what merged records say, the severe ones first."""
    ids = [each for patient_id in patient_ids for each in links.ids_of(patient_id)]
    rows = db.session.execute(
        select(Allergy.allergen_name, Allergy.reaction, Allergy.severity)
        .where(
            Allergy.organization_id == actor.organization_id, Allergy.patient_id.in_(ids), Allergy.is_active
        )
        .order_by((Allergy.severity == "SEVERE").desc().nulls_last(), Allergy.allergen_name, Allergy.id)
    )
    return [AllergyNote(name=name, reaction=reaction, severity=severity) for name, reaction, severity in rows]
