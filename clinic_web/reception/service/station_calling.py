"""Call people to a counter: one press finishes who is there and calls exactly one next."""

# ruff: noqa: S608 - the parts that are put together are constants of this file

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.reception import StationCalled
from clinic_web.kernel import clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, BadRequest, Busy, NotFound, StaleScreen
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.organization import api as organization
from clinic_web.reception.access import station_for
from clinic_web.reception.models import Queue, StationStop
from clinic_web.reception.models.queues import TODAY
from clinic_web.reception.models.stations import ONE_AT_THE_COUNTER, StaleStop
from clinic_web.reception.models.visits import CALLED, WAITING
from clinic_web.reception.service import answers
from clinic_web.reception.service.calling import PAUSES
from clinic_web.reception.service.moves import tell_line
from clinic_web.reception.service.numbers import timezone_of
from clinic_web.reception.service.stations import (
    Stopped,
    end_stop,
    moved_stop,
    moving_stop,
    state_of_stop,
    tell_station,
)

_WAITS = f"s.queue_id = :queue_id AND s.queue_day = {TODAY} AND s.status = 'WAITING'"
_CALL = """
    UPDATE reception.station_stops s
       SET status = 'CALLED', clerk_id = :clerk_id, room_id = CAST(:room_id AS uuid), called_at = :now,
           times_called = s.times_called + 1, finished_id = CAST(:finished_id AS uuid),
           version = s.version + 1, updated_at = :now, updated_by = :clerk_id
      FROM next WHERE s.id = next.id
    RETURNING s.id, s.queue_id, s.visit_id, s.patient_id, s.ticket, s.room_id, s.version
"""
CALL_NEXT = Statement(
    f"""
    WITH next AS (
        SELECT s.id FROM reception.station_stops s WHERE {_WAITS}
         ORDER BY s.priority_rank DESC, s.check_in_time, s.id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) {_CALL}
    """
)
CALL_THIS = Statement(
    "WITH next AS (SELECT id FROM reception.station_stops WHERE id = :stop_id AND status = 'WAITING')" + _CALL
)
SOMEBODY_WAITS = Statement(f"SELECT 1 FROM reception.station_stops s WHERE {_WAITS} LIMIT 1")


def call_next(
    actor: Actor,
    queue_id: UUID,
    *,
    at_counter: UUID | None = None,
    room_id: UUID | None = None,
    key: str | None,
) -> Stopped | None:
    """Finish who is at my counter and call exactly one next; None when nobody waits.

    ``at_counter`` is the stop that the button said it finishes: where another tab has called somebody else
    meanwhile, that one is returned (``was_called_already``) and nobody is skipped. ``room_id`` is my counter,
    without it the station's usual one. Raises NotFound (404), BadRequest (400: no key, or nobody's counter).
    """
    try:
        return _call_next(actor, queue_id, at_counter, room_id, key)
    except IntegrityError as error:
        if constraint_of(error) != ONE_AT_THE_COUNTER:
            raise
    return _call_next(actor, queue_id, at_counter, room_id, key)


def _call_next(
    actor: Actor, queue_id: UUID, at_counter: UUID | None, room_id: UUID | None, key: str | None
) -> Stopped | None:
    with transaction():
        claim = idempotency.claim(actor, "station.call_next", key, {"queue": queue_id})
        if claim.is_repetition:
            return answers.again(Stopped, claim) if claim.answer else None
        values = _values(actor, station_for(actor, queue_id), room_id)
        mine = _mine(actor)
        if mine is not None and mine.id != at_counter:
            called: Stopped | None = replace(state_of_stop(mine), was_called_already=True)
        else:
            called = _finish_and_take(actor, mine, values)
        if called is None:
            claim.keep({})
        else:
            answers.keep(claim, called)
        return called


def _finish_and_take(actor: Actor, mine: StationStop | None, values: dict[str, Any]) -> Stopped | None:
    if mine is not None:
        end_stop(actor, mine)
        moved_stop(actor, "station.finish", mine)
    row = _take_next(values | {"finished_id": mine.id if mine else None})
    return None if row is None else _tell_called(actor, row, mine)


def call(actor: Actor, stop_id: UUID, *, version: int, room_id: UUID | None = None) -> Stopped:
    """Call a particular one who waits. StaleScreen (409) if it moved on or somebody is at my counter."""
    with moving_stop(actor, stop_id, version) as stop:
        if stop.status != WAITING:
            raise StaleStop(stop)
        mine = _mine(actor)
        if mine is not None:
            raise StaleScreen(N_("%(ticket)s is at your counter. Finish that first."), ticket=mine.ticket)
        values = _values(actor, station_for(actor, stop.queue_id), room_id)
        row = CALL_THIS.first(values | {"stop_id": stop.id, "finished_id": None})
        return _tell_called(actor, row, None)


def _mine(actor: Actor) -> StationStop | None:
    """Return, locked, who is at my counter, whichever station it is: one at most, by a unique index."""
    mine = select(StationStop).where(
        StationStop.clerk_id == actor.user_id,
        StationStop.status == CALLED,
        StationStop.organization_id == actor.organization_id,
    )
    locked = mine.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(locked).one_or_none()


def _values(actor: Actor, queue: Queue, room_id: UUID | None) -> dict[str, Any]:
    if actor.user_id is None:
        raise BadRequest(N_("Only somebody at a counter can call people to it."))
    if room_id is not None and room_id not in organization.directory(actor.organization_id).rooms:
        raise NotFound(N_("This room is not here (any more)."))
    return {
        "queue_id": queue.id,
        "timezone": timezone_of(actor, queue.facility_id),
        "clerk_id": actor.user_id,
        "room_id": room_id or queue.room_id,
        "now": clock.now(),
    }


def _take_next(values: dict[str, Any]) -> Any:
    """Call whose turn it is; never wait for a colleague's row, but look again (see calling.py)."""
    if row := CALL_NEXT.first(values):
        return row
    for pause in PAUSES:
        if SOMEBODY_WAITS.first(values) is None:
            return None
        time.sleep(pause)
        if row := CALL_NEXT.first(values):
            return row
    if SOMEBODY_WAITS.first(values) is None:
        return None
    raise Busy


def _tell_called(actor: Actor, row: Any, finished: StationStop | None) -> Stopped:
    audit.saw(actor, "station.call", "station_stop", row.id)
    tell_station(actor, StationCalled, row)
    tell_line(row.queue_id)
    return Stopped(
        stop_id=row.id,
        queue_id=row.queue_id,
        ticket=row.ticket,
        status=CALLED,
        version=row.version,
        visit_id=row.visit_id,
        patient_id=row.patient_id,
        room_id=row.room_id,
        finished_ticket=finished.ticket if finished else None,
    )
