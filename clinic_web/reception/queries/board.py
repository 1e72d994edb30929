"""What a wall may show of one queue's local day: the calls and who is next, as far as its privacy allows.

``Wall`` is what does not change from call to call (the queue, its privacy, the languages of its screens);
``Picture`` is the day as it is now. Names are asked of their owner only where the queue's privacy shows them,
and leave this module already shortened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from clinic_web.kernel import clock
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, Directory, FacilityInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.reception.models.queues import SHOW_INITIALS, SHOW_NUMBER, WHO_IS_NEXT
from clinic_web.reception.models.visits import CALLED

CALLS, NEXT = 4, 6

WALL = Statement(
    """
    SELECT q.id AS queue_id, q.organization_id, q.facility_id, q.clinic_id, q.privacy,
           ARRAY(SELECT DISTINCT d.language FROM reception.displays d
                  WHERE d.queue_id = q.id AND d.paired_at IS NOT NULL AND d.revoked_at IS NULL
                  ORDER BY 1) AS languages
      FROM reception.queues q
     WHERE q.id = :queue_id
    """
)

# One statement, so that nobody is both called and next, or neither.
PICTURE = Statement(
    f"""
    SELECT * FROM (
        SELECT true AS is_call, v.ticket, v.patient_id, v.room_id,
               coalesce(v.attending_id, v.doctor_id) AS doctor_id, v.called_at, v.status,
               row_number() OVER (ORDER BY (v.status = 'CALLED') DESC, v.called_at DESC) AS place
          FROM reception.lines v
         WHERE v.queue_id = :queue_id AND v.queue_day = :day
           AND v.ticket IS NOT NULL AND v.called_at IS NOT NULL
           AND v.status IN ('CALLED', 'IN_PROGRESS', 'PENDING_PAYMENT', 'COMPLETED')
         ORDER BY place LIMIT :calls
    ) AS calls
    UNION ALL
    SELECT * FROM (
        SELECT false, v.ticket, v.patient_id, NULL::uuid, NULL::uuid, NULL::timestamptz, v.status,
               row_number() OVER (ORDER BY {WHO_IS_NEXT}) AS place
          FROM reception.lines v JOIN reception.queues q ON q.id = v.queue_id
         WHERE v.queue_id = :queue_id AND v.queue_day = :day AND v.ticket IS NOT NULL AND v.status = 'WAITING'
         ORDER BY place LIMIT :next
    ) AS next
    ORDER BY is_call DESC, place
    """  # noqa: S608 - the parts are constants of our own
)


@dataclass(frozen=True, kw_only=True)
class Wall:
    """A queue as its walls see it; ``languages`` are those of its screens that are paired and not revoked."""

    queue_id: UUID
    organization_id: UUID
    facility_id: UUID
    clinic_id: UUID | None
    privacy: str
    languages: tuple[str, ...]

    def variant(self, language: str) -> str:
        """Return the name of what differs between screens: ``en-number``."""
        return f"{language}-{self.privacy.lower()}"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call: the ticket, the door, the doctor. ``who`` is None unless the wall may name people."""

    ticket: str
    room: str | None
    doctor: StaffInfo | None
    at: datetime
    is_called: bool
    who: str | None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Who is next: the ticket and, where the wall may say it, whose."""

    ticket: str
    who: str | None


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The wall's content on the facility's local ``day``, which ends at ``valid_until``."""

    clinic: ClinicInfo | None
    facility: FacilityInfo
    day: date
    valid_until: datetime
    calls: tuple[Call, ...]
    next: tuple[Waiting, ...]


def wall(queue_id: UUID) -> Wall | None:
    """Return the queue as its walls see it, or None if there is no such queue."""
    row = WALL.first({"queue_id": queue_id})
    return Wall(**{**row._asdict(), "languages": tuple(row.languages)}) if row else None


def picture(of: Wall) -> Picture:
    """Return what the wall shows now."""
    directory = organization.directory(of.organization_id)
    facility = directory.facilities[of.facility_id]
    day = clock.today(facility.timezone)
    rows = PICTURE.all({"queue_id": of.queue_id, "day": day, "calls": CALLS, "next": NEXT})
    names = _names(of, rows)
    return Picture(
        clinic=directory.clinics.get(of.clinic_id) if of.clinic_id else None,
        facility=facility,
        day=day,
        valid_until=end_of(day, facility.timezone),
        calls=tuple(_call(row, directory, names) for row in rows if row.is_call),
        next=tuple(
            Waiting(ticket=row.ticket, who=names.get(row.patient_id)) for row in rows if not row.is_call
        ),
    )


def _call(row: Any, directory: Directory, names: dict[UUID, str]) -> Call:
    room = directory.rooms.get(row.room_id)
    return Call(
        ticket=row.ticket,
        room=room.name if room else None,
        doctor=directory.staff.get(row.doctor_id),
        at=row.called_at,
        is_called=row.status == CALLED,
        who=names.get(row.patient_id),
    )


def _names(of: Wall, rows: list[Any]) -> dict[UUID, str]:
    """Return what the wall may call people; nothing at all, and no look-up, where it shows numbers."""
    if of.privacy == SHOW_NUMBER or not rows:
        return {}
    actor = system_actor(of.organization_id, facility_id=of.facility_id, name="board")
    cards = patients.cards(actor, [row.patient_id for row in rows])
    shorten = initials if of.privacy == SHOW_INITIALS else str
    return {patient_id: shorten(card.name) for patient_id, card in cards.items()}


def initials(name: str) -> str:
    """Return the first letters of a name's first and last words: ``I. Q.``"""
    words = name.split()
    return " ".join(f"{word[0]}." for word in ([words[0], words[-1]] if len(words) > 1 else words))


def end_of(day: date, timezone: str) -> datetime:
    """Return when the facility's next local day begins, also where its clock skips midnight."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone)).astimezone(UTC)
