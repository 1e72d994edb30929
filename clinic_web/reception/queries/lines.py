"""All lines of a facility with their live figures: clinics and stations alike, one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.organization import api as organization
from clinic_web.reception.access import NO_QUEUE
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models.queues import CLINIC, TODAY

_COLUMNS = """q.id, q.kind, q.prefix, q.clinic_id, q.name, q.name_ar, q.room_id, q.policy, q.draw_at,
           q.privacy, q.wait_target_minutes, q.takes_unpaid, q.is_active, q.version"""
LINES = text(
    f"""
    SELECT {_COLUMNS}, day.today, tally.*,
           (SELECT count(*) FROM reception.queue_numbers n
             WHERE n.queue_id = q.id AND n.state = 'RESERVED') AS open,
           (SELECT min(n.day) FROM reception.queue_numbers n
             WHERE n.queue_id = q.id AND n.state = 'RESERVED') AS open_since
      FROM reception.queues q
     CROSS JOIN (SELECT {TODAY} AS today) AS day
     CROSS JOIN LATERAL (
           SELECT count(*) FILTER (WHERE v.status = 'WAITING') AS waiting,
                  count(*) FILTER (WHERE v.status IN ('CALLED', 'IN_PROGRESS')) AS inside,
                  count(*) FILTER (WHERE v.status IN ('PENDING_PAYMENT', 'COMPLETED')) AS done,
                  min(v.check_in_time) FILTER (WHERE v.status = 'WAITING') AS first_came_at
             FROM reception.lines v WHERE v.queue_id = q.id AND v.queue_day = day.today
           ) AS tally
     WHERE q.organization_id = :organization_id AND q.facility_id = :facility_id
     ORDER BY q.kind <> 'CLINIC', q.prefix
    """  # noqa: S608 - the parts are constants of our own
)
ONE = text(
    f"""
    SELECT {_COLUMNS} FROM reception.queues q
     WHERE q.id = :queue_id AND q.organization_id = :organization_id
       AND (CAST(:facility_id AS uuid) IS NULL OR q.facility_id = :facility_id)
    """  # noqa: S608 - the columns are a constant of our own
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A queue as people name it (its clinic's name, or the station's own) and as it is set."""

    id: UUID
    kind: str
    prefix: str
    clinic_id: UUID | None
    name: str
    name_ar: str | None
    room_id: UUID | None
    policy: str
    draw_at: str
    privacy: str
    wait_target_minutes: int
    takes_unpaid: bool
    is_active: bool
    version: int

    @property
    def is_station(self) -> bool:
        return self.kind != CLINIC

    @property
    def topic(self) -> str:
        return queue_topic(self.id)


@dataclass(frozen=True, kw_only=True)
class LineNow:
    """A line today: who waits (and since when the first of them), who is inside, who is done.

    ``open`` counts numbers that are on paper and neither entered nor void, of all days since ``open_since``.
    """

    line: Line
    today: date
    waiting: int
    inside: int
    done: int
    first_came_at: datetime | None
    open: int
    open_since: date | None

    @property
    def longest(self) -> int:
        """How long the first has waited, in whole minutes."""
        if self.first_came_at is None:
            return 0
        return max(0, int((clock.now() - self.first_came_at).total_seconds() // 60))


def lines_now(actor: Actor) -> list[LineNow]:
    """Return the facility's lines with their figures: clinics in their order, then stations."""
    facility = organization.facility(actor)
    where = {
        "organization_id": actor.organization_id,
        "facility_id": facility.id,
        "timezone": facility.timezone,
    }
    clinics = organization.directory(actor.organization_id).clinics
    places: dict[UUID | None, int] = {clinic_id: place for place, clinic_id in enumerate(clinics)}
    figures = ("today", "waiting", "inside", "done", "first_came_at", "open", "open_since")
    found = [
        LineNow(line=_line(actor, row), **{name: row[name] for name in figures})
        for row in db.session.execute(LINES, where).mappings()
    ]
    return sorted(found, key=lambda each: (each.line.is_station, places.get(each.line.clinic_id, 0)))


def line(actor: Actor, queue_id: UUID) -> Line:
    """Return one line; NotFound (404) if it is not the actor's to see."""
    where = {
        "queue_id": queue_id,
        "organization_id": actor.organization_id,
        "facility_id": actor.facility_id,
    }
    row = db.session.execute(ONE, where).mappings().first()
    if row is None:
        raise NotFound(NO_QUEUE)
    return _line(actor, row)


def _line(actor: Actor, row: Any) -> Line:
    clinics = organization.directory(actor.organization_id).clinics
    clinic = clinics.get(row["clinic_id"]) if row["clinic_id"] else None
    names = {"name": clinic.name, "name_ar": clinic.name_ar} if clinic else {}
    own = {name: row[name] for name in Line.__dataclass_fields__}
    return Line(**{**own, "name": own["name"] or row["prefix"], **names})
