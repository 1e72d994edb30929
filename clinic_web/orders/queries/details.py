"""The lines of orders with their names from the catalogue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from clinic_web.catalog import api as catalog
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.orders.models import LAB, Order, OrderItem


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line; ``quantity`` in ``unit`` (tablet, ml; ``test`` for the laboratory). Names are as the
    catalogue has them now; ``hint`` is what a patient does before a test."""

    id: UUID
    line_number: int
    item_id: UUID
    quantity: Decimal
    unit: str
    directions: str | None
    name: str
    name_ar: str | None
    hint: str | None = None
    hint_ar: str | None = None


def items_of(actor: Actor, order_ids: Collection[UUID]) -> dict[UUID, list[Item]]:
    """Return the lines of orders, in their order; three statements at most, however many orders."""
    if not order_ids:
        return {}
    wanted = (
        select(OrderItem, Order.order_type)
        .join(Order, Order.id == OrderItem.order_id)
        .where(Order.organization_id == actor.organization_id, OrderItem.order_id.in_(order_ids))
        .order_by(OrderItem.order_id, OrderItem.line_number)
    )
    rows = db.session.execute(wanted).all()
    tests = catalog.lab_tests(actor, {row.item_id for row, kind in rows if kind == LAB})
    medicines = catalog.medications(actor, {row.item_id for row, kind in rows if kind != LAB})
    found: dict[UUID, list[Item]] = defaultdict(list)
    for row, _kind in rows:
        found[row.order_id].append(_item(row, medicines.get(row.item_id), tests.get(row.item_id)))
    return found


def _item(row: OrderItem, medicine: catalog.MedicationCard | None, test: catalog.LabTestCard | None) -> Item:
    name, name_ar = "?", None
    if medicine:
        name = medicine.name
        if medicine.drug_name_ar:
            name_ar = " ".join(filter(None, (medicine.drug_name_ar, medicine.strength)))
    if test:
        name, name_ar = test.name, test.name_ar
    return Item(
        id=row.id,
        line_number=row.line_number,
        item_id=row.item_id,
        quantity=row.quantity,
        unit=row.unit,
        directions=row.directions,
        name=name,
        name_ar=name_ar,
        hint=test.preparation if test else None,
        hint_ar=test.preparation_ar if test else None,
    )
