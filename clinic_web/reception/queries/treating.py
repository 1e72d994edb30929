"""Whether a visit or an appointment brings a person and a patient together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization

A_YEAR = timedelta(days=365)

# By the patient's indexes: the visits and appointments of a year, and all that are to come.
TREATS = Statement(
    """
    SELECT EXISTS (
               SELECT FROM reception.visits v
                WHERE v.patient_id = ANY(:ids) AND v.queue_day >= :since
                  AND v.organization_id = :organization_id AND v.status <> 'CANCELLED'
                  AND (v.doctor_id = :staff_id OR v.attending_id = :staff_id OR v.clinic_id = ANY(:clinics)))
        OR EXISTS (
               SELECT FROM reception.appointments a
                WHERE a.patient_id = ANY(:ids) AND a.start_time >= :since_then
                  AND a.organization_id = :organization_id AND a.status <> 'CANCELLED'
                  AND (a.doctor_id = :staff_id OR a.clinic_id = ANY(:clinics))) AS treats
    """
)


def is_treating(actor: Actor, ids: Collection[UUID]) -> bool:
    """Return whether the patient with these ids came to ``actor``, or to a clinic that they work in, within
    a year, or is expected there; one statement."""
    now = clock.now()
    since = now - A_YEAR
    row = TREATS.first(
        {
            "organization_id": actor.organization_id,
            "ids": list(ids),
            "staff_id": actor.staff_id,
            "clinics": clinics_of(actor),
            "since": clock.local(since, organization.facility(actor).timezone).date(),
            "since_then": since,
        }
    )
    return bool(row.treats)


def reads_notes(actor: Actor, clinic_id: UUID) -> bool:
    """Return whether ``actor`` may read what was noted for a clinic's appointments: who books them, who meets
    every patient, and who works there."""
    has_right = actor.can("patient.view_any") or actor.can("appointment.book")
    return has_right or clinic_id in clinics_of(actor)


def clinics_of(actor: Actor) -> list[UUID]:
    """Return the clinics a person works in: those of their staff entry, or, where it names none, the open
    ones of the facility they work at. Who administers works in none because of that."""
    house = organization.directory(actor.organization_id)
    staff = house.staff.get(actor.staff_id) if actor.staff_id else None
    if staff and staff.clinic_ids:
        return list(staff.clinic_ids)
    if actor.facility_id is None or actor.can("user.manage"):
        return []
    return [each.id for each in house.clinics_of(actor.facility_id)]
