"""The live topics of orders: one per order, one per visit, one per clinic (lists), and who may hear them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ColumnElement, select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.orders.models import Order
from clinic_web.organization import api as organization
from clinic_web.reception import api as reception

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

ORDER, OF_VISIT, OF_CLINIC = "order:", "visit-orders:", "orders:"


def order_topic(order_id: UUID) -> str:
    """Return the topic of one order: its line."""
    return f"{ORDER}{order_id}"


def visit_topic(visit_id: UUID) -> str:
    """Return the topic of all orders of a visit."""
    return f"{OF_VISIT}{visit_id}"


def clinic_topic(clinic_id: UUID) -> str:
    """Return the topic of all orders of a clinic: lists follow it."""
    return f"{OF_CLINIC}{clinic_id}"


def mine(actor: Actor) -> list[ColumnElement[bool]]:
    """Return the conditions that an order is the actor's to see: tenant, and facility if they have one."""
    conditions = [Order.organization_id == actor.organization_id]
    return conditions if actor.facility_id is None else [*conditions, Order.facility_id == actor.facility_id]


def may_join_order(joiner: Joiner, topic: str) -> bool:
    actor = joiner.actor
    if actor is None or not actor.can("order.view"):
        return False
    wanted = select(Order.id).where(Order.id == UUID(topic.removeprefix(ORDER)), *mine(actor))
    return db.session.execute(wanted).first() is not None


def may_join_visit(joiner: Joiner, topic: str) -> bool:
    actor = joiner.actor
    if actor is None or not actor.can("order.view"):
        return False
    return reception.visit_of(actor, UUID(topic.removeprefix(OF_VISIT))) is not None


def may_join_clinic(joiner: Joiner, topic: str) -> bool:
    actor = joiner.actor
    if actor is None or not actor.can("order.view"):
        return False
    clinic = organization.directory(actor.organization_id).clinics.get(UUID(topic.removeprefix(OF_CLINIC)))
    return clinic is not None and actor.facility_id in (None, clinic.facility_id)
