"""What patients see of themselves: what is promised to them, where they stand in a line now, where they were.

Only for who may see these patients; whoever shows it has asked that before (the portal), and notes the look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, Directory, FacilityInfo, RoomInfo, ServiceInfo, StaffInfo
from clinic_web.reception.models.queues import WHO_IS_NEXT

MOST = 20

AHEAD = text(
    """
    SELECT a.id, a.booking_id, a.facility_id, a.clinic_id, a.doctor_id, a.service_id, a.start_time
      FROM reception.appointments a
     WHERE a.organization_id = :organization_id AND a.patient_id = ANY(:ids)
       AND a.status = 'CONFIRMED' AND a.end_time > :now
     ORDER BY a.start_time, a.id LIMIT :most
    """
)

# Who stands in a line on their facility's day, and how many whom the same doctor may call come before them:
# counted as VisitNext is told (service/telling_ahead.py).
HERE = text(
    f"""
    WITH here AS (
        SELECT v.id, v.queue_id, v.queue_day FROM reception.visits v
          JOIN unnest(CAST(:facilities AS uuid[]), CAST(:days AS date[])) AS today(facility_id, day)
            ON today.facility_id = v.facility_id AND today.day = v.queue_day
         WHERE v.organization_id = :organization_id AND v.patient_id = ANY(:ids)
           AND v.status IN ('WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD', 'PENDING_PAYMENT')
    ), line AS MATERIALIZED (
        SELECT v.id, v.queue_id, v.doctor_id,
               row_number() OVER (PARTITION BY v.queue_id ORDER BY {WHO_IS_NEXT}) AS place
          FROM (SELECT DISTINCT queue_id, queue_day FROM here) AS of_them
               JOIN reception.visits v ON v.queue_id = of_them.queue_id AND v.queue_day = of_them.queue_day
               JOIN reception.queues q ON q.id = v.queue_id
         WHERE v.status = 'WAITING'
    )
    SELECT v.id, v.facility_id, v.clinic_id, coalesce(v.attending_id, v.doctor_id) AS doctor_id, v.service_id,
           v.room_id, v.ticket, v.status, v.scheduled_time,
           CASE WHEN v.status = 'WAITING' THEN
               (SELECT count(*) FROM line mine JOIN line other ON other.queue_id = mine.queue_id
                 WHERE mine.id = v.id AND other.place < mine.place
                   AND (mine.doctor_id IS NULL OR other.doctor_id IS NULL
                        OR other.doctor_id = mine.doctor_id)) END AS before
      FROM here JOIN reception.visits v ON v.id = here.id
     ORDER BY v.check_in_time, v.id
    """  # noqa: S608 - the parts are constants of our own
)
PAST = text(
    """
    SELECT v.id, v.queue_day, v.facility_id, v.clinic_id, coalesce(v.attending_id, v.doctor_id) AS doctor_id
      FROM reception.visits v
     WHERE v.organization_id = :organization_id AND v.patient_id = ANY(:ids)
       AND v.status IN ('COMPLETED', 'PENDING_PAYMENT') AND v.end_time IS NOT NULL
     ORDER BY v.queue_day DESC, v.id DESC LIMIT :most
    """
)


@dataclass(frozen=True, kw_only=True)
class OwnAppointment:
    """``at`` is on the facility's wall, wherever the person reads it."""

    booking_id: str
    at: datetime
    facility: FacilityInfo
    clinic: ClinicInfo | None
    service: ServiceInfo | None
    doctor: StaffInfo | None


@dataclass(frozen=True, kw_only=True)
class OwnTurn:
    """Where a person stands today; ``before`` is None unless they wait."""

    id: UUID
    ticket: str | None
    status: str
    before: int | None
    clinic: ClinicInfo | None
    doctor: StaffInfo | None
    room: RoomInfo | None


@dataclass(frozen=True, kw_only=True)
class OwnPastVisit:
    day: date
    clinic: ClinicInfo | None
    doctor: StaffInfo | None


@dataclass(frozen=True, kw_only=True)
class OwnVisits:
    here: list[OwnTurn]
    ahead: list[OwnAppointment]
    past: list[OwnPastVisit]


def own_visits(actor: Actor, ids: Sequence[UUID]) -> OwnVisits:
    """Return what a person under these patients' ids has before and behind them; three statements."""
    there = organization.directory(actor.organization_id)
    asked = {"organization_id": actor.organization_id, "ids": list(ids), "now": clock.now(), "most": MOST}
    return OwnVisits(
        here=own_turns(actor, ids),
        ahead=[_appointment(row, there) for row in db.session.execute(AHEAD, asked)],
        past=[
            OwnPastVisit(
                day=row.queue_day,
                clinic=there.clinics.get(row.clinic_id),
                doctor=there.staff.get(row.doctor_id),
            )
            for row in db.session.execute(PAST, asked)
        ],
    )


def own_turns(actor: Actor, ids: Sequence[UUID]) -> list[OwnTurn]:
    """Return where a person stands in the lines of today; one statement."""
    there = organization.directory(actor.organization_id)
    facilities = list(there.facilities.values())
    asked = {
        "organization_id": actor.organization_id,
        "ids": list(ids),
        "facilities": [each.id for each in facilities],
        "days": [clock.today(each.timezone) for each in facilities],
    }
    return [
        OwnTurn(
            id=row.id,
            ticket=row.ticket,
            status=row.status,
            before=row.before,
            clinic=there.clinics.get(row.clinic_id),
            doctor=there.staff.get(row.doctor_id),
            room=there.rooms.get(row.room_id),
        )
        for row in db.session.execute(HERE, asked)
    ]


def _appointment(row: Any, there: Directory) -> OwnAppointment:
    facility = there.facilities[row.facility_id]
    return OwnAppointment(
        booking_id=row.booking_id,
        at=clock.local(row.start_time, facility.timezone),
        facility=facility,
        clinic=there.clinics.get(row.clinic_id),
        service=there.services.get(row.service_id),
        doctor=there.staff.get(row.doctor_id),
    )
