"""What walls may show of queues' local day: the calls and who is next, as far as privacy allows.

``Wall`` is what does not change from call to call (the queue, its privacy, the variants its screens need);
``Picture`` is the day as it is now, for one privacy. Names are asked of their owner only where a screen shows
them, and leave this module already shortened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from clinic_web.kernel import clock
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization
from clinic_web.organization.api import Directory, FacilityInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.reception.live import board_topic
from clinic_web.reception.models.displays import ARABIC_INDIC, AS_LANGUAGE, AS_QUEUE, WESTERN
from clinic_web.reception.models.queues import (
    LINE_BY_NUMBER,
    LINE_BY_TIME,
    PRIVACIES,
    SHOW_INITIALS,
    SHOW_NUMBER,
)
from clinic_web.reception.models.visits import CALLED
from clinic_web.reception.queries.delays import Delay, delays_in

CALLS, NEXT, LATE = 4, 6, 2
OWN_DIGITS = {"en": WESTERN, "ar": ARABIC_INDIC}

# ``variants`` of the screens that are paired and not revoked: language, privacy and digits, as they are set.
WALL = Statement(
    """
    SELECT q.id AS queue_id, q.organization_id, q.facility_id, q.clinic_id, q.privacy,
           coalesce(q.name, q.prefix) AS name, q.name_ar,
           ARRAY(SELECT DISTINCT concat_ws(' ', d.language, d.privacy, d.digits)
                   FROM reception.display_queues shown JOIN reception.displays d ON d.id = shown.display_id
                  WHERE shown.queue_id = q.id AND d.paired_at IS NOT NULL AND d.revoked_at IS NULL
                  ORDER BY 1) AS variants
      FROM reception.queues q
     WHERE q.id = :queue_id
    """
)


def _first_of_line(policy: str, order: str, *, of: str) -> str:
    """The first of those who wait, where the queue's policy is this: read from the index of its order."""
    return f"""
        SELECT false, line.* FROM (
            SELECT v.ticket, v.patient_id, NULL::uuid, NULL::uuid, NULL::timestamptz, v.status,
                   row_number() OVER (ORDER BY {order}) AS place
              FROM {of} v
             WHERE v.queue_id = q.id AND v.queue_day = :day AND v.ticket IS NOT NULL AND v.status = 'WAITING'
               AND {policy}
        ) AS line WHERE line.place <= :next"""  # noqa: S608 - the parts are constants of our own


# One statement for all queues of a screen, so that nobody is both called and next, or neither. Stations are
# called in the order of time.
_PICTURES = f"""
    SELECT q.id AS queue_id, shown.*
      FROM reception.queues q CROSS JOIN LATERAL (
        SELECT true AS is_call, calls.* FROM (
            SELECT v.ticket, v.patient_id, v.room_id, coalesce(v.attending_id, v.doctor_id) AS doctor_id,
                   v.called_at, v.status,
                   row_number() OVER (ORDER BY (v.status = 'CALLED') DESC, v.called_at DESC) AS place
              FROM reception.lines v
             WHERE v.queue_id = q.id AND v.queue_day = :day
               AND v.ticket IS NOT NULL AND v.called_at IS NOT NULL
               AND v.status IN ('CALLED', 'IN_PROGRESS', 'PENDING_PAYMENT', 'COMPLETED')
        ) AS calls WHERE calls.place <= :calls
        UNION ALL {_first_of_line("q.policy = 'APPOINTMENT_TIME'", LINE_BY_TIME, of="reception.lines")}
        UNION ALL {_first_of_line("q.policy <> 'APPOINTMENT_TIME'", LINE_BY_NUMBER, of="reception.visits")}
      ) AS shown
     WHERE {{which}}
     ORDER BY q.id, shown.is_call DESC, shown.place
    """  # noqa: S608 - the parts are constants of our own

PICTURES = Statement(_PICTURES.format(which="q.id = ANY(:queue_ids)"))
# What every call costs. PostgreSQL keeps one plan for it; for a list of unknown length it would plan anew.
PICTURE = Statement(_PICTURES.format(which="q.id = :queue_id"))


class Variant(NamedTuple):
    """What differs between the screens of one queue: leading language, what it may say of people, digits."""

    language: str
    privacy: str
    digits: str

    @property
    def name(self) -> str:
        """Return the last part of the screens' topic: ``en-number``, ``ar-initials-latn``."""
        usual = f"{self.language}-{self.privacy.lower()}"
        return usual if self.digits == OWN_DIGITS[self.language] else f"{usual}-{self.digits.lower()}"


def topic_of(queue_id: UUID, shown: Variant) -> str:
    """Return the topic that tells this part of a screen what changed."""
    return f"{board_topic(queue_id)}:{shown.name}"


def variant(language: str, privacy: str, digits: str, *, queue_privacy: str) -> Variant:
    """Return what a screen so set shows of a queue: never more of people than the queue allows."""
    allowed = queue_privacy if privacy == AS_QUEUE else min(privacy, queue_privacy, key=PRIVACIES.index)
    return Variant(language, allowed, digits_of(language, digits))


