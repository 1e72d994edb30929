"""Queues are made with their clinics, stations by themselves."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.models import Queue
from clinic_web.reception.models.queues import CLINIC


def ensure_queue(
    actor: Actor,
    *,
    clinic_id: UUID,
    facility_id: UUID,
    prefix: str,
    **settings: Any,
) -> UUID:
    """Return the clinic's queue, made with these settings if there is none yet.

    ``prefix`` is the letter of its tickets; where another queue of the facility has it, a figure is added.
    ``settings``: ``policy``, ``draw_at``, ``privacy``, ``wait_target_minutes`` (see models.queues.Queue).
    """
    with transaction():
        known = select(Queue.id).where(
            Queue.organization_id == actor.organization_id, Queue.clinic_id == clinic_id, Queue.kind == CLINIC
        )
        queue_id = db.session.execute(known).scalar_one_or_none()
        if queue_id is not None:
            return queue_id
        queue = Queue(
            organization_id=actor.organization_id,
            facility_id=facility_id,
            clinic_id=clinic_id,
            prefix=free_prefix(facility_id, prefix),
            created_by=actor.user_id,
            **settings,
        )
        db.session.add(queue)
        db.session.flush()
        return queue.id


def ensure_station(actor: Actor, *, kind: str, facility_id: UUID, prefix: str, **names: Any) -> UUID:
    """Return the facility's station with this letter, made if there is none yet.

    ``kind`` is one of models.queues.STATIONS. ``names``: ``name``, ``name_ar``, ``room_id`` (usual counter).
    """
    with transaction():
        known = select(Queue.id).where(
            Queue.organization_id == actor.organization_id,
            Queue.facility_id == facility_id,
            Queue.prefix == prefix,
            Queue.kind == kind,
        )
        queue_id = db.session.execute(known).scalar_one_or_none()
        if queue_id is not None:
            return queue_id
        queue = Queue(
            organization_id=actor.organization_id,
            facility_id=facility_id,
            kind=kind,
            prefix=free_prefix(facility_id, prefix),
            created_by=actor.user_id,
            **names,
        )
        db.session.add(queue)
        db.session.flush()
        return queue.id


def free_prefix(facility_id: UUID, prefix: str) -> str:
    """Return ``prefix``, with a figure added where another queue of the facility has it."""
    taken = set(db.session.scalars(select(Queue.prefix).where(Queue.facility_id == facility_id)))
    if prefix not in taken:
        return prefix
    return next(other for number in count(2) if (other := f"{prefix}{number}") not in taken)
