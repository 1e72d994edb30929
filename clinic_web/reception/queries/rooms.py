"""The rooms strip: who sees whom behind which door, and which doors are free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.organization.api import Directory, RoomInfo, Shift, StaffInfo
from clinic_web.reception.models import Visit
from clinic_web.reception.models.visits import CALLED, COMPLETED, PENDING_PAYMENT
from clinic_web.reception.queries.delays import delays
from clinic_web.reception.queries.desk import WITH_A_DOCTOR, DeskRow, QueueDay, minutes_between

# Below this many minutes nobody would call a doctor late.
WORTH_SAYING = 10


@dataclass(frozen=True, kw_only=True)
class Door:
    """One doctor's door. ``row`` is the patient called or in the room. A free door says ``since`` when it is
    free or ``starts_at`` when its doctor begins; ``behind`` is how late the
    patient was called or the doctor runs, in minutes."""

    doctor: StaffInfo
    room: RoomInfo | None
    row: DeskRow | None = None
    since: datetime | None = None
    starts_at: datetime | None = None
    target: int | None = None
    behind: int = 0

    @property
    def kind(self) -> str:
        """The look of the sign."""
        if self.row is None:
            return "free"
        return "called" if self.row.status == CALLED else "room"

    @property
    def minutes(self) -> int:
        return minutes_between(self.since, clock.now())


def doors(actor: Actor, day: QueueDay) -> list[Door]:
    """Return the doors of today's doctors in the order of their signs. Needs the rows of WITH_A_DOCTOR."""
    directory = organization.directory(actor.organization_id)
    shifts = _shift_now(organization.shifts(actor, day.clinic_id, day.day))
    patients = {row.attending_id: row for row in day.in_status(*WITH_A_DOCTOR)}
    free_since = _free_since(actor, day.clinic_id, day.day)
    late = {each.doctor.id: each.minutes for each in delays(actor.organization_id, day.queue_id, day.day)}
    found = [
        _door(doctor, directory, shifts.get(doctor.id), patients.get(doctor.id), free_since.get(doctor.id))
        for doctor in directory.staff.values()
        if doctor.id in shifts or doctor.id in patients
    ]
    found = [replace(door, behind=max(door.behind, late.get(door.doctor.id, 0))) for door in found]
    return sorted(found, key=_as_on_the_wall)


def _shift_now(shifts: Iterable[Shift]) -> dict[UUID, Shift]:
    """Each doctor's shift under way, or the next one; who has gone home has no door."""
    now = clock.now()
    found: dict[UUID, Shift] = {}
    for shift in sorted(shifts, key=lambda each: each.starts_at):
        if shift.ends_at > now:
            found.setdefault(shift.staff_id, shift)
    return found


def _door(
    doctor: StaffInfo,
    directory: Directory,
    shift: Shift | None,
    row: DeskRow | None,
    free_since: datetime | None,
) -> Door:
    room_id = (row.room_id if row else None) or (shift.room_id if shift else None) or doctor.room_id
    room = directory.rooms.get(room_id) if room_id else None
    if row is not None:
        service = directory.services.get(row.service_id)
        target = service.duration_minutes if service else None
        return Door(doctor=doctor, room=room, row=row, since=row.since, target=target, behind=_behind(row))
    starts_at = shift.starts_at if shift else None
    if starts_at is not None and starts_at > clock.now():
        return Door(doctor=doctor, room=room, starts_at=starts_at)
    return Door(doctor=doctor, room=room, since=max(filter(None, (starts_at, free_since)), default=None))


def _behind(row: DeskRow) -> int:
    """How long after the time both were due the patient was called; 0 where it is not worth a word."""
    due = max(filter(None, (row.scheduled_time, row.check_in_time)), default=None)
    if row.scheduled_time is None or row.called_at is None:
        return 0
    late = minutes_between(due, row.called_at)
    return late if late >= WORTH_SAYING else 0


def _free_since(actor: Actor, clinic_id: UUID, day: date) -> dict[UUID, datetime]:
    """When each doctor finished the last patient of the day."""
    statement = (
        select(Visit.attending_id, func.max(Visit.end_time))
        .where(
            Visit.organization_id == actor.organization_id,
            Visit.clinic_id == clinic_id,
            Visit.queue_day == day,
            Visit.status.in_((PENDING_PAYMENT, COMPLETED)),
            Visit.attending_id.is_not(None),
        )
        .group_by(Visit.attending_id)
    )
    return {doctor_id: at for doctor_id, at in db.session.execute(statement) if doctor_id and at}


def _as_on_the_wall(door: Door) -> tuple[int, int, str, str]:
    """Rooms by number where their names are numbers; doors without a room last."""
    name = door.room.name if door.room else ""
    return (0 if name else 1, int(name) if name.isdecimal() else 1_000_000, name, door.doctor.short_name)
