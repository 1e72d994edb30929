"""What reception knows of one patient: all visits, past and to come; and what speaks against a merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from clinic_web.audit import api as audit
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import Finding

PAGE = 20

VISITS = text(
    """
    SELECT v.id, v.queue_day, v.scheduled_time, v.status, v.ticket, v.clinic_id, v.service_id,
           coalesce(v.attending_id, v.doctor_id) AS doctor_id, v.start_time, v.end_time,
           count(*) OVER () AS total
      FROM reception.visits v
     WHERE v.organization_id = :organization_id AND v.patient_id = ANY(:ids)
     ORDER BY v.queue_day DESC, v.id DESC
     LIMIT :limit OFFSET :offset
    """
)

# Both in one line on one day: the line may have a person once only.
BOTH_IN_LINE = text(
    """
    SELECT a.ticket AS one, b.ticket AS other, a.clinic_id
      FROM reception.visits a
      JOIN reception.visits b ON b.queue_id = a.queue_id AND b.queue_day = a.queue_day
     WHERE a.organization_id = :organization_id AND a.patient_id = ANY(:ours) AND b.patient_id = ANY(:theirs)
       AND a.status IN ('WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD')
       AND b.status IN ('WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD')
    """
)
BOTH_AT_ONE_TIME = text(
    """
    SELECT count(*) FROM reception.appointments a
      JOIN reception.appointments b ON b.start_time < a.end_time AND b.end_time > a.start_time
     WHERE a.organization_id = :organization_id AND a.patient_id = ANY(:ours) AND b.patient_id = ANY(:theirs)
       AND a.status = 'CONFIRMED' AND b.status = 'CONFIRMED' AND a.end_time > now()
    """
)
BOTH_WAIT_FOR_A_TIME = text(
    """
    SELECT DISTINCT a.clinic_id FROM reception.waiting_entries a
      JOIN reception.waiting_entries b ON b.clinic_id = a.clinic_id AND b.service_id = a.service_id
     WHERE a.organization_id = :organization_id AND a.patient_id = ANY(:ours) AND b.patient_id = ANY(:theirs)
       AND a.status = 'LISTED' AND b.status = 'LISTED'
    """
)
HOW_MANY = text(
    """
    SELECT count(*) FROM reception.visits
     WHERE organization_id = :organization_id AND patient_id = ANY(:theirs)
    """
)


@dataclass(frozen=True, kw_only=True)
class PatientVisit:
    id: UUID
    day: date
    at: datetime | None
    status: str
    ticket: str | None
    clinic: ClinicInfo | None
    service: ServiceInfo | None
    doctor: StaffInfo | None


@dataclass(frozen=True, kw_only=True)
class PatientVisits:
    """One page of them, the latest first; ``next_page`` is None on the last."""

    patient_id: UUID
    rows: list[PatientVisit]
    total: int
    page: int
    next_page: int | None


def visits_of_patient(actor: Actor, patient_id: UUID, page: int = 1) -> PatientVisits:
    """Return the visits of a patient, also those of merged records; NotFound (404), ChartClosed
    (403). The look is noted."""
    with transaction():
        patients.require(actor, patient_id)
        opened = patients.enter_chart(actor, patient_id)
        asked = {
            "organization_id": actor.organization_id,
            "ids": patients.ids_of(patient_id),
            "limit": PAGE,
            "offset": (page - 1) * PAGE,
        }
        found = db.session.execute(VISITS, asked).all()
        audit.saw(actor, "patient.visits", "patient", patient_id, emergency_id=opened.id if opened else None)
    directory = organization.directory(actor.organization_id)
    total = found[0].total if found else 0
    rows = [
        PatientVisit(
            id=row.id,
            day=row.queue_day,
            at=row.scheduled_time or row.start_time,
            status=row.status,
            ticket=row.ticket,
            clinic=directory.clinics.get(row.clinic_id),
            service=directory.services.get(row.service_id),
            doctor=directory.staff.get(row.doctor_id) if row.doctor_id else None,
        )
        for row in found
    ]
    return PatientVisits(
        patient_id=patient_id,
        rows=rows,
        total=total,
        page=page,
        next_page=page + 1 if page * PAGE < total else None,
    )


TWICE_IN_LINE = N_(
    "Both are in the line of %(clinic)s today, %(one)s and %(other)s. First end one of these two visits."
)
TOGETHER = N_("Visits that are shown with the others: %(count)s")
WAITING_TWICE = N_("Both are on the waiting list of %(clinic)s for the same: take one of them off it.")
OVERLAP = N_("Appointments at the same time as one of the other's: %(count)s")


def check_visits(actor: Actor, ours: Sequence[UUID], theirs: Sequence[UUID]) -> list[Finding]:
    """Say what two patients who become one would have twice in a line, and how many visits come together."""
    asked = {"organization_id": actor.organization_id, "ours": list(ours), "theirs": list(theirs)}
    clinics = organization.directory(actor.organization_id).clinics
    found = [
        Finding(
            sentence=TWICE_IN_LINE,
            values={"clinic": clinics[row.clinic_id].name, "one": row.one or "–", "other": row.other or "–"},
            is_in_the_way=True,
        )
        for row in db.session.execute(BOTH_IN_LINE, asked)
    ]
    if count := db.session.execute(HOW_MANY, asked).scalar_one():
        found.append(Finding(sentence=TOGETHER, values={"count": count}))
    return found


def check_appointments(actor: Actor, ours: Sequence[UUID], theirs: Sequence[UUID]) -> list[Finding]:
    """Say how many appointments overlap: one person can keep only one of each two."""
    asked = {"organization_id": actor.organization_id, "ours": list(ours), "theirs": list(theirs)}
    count = db.session.execute(BOTH_AT_ONE_TIME, asked).scalar_one()
    return [Finding(sentence=OVERLAP, values={"count": count})] if count else []


def check_waiting_list(actor: Actor, ours: Sequence[UUID], theirs: Sequence[UUID]) -> list[Finding]:
    """Say where both wait for a time: one person would be offered two."""
    asked = {"organization_id": actor.organization_id, "ours": list(ours), "theirs": list(theirs)}
    clinics = organization.directory(actor.organization_id).clinics
    return [
        Finding(sentence=WAITING_TWICE, values={"clinic": clinics[clinic_id].name})
        for clinic_id in db.session.scalars(BOTH_WAIT_FOR_A_TIME, asked)
    ]
