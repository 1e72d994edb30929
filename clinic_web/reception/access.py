"""The only way to load a row of reception for a person: tenant and facility decide; foreign is 404."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.reception.models import Appointment, NumberBlock, Queue, Settlement, StationStop, Visit
from clinic_web.reception.models.queues import CLINIC

Row = TypeVar("Row", Visit, Appointment, Queue, StationStop, NumberBlock, Settlement)

NO_VISIT = N_("This visit is not here (any more).")
NO_APPOINTMENT = N_("This appointment is not here (any more).")
NO_QUEUE = N_("This queue is not here (any more).")
NO_STOP = N_("This number is not in the line (any more).")
NO_SETTLEMENT = N_("This is not here (any more).")
NO_BLOCK = N_("These numbers are not here (any more).")


def visit_for(actor: Actor, visit_id: UUID, *, lock: bool = False) -> Visit:
    """Return the visit (``lock``: FOR UPDATE, and fresh); NotFound (404) if it is not the actor's to see."""
    return _one(actor, Visit, select(Visit).where(Visit.id == visit_id), NO_VISIT, lock=lock)


def appointment_for(actor: Actor, appointment_id: UUID, *, lock: bool = False) -> Appointment:
    """Return the appointment; NotFound (404) if it is not the actor's to see."""
    wanted = select(Appointment).where(Appointment.id == appointment_id)
    return _one(actor, Appointment, wanted, NO_APPOINTMENT, lock=lock)


def queue_for(actor: Actor, queue_id: UUID) -> Queue:
    """Return the queue; NotFound (404) if it is not the actor's to see."""
    return _one(actor, Queue, select(Queue).where(Queue.id == queue_id), NO_QUEUE, lock=False)


def queue_of_clinic(actor: Actor, clinic_id: UUID) -> Queue:
    """Return the clinic's queue; NotFound (404) if there is none for the actor."""
    wanted = select(Queue).where(Queue.clinic_id == clinic_id, Queue.kind == CLINIC)
    return _one(actor, Queue, wanted, NO_QUEUE, lock=False)


def station_for(actor: Actor, queue_id: UUID) -> Queue:
    """Return a station's queue; NotFound (404) if it is none, or not the actor's to see."""
    wanted = select(Queue).where(Queue.id == queue_id, Queue.kind != CLINIC)
    return _one(actor, Queue, wanted, NO_QUEUE, lock=False)


def stop_for(actor: Actor, stop_id: UUID, *, lock: bool = False) -> StationStop:
    """Return a stop at a station; NotFound (404) if it is not the actor's to see."""
    wanted = select(StationStop).where(StationStop.id == stop_id)
    return _one(actor, StationStop, wanted, NO_STOP, lock=lock)


def block_for(actor: Actor, block_id: UUID) -> NumberBlock:
    """Return a block of numbers on paper; NotFound (404) if it is not the actor's to see."""
    return _one(
        actor, NumberBlock, select(NumberBlock).where(NumberBlock.id == block_id), NO_BLOCK, lock=False
    )


def settlement_for(actor: Actor, settlement_id: UUID, *, lock: bool = False) -> Settlement:
    """Return what was decided about a doctor's absence; NotFound (404) if it is not the actor's to see."""
    wanted = select(Settlement).where(Settlement.id == settlement_id)
    return _one(actor, Settlement, wanted, NO_SETTLEMENT, lock=lock)


def _one(actor: Actor, table: type[Row], wanted: Select[Row], absent: str, *, lock: bool) -> Row:
    wanted = wanted.where(table.organization_id == actor.organization_id)
    if actor.facility_id is not None:
        wanted = wanted.where(table.facility_id == actor.facility_id)
    if lock:
        # A row that somebody else has just changed must be seen as it is now, not as this session knew it.
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row = db.session.execute(wanted).scalar_one_or_none()
    if row is None:
        raise NotFound(absent)
    return row
