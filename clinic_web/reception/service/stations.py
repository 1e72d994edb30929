"""What becomes of a ticket at a station: finished, called again, sent back, missed, taken out; and undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.reception import StationCalled, StationFinished, StationJoined
from clinic_web.kernel import bus
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.reception.access import stop_for
from clinic_web.reception.models import StationStop
from clinic_web.reception.models.stations import ONE_AT_THE_COUNTER, ONE_STOP
from clinic_web.reception.models.visits import CALLED, COMPLETED
from clinic_web.reception.service.moves import tell_line


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """A stop after an act: what a screen needs to say so, and ``version`` for the next act or its undo.

    ``finished_ticket`` is whom the same press finished. ``was_called_already``: nobody new was called,
    because this one is at the counter.
    """

    stop_id: UUID
    queue_id: UUID
    ticket: str
    status: str
    version: int
    visit_id: UUID | None = None
    patient_id: UUID | None = None
    room_id: UUID | None = None
    finished_ticket: str | None = None
    was_called_already: bool = False


def finish(actor: Actor, stop_id: UUID, *, version: int) -> Stopped:
    """CALLED → COMPLETED, without calling anybody."""
    with moving_stop(actor, stop_id, version) as stop:
        end_stop(actor, stop)
        return moved_stop(actor, "station.finish", stop)


def undo_finish(actor: Actor, stop_id: UUID, *, version: int) -> Stopped:
    """COMPLETED → CALLED. StaleScreen (409) when somebody else is at that counter now."""
    with moving_stop(actor, stop_id, version) as stop:
        stop.undo_finish()
        return moved_stop(actor, "station.undo_finish", stop)


def undo_call(actor: Actor, stop_id: UUID, *, version: int) -> Stopped:
    """CALLED → WAITING at the old place, and whom that press finished is at the counter again."""
    with moving_stop(actor, stop_id, version) as stop:
        finished_id = stop.finished_id
        if stop.status != CALLED:
            stop.announce_again()  # refuses with what it is now
        stop.send_back()
        stop.times_called -= 1
        back = moved_stop(actor, "station.undo_call", stop)
        finished = stop_for(actor, finished_id, lock=True) if finished_id else None
        if finished is not None and finished.status == COMPLETED:
            finished.undo_finish()
            moved_stop(actor, "station.undo_finish", finished)
        return back


def call_again(actor: Actor, stop_id: UUID, *, version: int) -> Stopped:
    """Announce who is called once more; the board shows it as new."""
    with moving_stop(actor, stop_id, version) as stop:
        stop.announce_again()
        tell_station(actor, StationCalled, stop)
        return moved_stop(actor, "station.call_again", stop)


def send_back(actor: Actor, stop_id: UUID, *, version: int) -> Stopped:
    """CALLED or NO_SHOW → WAITING, at the old place."""
    with moving_stop(actor, stop_id, version) as stop:
        stop.send_back()
        return moved_stop(actor, "station.send_back", stop)


def miss(actor: Actor, stop_id: UUID, *, version: int) -> Stopped:
    """CALLED → NO_SHOW: called, and did not come to the counter."""
    with moving_stop(actor, stop_id, version) as stop:
        stop.miss()
        return moved_stop(actor, "station.miss", stop)


def take_out(actor: Actor, stop_id: UUID, *, version: int) -> Stopped:
    """WAITING → CANCELLED: sent here by mistake, or gone."""
    with moving_stop(actor, stop_id, version) as stop:
        stop.cancel()
        return moved_stop(actor, "station.take_out", stop)


@contextmanager
def moving_stop(actor: Actor, stop_id: UUID, version: int) -> Iterator[StationStop]:
    with transaction(), db.session.no_autoflush:
        stop = stop_for(actor, stop_id, lock=True)
        stop.require_version(version)
        yield stop


def flush_stop(ticket: str) -> None:
    """Write now; a race that a unique index has decided becomes a sentence."""
    try:
        db.session.flush()
    except IntegrityError as error:
        if constraint_of(error) == ONE_STOP:
            raise RuleBroken(N_("%(ticket)s is in this line already."), ticket=ticket) from error
        if constraint_of(error) == ONE_AT_THE_COUNTER:
            raise StaleScreen(N_("Somebody else is at that counter meanwhile.")) from error
        raise


def end_stop(actor: Actor, stop: StationStop) -> None:
    stop.finish()
    tell_station(actor, StationFinished, stop)


def moved_stop(actor: Actor, action: str, stop: StationStop) -> Stopped:
    stop.updated_by = actor.user_id
    flush_stop(stop.ticket)
    audit.saw(actor, action, "station_stop", stop.id)
    tell_line(stop.queue_id)
    return state_of_stop(stop)


def state_of_stop(stop: StationStop) -> Stopped:
    return Stopped(
        stop_id=stop.id,
        queue_id=stop.queue_id,
        ticket=stop.ticket,
        status=stop.status,
        version=stop.version,
        visit_id=stop.visit_id,
        patient_id=stop.patient_id,
        room_id=stop.room_id,
    )


def tell_station(
    actor: Actor, event: type[StationJoined] | type[StationCalled] | type[StationFinished], stop: Any
) -> None:
    bus.publish(
        event(
            organization_id=actor.organization_id,
            queue_id=stop.queue_id,
            stop_id=stop.id,
            ticket=stop.ticket,
            visit_id=stop.visit_id,
            patient_id=stop.patient_id,
            room_id=stop.room_id,
        ),
        actor,
    )
