"""Clinical orders: write one for who sees the patient, follow it, cancel it; what can be ordered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.catalog import api as catalog
from clinic_web.interop.endpoint import Answer, Call, endpoint
from clinic_web.interop.errors import Misshapen, MovedOn, Wrong
from clinic_web.interop.resources import lists
from clinic_web.interop.shapes import orders as shapes
from clinic_web.interop.shapes.common import Page
from clinic_web.interop.shapes.reception import Because
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import InvalidForm
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.orders import api as orders
from clinic_web.ui.texts import say

TAG = "Orders"
TYPES = {"PRESCRIPTION": "prescription", "LAB": "lab"}
# How the form of an order calls its fields, and a body does.
OF_A_LINE = re.compile(r"(item|quantity|directions)-(\d+)")
IN_A_LINE = {"item": "item_id"}


def version_of(who: Actor, order_id: UUID) -> int:
    return orders.order_for(who, order_id).version


@endpoint("GET", "/orders", tag=TAG, scope="order.view", query=shapes.OrdersAsked,
          answers=Page[shapes.Order])  # fmt: skip
def orders_list(call: Call) -> Answer:
    """List orders, the latest first.

    Those of the token's facility.
    """
    asked = lists.asked(call.who, call.query, orders.ORDERS_ASK, {"type": TYPES})
    found = orders.plain_orders(call.who, asked, call.query.limit)
    lists.saw(call.who, "order.list", "order", [row.id for row in found[0]])
    return lists.page(call, found, shapes.Order.model_validate, Page[shapes.Order])


@endpoint("GET", "/orders/<uuid:order_id>", tag=TAG, scope="order.view", answers=shapes.OrderInFull,
          shows=True, of=version_of)  # fmt: skip
def order(call: Call, order_id: UUID) -> Answer:
    """Read an order, with its lines and how far it has come.

    It is a part of the chart.
    """
    shown = _shown(call.who, order_id)
    lists.saw_one(call.who, "order.view", "order", order_id)
    return shown


@endpoint(
    "POST",
    "/orders",
    tag=TAG,
    scope="order.write",
    body=shapes.NewOrder,
    answers=shapes.Order,
    creates=True,
    shows=True,
    refuses=(404, 409),
)
def place_order(call: Call) -> Answer:
    """Write an order for the doctor who sees the patient.

    The program answers for it that this doctor ordered it. It is written in the visit, or later on its day;
    stock or a time in the laboratory is held for it afterwards: read it to follow that.
    """
    asked: shapes.NewOrder = call.body
    new = orders.NewOrder(
        order_type=asked.order_type,
        visit_id=asked.visit_id,
        lines=tuple(
            orders.Line(item_id=each.item_id, quantity=Decimal(each.quantity), directions=each.directions)
            for each in asked.lines
        ),
        priority=asked.priority,
        preferred_at=asked.preferred_at.astimezone(UTC) if asked.preferred_at else None,
        note=asked.note,
    )
    try:
        placed = orders.place(replace(call.who, staff_id=asked.doctor_id), new, key=f"api:{call.key}")
    except InvalidForm as error:
        raise Misshapen(list(_wrong(error))) from error
    row = orders.orders_by_id(call.who, [placed.order_id])[placed.order_id]
    return Answer(
        shape=shapes.Order.model_validate(row), version=row.version, location=f"/api/v1/orders/{row.id}"
    )


@endpoint("POST", "/orders/<uuid:order_id>/cancel", tag=TAG, scope="order.cancel", body=Because,
          answers=shapes.Order, changes=True, shows=True, of=version_of)  # fmt: skip
def cancel_order(call: Call, order_id: UUID) -> Answer:
    """Cancel an order that is not complete: what was done of it is undone.

    It moves by itself while it is under way, so its version may be another a moment later: read it again.
    """
    with transaction():
        if orders.cancel(call.who, order_id, call.body.reason).version != call.version:
            raise MovedOn
    row = orders.orders_by_id(call.who, [order_id])[order_id]
    return Answer(shape=shapes.Order.model_validate(row), version=row.version)


@endpoint("POST", "/medications/search", tag=TAG, scope="order.view", body=shapes.TypedItem,
          answers=shapes.MedicationsFound)  # fmt: skip
def find_medications(call: Call) -> Answer:
    """Find medicines of the formulary by name."""
    found = catalog.find_medications(call.who, call.body.typed)
    return Answer(
        shape=shapes.MedicationsFound(items=[shapes.Medication.model_validate(each) for each in found])
    )


@endpoint("POST", "/lab-tests/search", tag=TAG, scope="order.view", body=shapes.TypedItem,
          answers=shapes.LabTestsFound)  # fmt: skip
def find_lab_tests(call: Call) -> Answer:
    """Find laboratory tests by name or code."""
    found = catalog.find_lab_tests(call.who, call.body.typed)
    return Answer(shape=shapes.LabTestsFound(items=[shapes.LabTest.model_validate(each) for each in found]))


def _shown(who: Actor, order_id: UUID) -> Answer:
    row = orders.one(who, order_id)
    steps = [shapes.OrderStep(step=name, state=step.state) for name, step in row.saga.steps.items()]
    shape = shapes.OrderInFull.model_validate(
        _columns(row) | {"lines": [_line(each) for each in row.items], "steps": steps, "note": row.note}
    )
    return Answer(shape=shape, version=row.version)


def _columns(row: orders.Shown) -> dict[str, Any]:
    return {name: getattr(row, name) for name in shapes.Order.model_fields}


def _line(item: orders.Item) -> shapes.OrderLine:
    named = {name: getattr(item, name) for name in shapes.OrderLine.model_fields}
    return shapes.OrderLine.model_validate(named | {"quantity": f"{item.quantity.normalize():f}"})


def _wrong(error: InvalidForm) -> Iterator[Wrong]:
    for name, each in error.errors.items():
        found = OF_A_LINE.fullmatch(name)
        where = f"lines/{found[2]}/{IN_A_LINE.get(found[1], found[1])}" if found else name
        yield Wrong("pointer", f"/{where}", say(each))
