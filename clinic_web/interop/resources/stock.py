"""The stock: what lies on the shelves, in which batches, and what is delivered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from clinic_web.interop.endpoint import Answer, Call, endpoint
from clinic_web.interop.errors import Misshapen, Wrong
from clinic_web.interop.resources import lists
from clinic_web.interop.shapes import stock as shapes
from clinic_web.interop.shapes.common import Page
from clinic_web.inventory import api as inventory
from clinic_web.organization import api as organization

TAG = "Stock"
QUANTITIES = ("on_hand", "reserved", "available", "reorder_point")


@endpoint("GET", "/stock", tag=TAG, scope="stock.view", query=shapes.StockAsked,
          answers=Page[shapes.StockItem])  # fmt: skip
def stock(call: Call) -> Answer:
    """List what the facility keeps, by name."""
    asked = lists.asked(call.who, call.query, inventory.ITEMS_ASK)
    found = inventory.plain_items(call.who, asked, call.query.limit)
    return lists.page(call, found, _item, Page[shapes.StockItem])


@endpoint("GET", "/stock/batches", tag=TAG, scope="stock.view", query=shapes.BatchesAsked,
          answers=Page[shapes.Batch])  # fmt: skip
def batches(call: Call) -> Answer:
    """List the batches of which something is left, the first to expire first."""
    asked = lists.asked(call.who, call.query, inventory.BATCHES_ASK)
    found = inventory.plain_batches(call.who, asked, call.query.limit)
    currency = organization.facility(call.who).currency
    return lists.page(call, found, lambda row: _batch(row, currency), Page[shapes.Batch])


@endpoint("POST", "/stock/deliveries", tag=TAG, scope="stock.receive", also="stock.view",
          body=shapes.NewDelivery, answers=shapes.Batch, creates=True, refuses=(404,))  # fmt: skip
def receive_delivery(call: Call) -> Answer:
    """Take a delivery into stock; the answer is its batch."""
    asked: shapes.NewDelivery = call.body
    facility = organization.facility(call.who)
    if asked.unit_cost.currency != facility.currency:
        said = f"This facility counts in {facility.currency}."
        raise Misshapen([Wrong("pointer", "/unit_cost/currency", said)])
    delivery = inventory.Delivery(
        batch_number=asked.batch_number,
        expiration_date=asked.expiration_date,
        quantity=Decimal(asked.quantity),
        unit_cost=Decimal(asked.unit_cost.amount),
    )
    batch_id = inventory.receive(call.who, facility.id, asked.medication_id, delivery, key=f"api:{call.key}")
    row = inventory.plain_batch(call.who, batch_id)
    return Answer(shape=_batch(row, facility.currency), location=f"/api/v1/stock/batches?item={row.item_id}")


def _item(row: Any) -> shapes.StockItem:
    texts = {name: f"{getattr(row, name):.2f}" for name in QUANTITIES}
    return shapes.StockItem.model_validate(
        {name: getattr(row, name) for name in shapes.StockItem.model_fields} | texts
    )


def _batch(row: Any, currency: str) -> shapes.Batch:
    cost = shapes.UnitCost(amount=f"{row.unit_cost:.4f}", currency=currency)
    texts = {name: f"{getattr(row, name):.2f}" for name in ("available", "reserved")}
    return shapes.Batch.model_validate(
        {name: getattr(row, name) for name in shapes.Batch.model_fields} | texts | {"unit_cost": cost}
    )
