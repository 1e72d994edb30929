"""In which room a doctor sees patients now."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.organization.api import Shift, StaffInfo
from clinic_web.reception.service.hours import shifts


def room_of(actor: Actor, doctor: StaffInfo, timezone: str, *, clinic_id: UUID | None = None) -> UUID | None:
    """Return the room of the shift that is on, or else of the nearest one today, or else the usual room.

    Of two shifts at one time it is that in ``clinic_id``, or else in the usual room.
    """
    now, day = clock.now(), clock.today(timezone)

    def distance(found: tuple[UUID, Shift]) -> tuple[timedelta, bool, bool, str]:
        clinic, shift = found
        away = max(shift.starts_at - now, now - shift.ends_at, timedelta(0))
        return away, clinic != clinic_id, shift.room_id != doctor.room_id, str(shift.room_id)

    mine = [
        (each, shift)
        for each in doctor.clinic_ids
        for shift in shifts(actor, each, day)
        if shift.staff_id == doctor.id and shift.room_id is not None
    ]
    return min(mine, key=distance)[1].room_id if mine else doctor.room_id
