"""What an order needs to know of the visit that it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.reception.models import Visit


@dataclass(frozen=True, kw_only=True)
class VisitCard:
    """A visit as modules above know it; ``queue_day`` is the facility's local day."""

    id: UUID
    facility_id: UUID
    clinic_id: UUID
    patient_id: UUID
    doctor_id: UUID | None
    attending_id: UUID | None
    queue_day: date
    ticket: str | None
    status: str


_COLUMNS = [getattr(Visit, name) for name in VisitCard.__dataclass_fields__]


def visit_of(actor: Actor, visit_id: UUID) -> VisitCard | None:
    """Return a visit of the actor's tenant (and facility, if they have one), or None."""
    wanted = select(*_COLUMNS).where(Visit.id == visit_id, Visit.organization_id == actor.organization_id)
    if actor.facility_id is not None:
        wanted = wanted.where(Visit.facility_id == actor.facility_id)
    row = db.session.execute(wanted).mappings().first()
    return VisitCard(**row) if row else None
