"""Bills as the API has them. What is paid is paid on their payment."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from clinic_web.interop.shapes.common import Day, Money, Out, Paged

BillStatus = Literal[
    "ISSUED", "PARTIALLY_PAID", "PAID", "VOIDED", "REFUND_DUE", "KEPT", "PARTIALLY_REFUNDED", "REFUNDED"
]
BillType = Literal["VISIT", "PRESCRIPTION", "LAB"]
BillState = Literal["to-pay", "part-paid", "paid", "refund-due", "refunded", "kept", "void", "owing"]


class Bill(Out):
    """The bill of one visit or of one order. Money for it is taken and given back on ``payment_id``."""

    id: UUID
    number: str
    type: BillType
    status: BillStatus
    facility_id: UUID
    clinic_id: UUID
    patient_id: UUID
    doctor_id: UUID | None
    visit_id: UUID | None = Field(description="The visit that it belongs to, also where it is of an order.")
    order_id: UUID | None
    payment_id: UUID
    total: Money
    paid: Money
    left: Money
    day: date
    issued_at: datetime


class BillLine(Out):
    """``quantity`` times ``unit_price`` (a text with four decimals) is ``total``, to the cent."""

    line_number: int
    type: str
    code: str | None
    name: str
    name_ar: str | None
    quantity: str
    unit_price: str
    total: Money


class BillInFull(Bill):
    lines: list[BillLine]


class BillsAsked(Paged):
    first: Day | None = Field(None, alias="from", description="First day on which it was issued.")
    last: Day | None = Field(None, alias="to", description="Last day, included.")
    clinic: UUID | None = None
    patient: UUID | None = None
    type: BillType | None = None
    state: BillState | None = None
