"""In which room a doctor sees patients now: today's working hours say so, or else the usual room."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.organization import api as organization
from clinic_web.organization.api import Directory, Shift, StaffInfo

# The shifts of today by doctor, as long as the organization is as it was: every call asks for them.
_kept: dict[UUID, tuple[Directory, date, dict[UUID, list[Shift]]]] = {}


def room_of(actor: Actor, doctor: StaffInfo, timezone: str) -> UUID | None:
    """Return the room of the shift that is on, or else of the nearest one today, or else the usual room."""
    now = clock.now()

    def distance(shift: Shift) -> timedelta:
        return max(shift.starts_at - now, now - shift.ends_at, timedelta(0))

    shifts = [shift for shift in _shifts_today(actor, doctor, timezone) if shift.room_id is not None]
    return min(shifts, key=distance).room_id if shifts else doctor.room_id


def _shifts_today(actor: Actor, doctor: StaffInfo, timezone: str) -> list[Shift]:
    there, day = organization.directory(actor.organization_id), clock.today(timezone)
    kept = _kept.get(actor.organization_id)
    if kept is None or kept[0] is not there or kept[1] != day:
        kept = _kept[actor.organization_id] = (there, day, {})
    if doctor.id not in kept[2]:
        kept[2][doctor.id] = [
            shift
            for clinic_id in doctor.clinic_ids
            for shift in organization.shifts(actor, clinic_id, day)
            if shift.staff_id == doctor.id
        ]
    return kept[2][doctor.id]
