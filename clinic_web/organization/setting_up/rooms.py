"""Two doctors do not see patients in one room at the same time: the rule of working hours.

A shift is in the room that its hours name, or else in the person's usual one. Two people may share a room at
different times.
"""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.statement import Statement
from clinic_web.organization.models import Room, Staff
from clinic_web.organization.setting_up.spans import EVER, FOREVER, Span, Week

TAKEN = N_("%(name)s is in room %(room)s then, %(begins)s to %(ends)s.")
# Of other people who still work here, in these rooms, on days of the week's span.
OTHERS = Statement(
    """
    SELECT h.weekday, h.starts_at, h.ends_at, COALESCE(h.room_id, s.room_id) AS room_id, s.short_name AS name
      FROM organization.working_hours h JOIN organization.staff s ON s.id = h.staff_id
     WHERE h.organization_id = :organization_id AND h.staff_id <> :staff_id
       AND s.is_active AND s.deleted_at IS NULL AND COALESCE(h.room_id, s.room_id) = ANY(:rooms)
       AND COALESCE(h.valid_from, DATE '-infinity') <= :last
       AND COALESCE(h.valid_until, DATE 'infinity') >= :first
     ORDER BY h.starts_at
    """
)


def require_free(actor: Actor, staff_id: UUID, week: Week) -> None:
    """Raise RuleBroken (422) at the field of the first shift whose room another doctor is in at the time.

    The rooms stay locked until the commit: two who write hours at once come one after the other. Raises
    NotFound (404) for a room that is not the organization's.
    """
    usual = db.session.scalar(select(Staff.room_id).where(Staff.id == staff_id))
    wanted = {span: span.room_id or usual for span in week.spans}
    names = _locked(actor, {room_id for room_id in wanted.values() if room_id})
    if not names:
        return
    others = OTHERS.all(
        {
            "organization_id": actor.organization_id,
            "staff_id": staff_id,
            "rooms": list(names),
            "first": week.valid_from or EVER,
            "last": week.valid_until or FOREVER,
        }
    )
    for field, span in numbered(week.spans):
        for other in others:
            if other.room_id == wanted[span] and _meet(span, other):
                raise RuleBroken(
                    TAKEN,
                    field=field,
                    name=other.name,
                    room=names[other.room_id],
                    begins=_clock(other.starts_at),
                    ends=_clock(other.ends_at),
                )


def numbered(spans: tuple[Span, ...]) -> list[tuple[str, Span]]:
    """Return each span with the name of its room's field."""
    seen: dict[int, int] = {}
    found = []
    for span in spans:
        number = seen.get(span.weekday, 0)
        seen[span.weekday] = number + 1
        found.append((f"room_{span.weekday}_{number}", span))
    return found


def _locked(actor: Actor, ids: set[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    rows = db.session.execute(
        select(Room.id, Room.name)
        .where(Room.organization_id == actor.organization_id, Room.id.in_(ids))
        .order_by(Room.id)
        .with_for_update()
    )
    names = {row.id: row.name for row in rows}
    if ids - names.keys():
        raise NotFound
    return names


def _meet(span: Span, other: Any) -> bool:
    return bool(
        span.weekday == other.weekday and span.starts_at < other.ends_at and other.starts_at < span.ends_at
    )


def _clock(at: time) -> str:
    return f"{at:%H:%M}"
