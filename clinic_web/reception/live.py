"""The live topics of reception: their names, and who may hear them.

``queue:<queue>`` tells every move of a queue to the people of its organization; ``board:<queue>`` what its
walls show (which screens may hear that: ``routes/boards.py``); ``settlement:<id>`` how far a worker is with
the appointments of a doctor who is away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.db import db
from clinic_web.reception.models import Queue, Settlement

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

QUEUE, BOARD, SETTLEMENT = "queue:", "board:", "settlement:"


def queue_topic(queue_id: UUID) -> str:
    """Return the topic of every move in a queue: desks and doctors follow it."""
    return f"{QUEUE}{queue_id}"


def board_topic(queue_id: UUID) -> str:
    """Return the topic of what a queue's wall shows: its calls and its waiting line."""
    return f"{BOARD}{queue_id}"


def settlement_topic(settlement_id: UUID) -> str:
    """Return the topic of how far a settlement is."""
    return f"{SETTLEMENT}{settlement_id}"


def may_join_settlement(joiner: Joiner, topic: str) -> bool:
    """People who may see appointments hear the settlements of their own place."""
    actor = joiner.actor
    if actor is None or not actor.can("appointment.view"):
        return False
    mine = select(Settlement.id).where(
        Settlement.id == UUID(topic.removeprefix(SETTLEMENT)),
        Settlement.organization_id == actor.organization_id,
    )
    if actor.facility_id is not None:
        mine = mine.where(Settlement.facility_id == actor.facility_id)
    return db.session.execute(mine).first() is not None


def may_join_queue(joiner: Joiner, topic: str) -> bool:
    """People who may see visits hear the queues of their own place."""
    actor = joiner.actor
    if actor is None or not actor.can("visit.view"):
        return False
    mine = select(Queue.id).where(
        Queue.id == UUID(topic.removeprefix(QUEUE)), Queue.organization_id == actor.organization_id
    )
    if actor.facility_id is not None:
        mine = mine.where(Queue.facility_id == actor.facility_id)
    return db.session.execute(mine).first() is not None
