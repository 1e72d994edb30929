"""How late doctors run: the schedule against now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization
from clinic_web.organization.api import StaffInfo
from clinic_web.reception.queries.desk import minutes_between
from clinic_web.reception.service.hours import shifts

# Nobody would call less than this late, and nobody plans by single minutes.
WORTH_SAYING, STEP = 10, 5

# The longest overdue of those who wait for a doctor: appointments count from their time or from when the
# patient came, whichever was later. Who waits without an appointment is owed the doctor's first call.
OVERDUE = Statement(
    """
    SELECT v.clinic_id, v.doctor_id,
           min(greatest(v.scheduled_time, v.check_in_time))
               FILTER (WHERE v.scheduled_time IS NOT NULL) AS due,
           min(v.check_in_time) AS came,
           EXISTS (SELECT FROM reception.visits c
                    WHERE c.queue_id = v.queue_id AND c.queue_day = v.queue_day
                      AND c.attending_id = v.doctor_id) AS has_begun
      FROM reception.visits v
     WHERE v.organization_id = :organization_id AND v.queue_id = ANY(:queue_ids) AND v.queue_day = :day
       AND v.status = 'WAITING' AND v.doctor_id IS NOT NULL
     GROUP BY v.clinic_id, v.queue_id, v.queue_day, v.doctor_id
    """
)


@dataclass(frozen=True, kw_only=True)
class Delay:
    """A doctor who runs late: about ``minutes`` (in steps of five), because of who is ``due`` since then."""

    doctor: StaffInfo
    minutes: int
    due: datetime


def delays(organization_id: UUID, queue_id: UUID, day: date) -> list[Delay]:
    """Return who runs ten minutes late or more in one line, the latest first; nobody on another day."""
    return delays_in(organization_id, [queue_id], day)


def delays_in(organization_id: UUID, queue_ids: Collection[UUID], day: date) -> list[Delay]:
    """Return the same for several lines, each doctor once, in one statement."""
    asked = {"organization_id": organization_id, "queue_ids": list(queue_ids), "day": day}
    there = organization.directory(organization_id)
    latest: dict[UUID, datetime] = {}
    starts: dict[UUID, Mapping[UUID, datetime]] = {}
    for row in OVERDUE.all(asked):
        if row.clinic_id not in starts and not row.has_begun:
            actor = system_actor(organization_id)
            starts[row.clinic_id] = _starts(actor, row.clinic_id, day)
        begins = starts.get(row.clinic_id, {}).get(row.doctor_id)
        due = row.due if row.has_begun or begins is None else _first(row.due, max(begins, row.came))
        if due is not None:
            latest[row.doctor_id] = min(due, latest.get(row.doctor_id, due))
    found = [
        Delay(doctor=there.staff[doctor_id], minutes=late, due=due)
        for doctor_id, due in latest.items()
        if doctor_id in there.staff and (late := _about(due)) >= WORTH_SAYING
    ]
    return sorted(found, key=lambda each: (-each.minutes, each.doctor.short_name))


def _starts(actor: Actor, clinic_id: UUID, day: date) -> dict[UUID, datetime]:
    """When each doctor's first shift of the day begins."""
    found: dict[UUID, datetime] = {}
    for shift in shifts(actor, clinic_id, day):
        found.setdefault(shift.staff_id, shift.starts_at)
    return found


def _first(due: datetime | None, other: datetime) -> datetime:
    return other if due is None else min(due, other)


def _about(due: datetime) -> int:
    """Whole minutes until now, in steps of five, never negative."""
    return minutes_between(due, clock.now()) // STEP * STEP
