"""Where the tickets of visits stand in the lines of one kind of station, for that station's own worklist."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models.queues import TODAY

# The newest stop of each visit; whoever waits is counted in the order in which the station calls.
AT_STATION = text(
    f"""
    WITH line AS (
        SELECT s.id, row_number() OVER (PARTITION BY s.queue_id
                                            ORDER BY s.priority_rank DESC, s.check_in_time, s.id) AS place
          FROM reception.station_stops s JOIN reception.queues q ON q.id = s.queue_id
         WHERE q.organization_id = :organization_id AND q.facility_id = :facility_id AND q.kind = :kind
           AND s.queue_day = {TODAY} AND s.status = 'WAITING'
    )
    SELECT v.id AS visit_id, v.ticket, v.status AS visit_status, s.id AS stop_id, s.version, s.status,
           s.queue_id, s.check_in_time, s.clerk_id, s.room_id, line.place
      FROM reception.visits v
      LEFT JOIN LATERAL (
            SELECT s.* FROM reception.station_stops s JOIN reception.queues q ON q.id = s.queue_id
             WHERE s.visit_id = v.id AND q.kind = :kind ORDER BY s.check_in_time DESC, s.id DESC LIMIT 1
           ) s ON true
      LEFT JOIN line ON line.id = s.id
     WHERE v.organization_id = :organization_id AND v.facility_id = :facility_id AND v.id = ANY(:visit_ids)
    """  # noqa: S608 - TODAY is a constant
)


@dataclass(frozen=True, kw_only=True)
class AtStation:
    """Where a visit's ticket stands: ``place`` in the line (from 1) while it waits, ``clerk_id`` who called.

    ``stop_id``, ``version`` and ``status`` (WAITING, CALLED, COMPLETED, NO_SHOW, CANCELLED) are of its newest
    stop at such a station, None where it was not sent there; ``visit_status`` is the visit's own.
    """

    ticket: str | None
    visit_status: str
    stop_id: UUID | None
    version: int | None
    status: str | None
    queue_id: UUID | None
    check_in_time: datetime | None
    clerk_id: UUID | None
    room_id: UUID | None
    place: int | None


_FIELDS = tuple(AtStation.__dataclass_fields__)


def at_station(actor: Actor, kind: str, visit_ids: Collection[UUID]) -> dict[UUID, AtStation]:
    """Return where visits stand at the stations of ``kind`` of the actor's facility, by visit, in one
    statement; a visit that is not of this facility is absent."""
    if not visit_ids:
        return {}
    here = organization.facility(actor)
    where = {
        "organization_id": actor.organization_id,
        "facility_id": here.id,
        "timezone": here.timezone,
        "kind": kind,
        "visit_ids": list(visit_ids),
    }
    rows = db.session.execute(AT_STATION, where).mappings()
    return {row["visit_id"]: AtStation(**{key: row[key] for key in _FIELDS}) for row in rows}


STATIONS = text(
    """
    SELECT id, name, name_ar FROM reception.queues
     WHERE organization_id = :organization_id AND facility_id = :facility_id AND kind = :kind AND is_active
     ORDER BY prefix
    """
)


@dataclass(frozen=True, kw_only=True)
class Station:
    """An open station of a facility."""

    id: UUID
    name: str
    name_ar: str | None

    @property
    def topic(self) -> str:
        """The live topic of every move in its line."""
        return queue_topic(self.id)


def stations_here(actor: Actor, kind: str) -> list[Station]:
    """Return the open stations of ``kind`` (PHARMACY, LAB, CASHIER) of the actor's facility."""
    here = organization.facility(actor)
    where = {"organization_id": actor.organization_id, "facility_id": here.id, "kind": kind}
    return [Station(**row) for row in db.session.execute(STATIONS, where).mappings()]