def digits_of(language: str, digits: str) -> str:
    """Return the digits of a screen: those it is set to, or its leading language's."""
    return OWN_DIGITS[language] if digits == AS_LANGUAGE else digits


@dataclass(frozen=True, kw_only=True)
class Wall:
    """A queue as its walls see it, with the variants that its screens need. ``name`` is a station's own; a
    clinic's line is called as its clinic."""

    queue_id: UUID
    organization_id: UUID
    facility_id: UUID
    clinic_id: UUID | None
    name: str
    name_ar: str | None
    privacy: str
    variants: tuple[Variant, ...]


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
    """One queue's part of a wall on the facility's local ``day``, which ends at ``valid_until``."""

    name: str
    name_ar: str | None
    facility: FacilityInfo
    day: date
    valid_until: datetime
    calls: tuple[Call, ...]
    next: tuple[Waiting, ...]
    late: tuple[Delay, ...] = ()


Pictures = dict[tuple[UUID, str], Picture]


def wall(queue_id: UUID) -> Wall | None:
    """Return the queue as its walls see it, or None if there is no such queue."""
    row = WALL.first({"queue_id": queue_id})
    if row is None:
        return None
    variants = {variant(*each.split(" "), queue_privacy=row.privacy) for each in row.variants}
    return Wall(**{**row._asdict(), "variants": tuple(sorted(variants))})


def pictures(of: Sequence[Wall]) -> Pictures:
    """Return what walls of one facility show now, by queue and privacy, for every variant they need."""
    directory = organization.directory(of[0].organization_id)
    facility = directory.facilities[of[0].facility_id]
    day = clock.today(facility.timezone)
    rows = _read([each.queue_id for each in of], {"day": day, "calls": CALLS, "next": NEXT})
    names = _names(of, rows)
    late = delays_in(of[0].organization_id, [each.queue_id for each in of], day)
    found: Pictures = {}
    for each in of:
        mine = [row for row in rows if row.queue_id == each.queue_id]
        clinic = directory.clinics.get(each.clinic_id) if each.clinic_id else None
        for privacy in {variant.privacy for variant in each.variants}:
            found[each.queue_id, privacy] = Picture(
                name=(clinic or each).name,
                name_ar=(clinic or each).name_ar,
                facility=facility,
                day=day,
                valid_until=end_of(day, facility.timezone),
                late=tuple(delay for delay in late if each.clinic_id in delay.doctor.clinic_ids)[:LATE],
                **_rows(mine, directory, _said(names, privacy)),
            )
    return found


def _read(queue_ids: list[UUID], values: dict[str, Any]) -> list[Any]:
    if len(queue_ids) == 1:
        return PICTURE.all(values | {"queue_id": queue_ids[0]})
    return PICTURES.all(values | {"queue_ids": queue_ids})


def _rows(rows: Iterable[Any], directory: Directory, said: Callable[[UUID], str | None]) -> dict[str, Any]:
    return {
        "calls": tuple(_call(row, directory, said) for row in rows if row.is_call),
        "next": tuple(
            Waiting(ticket=row.ticket, who=said(row.patient_id)) for row in rows if not row.is_call
        ),
    }


def _call(row: Any, directory: Directory, said: Callable[[UUID], str | None]) -> Call:
    room = directory.rooms.get(row.room_id)
    return Call(
        ticket=row.ticket,
        room=room.name if room else None,
        doctor=directory.staff.get(row.doctor_id),
        at=row.called_at,
        is_called=row.status == CALLED,
        who=said(row.patient_id),
    )


def _names(of: Sequence[Wall], rows: list[Any]) -> dict[UUID, str]:
    """Return the names that some screen needs; nothing at all, and no look-up, where all show numbers."""
    naming = {
        each.queue_id for each in of if any(variant.privacy != SHOW_NUMBER for variant in each.variants)
    }
    wanted = [row.patient_id for row in rows if row.queue_id in naming and row.patient_id]
    if not wanted:
        return {}
    actor = system_actor(of[0].organization_id, facility_id=of[0].facility_id, name="board")
    return {patient_id: card.name for patient_id, card in patients.cards(actor, wanted).items()}


def _said(names: dict[UUID, str], privacy: str) -> Callable[[UUID], str | None]:
    """Return what a wall of this privacy calls a person: nothing, initials, or the name."""

    def said(patient_id: UUID) -> str | None:
        name = names.get(patient_id)
        if privacy == SHOW_NUMBER or name is None:
            return None
        return initials(name) if privacy == SHOW_INITIALS else name

    return said


def initials(name: str) -> str:
    """Return the first letters of a name's first and last words: ``I. Q.``"""
    words = name.split()
    return " ".join(f"{word[0]}." for word in ([words[0], words[-1]] if len(words) > 1 else words))


def end_of(day: date, timezone: str) -> datetime:
    """Return when the facility's next local day begins, also where its clock skips midnight."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone)).astimezone(UTC)
