"""The live topics of reception: their names, and who may hear them.

``queue:<queue>`` tells every move of a queue to the people of its organization; ``board:<queue>`` what its
walls show (which screens may hear that: ``routes/boards.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.db import db
from clinic_web.reception.models import Queue

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

QUEUE, BOARD = "queue:", "board:"


def queue_topic(queue_id: UUID) -> str:
    """Return the topic of every move in a queue: desks and doctors follow it."""
    return f"{QUEUE}{queue_id}"


def board_topic(queue_id: UUID) -> str:
    """Return the topic of what a queue's wall shows: its calls and its waiting line."""
    return f"{BOARD}{queue_id}"


def may_join_queue(joiner: Joiner, topic: str) -> bool:
    """People who may see visits hear the queues of their own organization."""
    actor = joiner.actor
    return (
        actor is not None
        and actor.can("visit.view")
        and _queue_is_of(_queue_in(topic), actor.organization_id)
    )


def _queue_in(topic: str) -> UUID:
    return UUID(topic.split(":")[1])


def _queue_is_of(queue_id: UUID, organization_id: UUID) -> bool:
    found = select(Queue.id).where(Queue.id == queue_id, Queue.organization_id == organization_id)
    return db.session.execute(found).first() is not None
