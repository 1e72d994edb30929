"""Payments and their movements as the API has them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from clinic_web.interop.shapes.common import Day, In, Money, Out, Paged, Reason, Sum

PaymentStatus = Literal["PENDING", "PARTIALLY_PAID", "PAID", "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED"]
DeskMethod = Literal["CASH", "VISA", "BANK_TRANSFER"]


class Payment(Out):
    """What one visit costs, what was paid of it and what is still owed."""

    id: UUID
    version: int
    status: PaymentStatus
    facility_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID | None
    visit_id: UUID | None
    patient_id: UUID
    ticket: str | None
    total: Money
    paid: Money
    refunded: Money
    left: Money
    opened_at: datetime
    due_at: datetime
    paid_at: datetime | None
    voided_at: datetime | None


class PaymentsAsked(Paged):
    first: Day | None = Field(None, alias="from", description="First day on which money moved or was due.")
    last: Day | None = Field(None, alias="to", description="Last day, included.")
    clinic: UUID | None = None
    doctor: UUID | None = None
    service: UUID | None = None
    patient: UUID | None = None
    visit: UUID | None = None
    status: PaymentStatus | None = None


class Receipt(Out):
    """One movement of money: in (``RECEIPT``) or back (``REFUND``)."""

    id: UUID
    payment_id: UUID
    kind: Literal["RECEIPT", "REFUND"]
    number: str
    method: str
    amount: Money
    at: datetime


class Receipts(Out):
    """Every movement of a payment, the oldest first."""

    items: list[Receipt]


class NewReceipt(In):
    """Money that came in. ``handed_over`` is for cash: what was given before the change."""

    amount: Sum
    method: DeskMethod
    handed_over: Sum | None = None


class NewRefund(In):
    amount: Sum
    method: DeskMethod
    reason: Reason
