"""Which priorities a queue has: the reasons to come before others, as its clinic has set them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.reception.models import Queue, QueuePriority

UNKNOWN = N_("Choose one of the priorities.")


@dataclass(frozen=True, kw_only=True)
class Priority:
    """One reason to come first: the higher ``rank`` (1 to 99), the earlier."""

    code: str
    name: str
    name_ar: str
    rank: int
    is_active: bool
    version: int


def of_queue(actor: Actor, queue_id: UUID, *, also_unused: bool = False) -> list[Priority]:
    """Return a queue's priorities, the highest first; ``also_unused``: with those taken out of use."""
    wanted = select(QueuePriority).where(QueuePriority.queue_id == queue_id)
    return _found(actor, wanted, also_unused)


def of_clinic(actor: Actor, clinic_id: UUID) -> list[Priority]:
    """Return the priorities that patients of a clinic can have now, the highest first."""
    wanted = select(QueuePriority).join(Queue).where(Queue.clinic_id == clinic_id)
    return _found(actor, wanted, False)


def _found(actor: Actor, wanted: Select[QueuePriority], also_unused: bool) -> list[Priority]:
    wanted = wanted.where(QueuePriority.organization_id == actor.organization_id)
    if not also_unused:
        wanted = wanted.where(QueuePriority.is_active)
    order = (QueuePriority.is_active.desc(), QueuePriority.rank.desc(), QueuePriority.name)
    return [
        Priority(
            code=row.code,
            name=row.name,
            name_ar=row.name_ar,
            rank=row.rank,
            is_active=row.is_active,
            version=row.version,
        )
        for row in db.session.scalars(wanted.order_by(*order))
    ]


def rank_of(queue_id: UUID, code: str | None) -> int:
    """Return how high ``code`` stands in a queue, 0 for none; RuleBroken (422) when the queue lacks it."""
    return _rank(code, lambda: QueuePriority.queue_id == queue_id)


def rank_in_clinic(clinic_id: UUID, code: str | None) -> int:
    """Return the same for the line of a clinic."""
    return _rank(
        code, lambda: QueuePriority.queue_id.in_(select(Queue.id).where(Queue.clinic_id == clinic_id))
    )


def _rank(code: str | None, is_of_queue: Callable[[], ColumnElement[bool]]) -> int:
    if code is None:  # as good as always: nothing to ask, so nothing to put together
        return 0
    has_code = (QueuePriority.code == code, QueuePriority.is_active)
    rank = db.session.scalar(select(QueuePriority.rank).where(is_of_queue(), *has_code))
    if rank is None:
        raise RuleBroken(UNKNOWN, field="priority")
    return rank
