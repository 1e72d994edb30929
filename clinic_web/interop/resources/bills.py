"""Bills: what visits and orders cost, line by line. They are paid on their payments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from clinic_web.billing import api as billing
from clinic_web.interop.endpoint import Answer, Call, endpoint
from clinic_web.interop.resources import lists
from clinic_web.interop.shapes import bills as shapes
from clinic_web.interop.shapes.common import Page, money
from clinic_web.kernel.actor import Actor

TAG = "Bills"
TYPES = {"VISIT": "visits", "PRESCRIPTION": "medicines", "LAB": "laboratory"}


def there(who: Actor, invoice_id: UUID) -> int:
    """Bills have no version: nothing of them is changed through the API."""
    billing.bill_for(who, invoice_id)
    return 0


@endpoint("GET", "/bills", tag=TAG, scope="bill.view", query=shapes.BillsAsked,
          answers=Page[shapes.Bill])  # fmt: skip
def bills(call: Call) -> Answer:
    """List bills, the latest first.

    Who asks for one patient's needs to be let into that chart.
    """
    asked = lists.asked(call.who, call.query, billing.BILLS_ASK, {"type": TYPES})
    found = billing.plain_bills(call.who, asked, call.query.limit)
    lists.saw(call.who, "bill.list", "invoice", [row.id for row in found[0]])
    return lists.page(call, found, _bill, Page[shapes.Bill])


@endpoint("GET", "/bills/<uuid:invoice_id>", tag=TAG, scope="bill.view", answers=shapes.BillInFull,
          of=there)  # fmt: skip
def bill(call: Call, invoice_id: UUID) -> Answer:
    """Read a bill with its lines."""
    found = billing.bill_in_hand(call.who, invoice_id)
    lines = [
        shapes.BillLine(
            line_number=each.line_number,
            type=each.item_type,
            code=each.item_code,
            name=each.item_name,
            name_ar=each.item_name_ar,
            quantity=f"{each.quantity.normalize():f}",
            unit_price=f"{each.unit_price:.4f}",
            total=money(each.line_total, found.bill.currency),
        )
        for each in found.lines
    ]
    return Answer(shape=shapes.BillInFull.model_validate(_columns(found.bill) | {"lines": lines}))


def _bill(row: billing.Bill) -> shapes.Bill:
    return shapes.Bill.model_validate(_columns(row))


def _columns(row: billing.Bill) -> dict[str, Any]:
    return vars(row) | {
        "number": row.invoice_number,
        "type": row.invoice_type,
        "visit_id": row.of_visit_id,
        "total": money(row.total_amount, row.currency),
        "paid": money(row.paid_amount, row.currency),
        "left": money(row.balance_due, row.currency),
        "day": row.invoice_date,
    }
