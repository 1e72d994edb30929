"""What a station's console shows: who is at my counter, the line in the order of the calls, who is done.

As on the desk, the stream is read in the statement that reads the rows, so a part is never older than the
version it says it was drawn from. Who looked at whose rows is noted once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from clinic_web.audit import api as audit
from clinic_web.identity import api as identity
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.payments import api as payments
from clinic_web.payments.api import Owed
from clinic_web.reception.models.queues import CASHIER, TODAY
from clinic_web.reception.models.visits import CALLED, NO_SHOW, WAITING
from clinic_web.reception.queries import lines
from clinic_web.reception.queries.desk import minutes_between
from clinic_web.reception.queries.lines import Line

DONE, MISSED = "done", "missed"
LISTS = {MISSED: NO_SHOW, DONE: "COMPLETED"}
MOST_DONE = 100
OWN_KINDS = {  # by the name of the role
    "cashier": CASHIER,
    "pharmacist": "PHARMACY",
    "pharmacy_technician": "PHARMACY",
    "lab_technician": "LAB",
}

CONSOLE = text(
    f"""
    SELECT tally.*, s.id AS stop_id, s.version, s.status, s.ticket, s.patient_id, s.visit_id, s.clerk_id,
           s.room_id, s.check_in_time, s.called_at, s.end_time, s.times_called,
           v.clinic_id, v.service_id, coalesce(v.attending_id, v.doctor_id) AS doctor_id,
           v.priority, v.priority_reason,
           CASE WHEN v.priority IS NOT NULL THEN
               (SELECT ARRAY[p.name, p.name_ar] FROM reception.queue_priorities p
                 WHERE p.queue_id = v.queue_id AND p.code = v.priority)
           END AS priority_names,
           (SELECT t.seq FROM kernel.streams t WHERE t.topic = 'queue:' || q.id) AS seq,
           (SELECT t.epoch FROM kernel.streams t WHERE t.topic = 'queue:' || q.id) AS epoch
      FROM reception.queues q
     CROSS JOIN LATERAL (
           SELECT count(*) FILTER (WHERE d.status = 'COMPLETED') AS done,
                  count(*) FILTER (WHERE d.status = 'NO_SHOW') AS missed
             FROM reception.station_stops d WHERE d.queue_id = q.id AND d.queue_day = {TODAY}
           ) AS tally
      LEFT JOIN reception.station_stops s
             ON s.queue_id = q.id
            AND (s.queue_day = {TODAY} AND s.status = ANY(:statuses)
                 OR s.clerk_id = :user_id AND s.status = 'CALLED')
      LEFT JOIN reception.visits v ON v.id = s.visit_id
     WHERE q.id = :queue_id
     ORDER BY s.status <> 'CALLED', CASE WHEN s.status = 'WAITING' THEN s.priority_rank END DESC,
              CASE WHEN s.end_time IS NULL THEN s.check_in_time END, s.end_time DESC, s.id
     LIMIT 400
    """  # noqa: S608 - the parts are constants of our own
)
STATIONS = text(
    """
    SELECT q.id, q.kind, q.name, q.name_ar, s.id AS stop_id, s.version, s.status
      FROM reception.queues q
      LEFT JOIN reception.station_stops s
             ON s.queue_id = q.id AND s.visit_id = :visit_id AND s.status IN ('WAITING', 'CALLED')
     WHERE q.organization_id = :organization_id AND q.facility_id = :facility_id
       AND q.kind <> 'CLINIC' AND q.is_active
     ORDER BY q.kind, q.prefix
    """
)


@dataclass(frozen=True, kw_only=True)
class StopRow:
    """One ticket at the station; ``card`` is None for an anonymous number, ``owed`` without a visit."""

    stop_id: UUID
    version: int
    status: str
    ticket: str
    patient_id: UUID | None
    visit_id: UUID | None
    clerk_id: UUID | None
    room_id: UUID | None
    check_in_time: datetime
    called_at: datetime | None
    end_time: datetime | None
    times_called: int
    clinic_id: UUID | None
    service_id: UUID | None
    doctor_id: UUID | None
    priority: str | None
    priority_reason: str | None
    priority_names: list[str] | None
    place: int = 0
    card: PatientCard | None = None
    clinic: ClinicInfo | None = None
    service: ServiceInfo | None = None
    doctor: StaffInfo | None = None
    owed: Owed | None = None
    room: str | None = None

    @property
    def since(self) -> datetime | None:
        return self.called_at if self.status == CALLED else self.check_in_time

    @property
    def minutes(self) -> int:
        return minutes_between(self.since, clock.now())

    @property
    def name(self) -> str:
        return self.card.name if self.card else ""


_OWN = tuple(StopRow.__dataclass_fields__)[: tuple(StopRow.__dataclass_fields__).index("place")]


@dataclass(frozen=True, kw_only=True)
class Console:
    """A station now: who is at my counter, at others, who waits; ``shown`` is a list that was asked for."""

    line: Line
    seq: int
    epoch: str
    done: int
    missed: int
    mine: StopRow | None
    others: tuple[StopRow, ...]
    waiting: tuple[StopRow, ...]
    shown: tuple[StopRow, ...]

    @property
    def next(self) -> StopRow | None:
        return self.waiting[0] if self.waiting else None

    @property
    def longest(self) -> int:
        return max((row.minutes for row in self.waiting), default=0)


def console(actor: Actor, queue_id: UUID, shown: str | None = None) -> Console:
    """Return a station as its clerk sees it; NotFound (404). ``shown`` is one of LISTS."""
    line = lines.line(actor, queue_id)
    where = {
        "queue_id": line.id,
        "timezone": organization.facility(actor).timezone,
        "user_id": actor.user_id,
        "statuses": [WAITING, CALLED, *([LISTS[shown]] if shown else [])],
    }
    with transaction():
        found = db.session.execute(CONSOLE, where).mappings().all()
        rows = _complete(actor, [_row(each) for each in found if each["stop_id"] is not None])
        if rows:
            seen = dict.fromkeys(row.patient_id for row in rows if row.patient_id)
            audit.saw(actor, "station.view", "patient", ids=seen)
    head = found[0]
    waiting = [row for row in rows if row.status == WAITING]
    called = [row for row in rows if row.status == CALLED]
    return Console(
        line=line,
        seq=head["seq"] or 0,
        epoch=str(head["epoch"] or ""),
        done=head["done"],
        missed=head["missed"],
        mine=next((row for row in called if row.clerk_id == actor.user_id), None),
        others=tuple(row for row in called if row.clerk_id != actor.user_id),
        waiting=tuple(replace(row, place=place) for place, row in enumerate(waiting, 1)),
        shown=tuple(row for row in rows if row.status not in (WAITING, CALLED))[:MOST_DONE],
    )


def _row(found: Any) -> StopRow:
    return StopRow(**{name: found[name] for name in _OWN})


def _complete(actor: Actor, rows: list[StopRow]) -> list[StopRow]:
    """Ask the owners of names and money, once each for the whole list."""
    there = organization.directory(actor.organization_id)
    cards = patients.cards(actor, {row.patient_id for row in rows if row.patient_id}) if rows else {}
    visits = [row.visit_id for row in rows if row.visit_id]
    owed = payments.owed_for_visits(actor, visits) if visits else {}
    return [
        replace(
            row,
            card=cards.get(row.patient_id) if row.patient_id else None,
            clinic=there.clinics.get(row.clinic_id) if row.clinic_id else None,
            service=there.services.get(row.service_id) if row.service_id else None,
            doctor=there.staff.get(row.doctor_id) if row.doctor_id else None,
            owed=owed.get(row.visit_id) if row.visit_id else None,
            room=there.rooms[row.room_id].name if row.room_id in there.rooms else None,
        )
        for row in rows
    ]


@dataclass(frozen=True, kw_only=True)
class StationChoice:
    """A station that a visit can be sent to; ``stop_id`` where it is in that line already."""

    id: UUID
    kind: str
    name: str
    name_ar: str | None
    stop_id: UUID | None
    version: int | None
    status: str | None


def choices(actor: Actor, visit_id: UUID | None = None) -> list[StationChoice]:
    """Return the facility's open stations, and where a visit stands in each, in one statement."""
    where = {
        "organization_id": actor.organization_id,
        "facility_id": organization.facility(actor).id,
        "visit_id": visit_id,
    }
    rows = db.session.execute(STATIONS, where)
    return [
        StationChoice(
            id=row.id,
            kind=row.kind,
            name=row.name,
            name_ar=row.name_ar,
            stop_id=row.stop_id,
            version=row.version,
            status=row.status,
        )
        for row in rows
    ]


def usual(actor: Actor, found: list[StationChoice]) -> StationChoice:
    """Return the first station of the kind that the actor's role works at, or else the first of them."""
    kinds = {OWN_KINDS[name] for name in identity.role_names_of(actor) if name in OWN_KINDS}
    return next((each for each in found if each.kind in kinds), found[0])
