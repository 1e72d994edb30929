"""The live topics of the laboratory: their names, and who may hear them.

``lab:<facility>`` tells every change of a laboratory's work; ``lab_order:<order>`` of one order's tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.db import db
from clinic_web.lab.models import HeardOrder
from clinic_web.organization import api as organization

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

LAB, ORDER = "lab:", "lab_order:"


def lab_topic(facility_id: UUID) -> str:
    """Return the topic of a laboratory's worklist."""
    return f"{LAB}{facility_id}"


def order_topic(order_id: UUID) -> str:
    """Return the topic of what becomes of an order's tests."""
    return f"{ORDER}{order_id}"


def may_join_lab(joiner: Joiner, topic: str) -> bool:
    """People who may see the laboratory's work hear the laboratory of their own place."""
    actor = joiner.actor
    if actor is None or not actor.can("lab.view"):
        return False
    facility_id = UUID(topic.removeprefix(LAB))
    if actor.facility_id is not None and actor.facility_id != facility_id:
        return False
    return facility_id in organization.directory(actor.organization_id).facilities


def may_join_order(joiner: Joiner, topic: str) -> bool:
    """People who may see orders hear those of their own place."""
    actor = joiner.actor
    if actor is None or not actor.can("order.view"):
        return False
    mine = select(HeardOrder.order_id).where(
        HeardOrder.order_id == UUID(topic.removeprefix(ORDER)),
        HeardOrder.organization_id == actor.organization_id,
    )
    if actor.facility_id is not None:
        mine = mine.where(HeardOrder.facility_id == actor.facility_id)
    return db.session.execute(mine).first() is not None
