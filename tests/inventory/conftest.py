"""A pharmacist, and a shelf with two batches of one medicine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from clinic_web.inventory import api
from clinic_web.inventory.models import Batch, Item
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from tests import factories
from tests.cast import Cast, hire

ORDER = "order"

# Every batch and every item against their history, as a checker asks.
WRONG = text(
    """
    SELECT 'batch' AS what, b.id FROM inventory.inventory_batches b
      LEFT JOIN (SELECT batch_id, sum(quantity_change) AS q, sum(reserved_change) AS r,
                        -sum(quantity_change) FILTER (WHERE transaction_type IN ('ISSUE', 'PUT_BACK')) AS i,
                        sum(quantity_change) FILTER (WHERE transaction_type = 'RECEIVE') AS came
                   FROM inventory.inventory_transactions GROUP BY 1) m ON m.batch_id = b.id
     WHERE (b.quantity_remaining, b.quantity_reserved, b.quantity_issued, b.quantity_received)
           IS DISTINCT FROM (m.q, m.r, COALESCE(m.i, 0), m.came)
        OR b.quantity_received + b.quantity_adjusted
           <> b.quantity_available + b.quantity_reserved + b.quantity_issued
    UNION ALL
    SELECT 'history', id FROM (
        SELECT t.id, t.quantity_before, t.reserved_before,
               lag(t.quantity_after, 1, 0::numeric) OVER chain AS q,
               lag(t.reserved_after, 1, 0::numeric) OVER chain AS r
          FROM inventory.inventory_transactions t WINDOW chain AS (PARTITION BY batch_id ORDER BY seq)) t
     WHERE (quantity_before, reserved_before) IS DISTINCT FROM (q, r)
    UNION ALL
    SELECT 'item', i.id FROM inventory.inventory_items i JOIN inventory.v_stock_levels v USING (id)
     WHERE (i.quantity_on_hand, i.quantity_reserved, i.quantity_available)
           IS DISTINCT FROM (v.quantity_on_hand, v.quantity_reserved, v.quantity_available)
    """
)


@dataclass(frozen=True)
class Shelf:
    """``soon`` expires in 30 days and has 10, ``later`` in a year and has 20."""

    actor: Actor
    facility_id: UUID
    organization_id: UUID
    medication_id: UUID
    item_id: UUID
    soon: UUID
    later: UUID
    day: date

    def hold(self, *quantities: str, order: UUID | None = None) -> list[api.Held]:
        lines = [self.line(quantity) for quantity in quantities]
        return self.hold_lines(lines, order=order)

    def line(self, quantity: str, medication_id: UUID | None = None) -> api.Wanted:
        return api.Wanted(
            line_id=new_id(),
            medication_id=medication_id or self.medication_id,
            quantity=Decimal(quantity),
        )

    def hold_lines(self, lines: list[api.Wanted], order: UUID | None = None) -> list[api.Held]:
        return api.hold(
            self.actor, self.facility_id, lines, reference_type=ORDER, reference_id=order or new_id()
        )

    def medicine(self, name: str, *batches: str) -> UUID:
        with transaction():
            found = factories.medication(organization_id=self.organization_id, name=name, drug_name_ar=None)
        for quantity in batches:
            self.batch(found, quantity)
        return found

    def batch(self, medication_id: UUID, quantity: str, **fields: Any) -> UUID:
        return factories.batch(
            organization_id=self.organization_id,
            facility_id=self.facility_id,
            medication_id=medication_id,
            quantity=quantity,
            **fields,
        )


def lay_out(cast: Cast) -> Shelf:
    hire(cast, "bassem", "pharmacist", cast.organization_id, cast.facility_id)
    day = clock.today("Africa/Cairo")
    place: dict[str, Any] = {"organization_id": cast.organization_id, "facility_id": cast.facility_id}
    with transaction():
        medication = factories.medication(organization_id=cast.organization_id)
    later = factories.batch(
        **place, medication_id=medication, quantity="20", expires=day + timedelta(days=365), number="LATER"
    )
    soon = factories.batch(
        **place, medication_id=medication, quantity="10", expires=day + timedelta(days=30), number="SOON"
    )
    return Shelf(
        actor=cast.people["bassem"].actor,
        facility_id=cast.facility_id,
        organization_id=cast.organization_id,
        medication_id=medication,
        item_id=batch(soon).inventory_item_id,
        soon=soon,
        later=later,
        day=day,
    )


@pytest.fixture
def shelf(cast: Cast) -> Shelf:
    return lay_out(cast)


def taken(held: list[api.Held]) -> list[api.Taken]:
    return [api.Taken(batch_id=each.batch_id, quantity=each.quantity) for each in held]


def batch(batch_id: UUID) -> Batch:
    db.session.expire_all()
    found = db.session.get(Batch, batch_id)
    assert found is not None
    return found


def item(item_id: UUID) -> Item:
    db.session.expire_all()
    found = db.session.get(Item, item_id)
    assert found is not None
    return found


def parts(batch_id: UUID) -> tuple[Decimal, Decimal, Decimal]:
    """What of a batch is free, promised, gone."""
    found = batch(batch_id)
    return found.quantity_available, found.quantity_reserved, found.quantity_issued


def write(sql: str, **values: Any) -> None:
    """Change the tables by hand."""
    with transaction():
        db.session.execute(text(sql), values)


def adds_up() -> None:
    """Every batch, item and history says the same."""
    assert db.session.execute(WRONG).all() == []
