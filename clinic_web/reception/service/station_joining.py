"""Join a station's line: with the visit's own ticket, or with a number that the station draws."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.events.reception import StationJoined
from clinic_web.kernel import clock, idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients import api as patients
from clinic_web.reception.access import station_for, visit_for
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models import Queue, StationStop, Visit
from clinic_web.reception.models.visits import CANCELLED, NO_SHOW, SCHEDULED, WAITING
from clinic_web.reception.service import answers
from clinic_web.reception.service.moves import tell_line
from clinic_web.reception.service.numbers import today
from clinic_web.reception.service.statements import DRAW
from clinic_web.reception.service.stations import Stopped, flush_stop, state_of_stop, tell_station

NOT_HERE_YET = N_("The patient is not here yet: check in first.")
IS_OFF = N_("This visit is off; nothing leads to a station.")


def send(actor: Actor, visit_id: UUID, queue_id: UUID, *, key: str | None) -> Stopped:
    """Let a visit's ticket join a station's line, once per ``key``; its own number goes with it.

    Raises RuleBroken (422: not here yet, no number, in that line already), NotFound (404), BadRequest (400).
    """
    with transaction():
        claim = idempotency.claim(actor, "station.send", key, {"visit": visit_id, "queue": queue_id})
        if claim.is_repetition:
            return answers.again(Stopped, claim)
        visit = visit_for(actor, visit_id, lock=True)
        queue = _open_station(actor, queue_id)
        _require_sendable(actor, visit, queue)
        stop = join(
            actor,
            queue,
            visit_id=visit.id,
            patient_id=visit.patient_id,
            queue_day=visit.queue_day,
            ticket=visit.ticket,
            priority_rank=visit.priority_rank,
        )
        push.changed(queue_topic(visit.queue_id))  # whoever has the visit in hand sees where it goes
        joined = state_of_stop(stop)
        answers.keep(claim, joined)
        return joined


def _require_sendable(actor: Actor, visit: Visit, queue: Queue) -> None:
    if visit.status == SCHEDULED or visit.ticket is None:
        raise RuleBroken(NOT_HERE_YET)
    if visit.status in (CANCELLED, NO_SHOW) or visit.queue_day != today(actor, queue.facility_id):
        raise RuleBroken(IS_OFF)
    if visit.facility_id != queue.facility_id:
        raise NotFound(N_("This station is not here (any more)."))


def draw(actor: Actor, queue_id: UUID, *, patient_id: UUID | None = None, key: str | None) -> Stopped:
    """Draw a number of the station's own for somebody who comes here first, once per ``key``.

    Raises NotFound (404: station, patient), RuleBroken (422: closed), BadRequest (400: no key).
    """
    with transaction():
        claim = idempotency.claim(actor, "station.draw", key, {"queue": queue_id, "patient": patient_id})
        if claim.is_repetition:
            return answers.again(Stopped, claim)
        queue = _open_station(actor, queue_id)
        if patient_id is not None:
            patient_id = patients.hold(actor, patient_id)
        number_id, day = new_id(), today(actor, queue.facility_id)
        drawn = DRAW.first(
            {
                "organization_id": actor.organization_id,
                "queue_id": queue.id,
                "day": day,
                "visit_id": None,
                "number_id": number_id,
                "now": clock.now(),
            }
        )
        stop = join(
            actor, queue, number_id=number_id, patient_id=patient_id, queue_day=day, ticket=drawn.ticket
        )
        joined = state_of_stop(stop)
        answers.keep(claim, joined)
        return joined


def _open_station(actor: Actor, queue_id: UUID) -> Queue:
    queue = station_for(actor, queue_id)
    if not queue.is_active:
        raise RuleBroken(N_("This station is closed."))
    return queue


def join(actor: Actor, queue: Queue, **fields: Any) -> StationStop:
    """Write the stop and tell of it, in the caller's transaction; RuleBroken (422) if it is there already."""
    stop = StationStop(
        organization_id=actor.organization_id,
        facility_id=queue.facility_id,
        queue_id=queue.id,
        check_in_time=clock.now(),
        status=WAITING,
        created_by=actor.user_id,
        updated_by=actor.user_id,
        **fields,
    )
    db.session.add(stop)
    flush_stop(stop.ticket)
    tell_station(actor, StationJoined, stop)
    audit.saw(actor, "station.join", "station_stop", stop.id)
    tell_line(queue.id)
    return stop
