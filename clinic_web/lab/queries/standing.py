"""How far the tests of orders are, for whoever shows the orders; in one statement for all of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.lab.models import HeardOrder, LabOrder


@dataclass(frozen=True, kw_only=True)
class TestStanding:
    """One test: ``status`` as in the laboratory (SCHEDULED … FAILED); ``has_result``: one that counts."""

    __test__ = False  # for pytest it is none

    lab_order_id: UUID
    line_id: UUID
    lab_test_id: UUID
    status: str
    scheduled_time: datetime
    arrived_at: datetime | None
    collected_at: datetime | None
    resulted_at: datetime | None
    has_result: bool


@dataclass(frozen=True, kw_only=True)
class LabStanding:
    """An order in the laboratory. ``answer``: HELD, REFUSED (``reason``) or RELEASED; ``starts_at``: when
    its first test is to be taken."""

    order_id: UUID
    answer: str
    starts_at: datetime | None
    reason: str | None
    tests: tuple[TestStanding, ...]


def standing_of(actor: Actor, order_ids: Collection[UUID]) -> dict[UUID, LabStanding]:
    """Return by order how far it is; one that the laboratory has not heard of is absent."""
    if not order_ids:
        return {}
    wanted = (
        select(HeardOrder, LabOrder)
        .outerjoin(LabOrder, LabOrder.order_id == HeardOrder.order_id)
        .where(HeardOrder.organization_id == actor.organization_id, HeardOrder.order_id.in_(order_ids))
        .order_by(LabOrder.scheduled_time, LabOrder.id)
    )
    heard: dict[UUID, HeardOrder] = {}
    tests: dict[UUID, list[TestStanding]] = {}
    for order, row in db.session.execute(wanted):
        heard[order.order_id] = order
        tests.setdefault(order.order_id, []).extend([_standing(row)] if row else [])
    return {
        order_id: LabStanding(
            order_id=order_id,
            answer=order.answer,
            starts_at=order.starts_at,
            reason=order.reason,
            tests=tuple(tests[order_id]),
        )
        for order_id, order in heard.items()
    }


def _standing(row: LabOrder) -> TestStanding:
    return TestStanding(
        lab_order_id=row.id,
        line_id=row.line_id,
        lab_test_id=row.lab_test_id,
        status=row.status,
        scheduled_time=row.scheduled_time,
        arrived_at=row.arrived_at,
        collected_at=row.collected_at,
        resulted_at=row.resulted_at,
        has_result=row.result_id is not None,
    )
