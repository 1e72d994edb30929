"""In which room a doctor sees patients now."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.organization.api import Shift, StaffInfo
from clinic_web.reception.service.hours import shifts


def room_of(actor: Actor, doctor: StaffInfo, timezone: str) -> UUID | None:
    """Return the room of the shift that is on, or else of the nearest one today, or else the usual room."""
    now, day = clock.now(), clock.today(timezone)

    def distance(shift: Shift) -> timedelta:
        return max(shift.starts_at - now, now - shift.ends_at, timedelta(0))

    mine = [
        shift
        for clinic_id in doctor.clinic_ids
        for shift in shifts(actor, clinic_id, day)
        if shift.staff_id == doctor.id and shift.room_id is not None
    ]
    return min(mine, key=distance).room_id if mine else doctor.room_id
