"""Look after orders whose answer does not come: ask again, turn back, or call for a human."""

from __future__ import annotations

from uuid import UUID

import structlog

from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.orders import deciding, saga
from clinic_web.orders.saga import News
from clinic_web.orders.service import keeping

logger = structlog.get_logger(__name__)

AT_ONCE = 500

DUE = Statement(
    """
    SELECT id FROM orders.orders
     WHERE organization_id = :organization_id AND look_at <= :now ORDER BY look_at LIMIT :most
    """
)
ATTENTION = Statement(
    """
    SELECT count(*) FILTER (WHERE status = 'NEEDS_HUMAN') AS needs_human,
           count(*) FILTER (WHERE status <> 'NEEDS_HUMAN') AS stuck
      FROM orders.orders
     WHERE organization_id = :organization_id
       AND (status = 'NEEDS_HUMAN' OR look_at < :long_ago)
    """
)


def watch() -> int:
    """Look after the orders of the present tenant whose time has come, one transaction each; return how many.

    One that fails keeps no other one waiting: the first failure is raised after the last order.
    """
    organization_id = tenant.current()
    if organization_id is None:
        return 0
    due = DUE.all({"organization_id": organization_id, "now": clock.now(), "most": AT_ONCE})
    failed: list[Exception] = []
    for row in due:
        try:
            look_after(organization_id, row.id)
        except Exception as error:  # told on below
            db.session.rollback()
            failed.append(error)
    if failed:
        raise failed[0]
    return len(due)


def look_after(organization_id: UUID, order_id: UUID) -> None:
    """Ask again, turn back or call for a human, whatever time it is for that order."""
    actor = system_actor(organization_id, name="orders")
    with transaction():
        order = keeping.read(organization_id, order_id)
        if order is None:
            return
        decision = deciding.decide(order.saga, News(kind=saga.LOOK), clock.now())
        if not keeping.put_down(actor, order, decision):
            return  # an answer came at this instant
    if decision.saga.status == saga.NEEDS_HUMAN != order.saga.status:
        logger.error("order_needs_human", order_id=str(order_id), step=order.saga.failed_step)


def attention() -> dict[str, float]:
    """Return how many orders of all tenants need a human, and how many nobody looks after in time."""
    long_ago = clock.now() - saga.DEADLINE
    found = [ATTENTION.first({"organization_id": each, "long_ago": long_ago}) for each in tenant.each()]
    return {
        "needs_human": float(sum(each.needs_human for each in found)),
        "not_looked_after": float(sum(each.stuck for each in found)),
    }
