"""Schema ``billing``: invoices with their lines, and which money settled them. Payments own the money."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Money, Stamped, UnitPrice, Versioned, one_of
from clinic_web.kernel.tables import processed_events_table

ISSUED, PARTIALLY_PAID, PAID = "ISSUED", "PARTIALLY_PAID", "PAID"
VOIDED, REFUND_DUE, KEPT = "VOIDED", "REFUND_DUE", "KEPT"
PARTIALLY_REFUNDED, REFUNDED = "PARTIALLY_REFUNDED", "REFUNDED"
STATUSES = (ISSUED, PARTIALLY_PAID, PAID, VOIDED, REFUND_DUE, KEPT, PARTIALLY_REFUNDED, REFUNDED)
OWING = (ISSUED, PARTIALLY_PAID)

VISIT, PRESCRIPTION, LAB = "VISIT", "PRESCRIPTION", "LAB"
INVOICE_TYPES = (VISIT, PRESCRIPTION, LAB)
CONSULTATION, MEDICATION, LAB_TEST = "CONSULTATION", "MEDICATION", "LAB_TEST"

# Why nothing is owed any more, or why a person is asked what becomes of the money.
VISIT_OFF, ORDER_UNDONE = "VISIT_OFF", "ORDER_UNDONE"
STOCK_RELEASED, RESERVATION_EXPIRED, LAB_RELEASED = "STOCK_RELEASED", "RESERVATION_EXPIRED", "LAB_RELEASED"
RELEASES = (STOCK_RELEASED, RESERVATION_EXPIRED, LAB_RELEASED)
PART, WHOLE = "PART", "WHOLE"

PENDING, COMPLETED, FAILED = "PENDING", "COMPLETED", "FAILED"
NO_PRICE, CANCELLED = "NO_PRICE", "CANCELLED"

PAYMENT, REFUND, CORRECTION = "PAYMENT", "REFUND", "CORRECTION"

processed_events = processed_events_table("billing")

BALANCE = "CASE WHEN status IN ('ISSUED', 'PARTIALLY_PAID') THEN total_amount - paid_amount ELSE 0 END"
LEFT = text("COALESCE(balance_due, 0)")  # as the list orders by it


class Invoice(Model, Stamped, Versioned):
    """The bill of one visit or of one order. Money for it moves on ``payment_id`` and nowhere else.

    ``of_visit_id`` is the visit, or the one in which the order was written, if any.

    ``paid_amount`` is what was paid and not given back: the sum of its allocations. Why a bill is off stands
    in ``undone_reason`` (the visit is off, the order undone) or ``released_reason`` (nobody came for it;
    which is nothing while the patient has some of it). ``served`` is what the patient has of it, by the
    highest ``served_version`` that was told. ``off_at`` is when it went off for either reason or because the
    claim was given up by hand. ``kept_*``: a person decided that the money stays.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("organization_id", "invoice_number"),
        UniqueConstraint("visit_id"),
        UniqueConstraint("order_id"),
        UniqueConstraint("payment_id"),
        one_of("status", *STATUSES),
        one_of("invoice_type", *INVOICE_TYPES),
        one_of("undone_reason", VISIT_OFF, ORDER_UNDONE),
        one_of("released_reason", *RELEASES),
        one_of("served", PART, WHOLE),
        CheckConstraint("(visit_id IS NULL) <> (order_id IS NULL)", name="of_visit_or_order"),
        CheckConstraint("subtotal >= 0 AND tax_amount >= 0 AND discount_amount >= 0", name="parts_positive"),
        CheckConstraint("total_amount = subtotal + tax_amount - discount_amount", name="parts_add_up"),
        CheckConstraint("paid_amount >= 0 AND paid_amount <= total_amount", name="paid_within_total"),
        Index("ix_invoices_by_day", "facility_id", "issued_at", "id"),
        Index("ix_invoices_by_state", "facility_id", "status", "issued_at", "id"),
        Index("ix_invoices_by_total", "facility_id", "total_amount", "id"),
        Index("ix_invoices_by_left", "facility_id", LEFT, "id"),
        Index(None, "patient_id", "issued_at"),
        Index(None, "of_visit_id"),
        Index(
            "ix_invoices_refund_due",
            "facility_id",
            "off_at",
            postgresql_where=text("status = 'REFUND_DUE'"),
        ),
        {"schema": "billing", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    invoice_number: Mapped[str] = mapped_column(Text)
    invoice_type: Mapped[str] = mapped_column(Text)
    patient_id: Mapped[UUID]
    doctor_id: Mapped[UUID | None]
    billing_account_id: Mapped[UUID | None]
    visit_id: Mapped[UUID | None]
    of_visit_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    prescription_id: Mapped[UUID | None]
    payment_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(Text)
    subtotal: Mapped[Money]
    tax_amount: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    discount_amount: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    insurance_payment: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    patient_copay: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    total_amount: Mapped[Money]
    paid_amount: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    balance_due: Mapped[Decimal] = mapped_column(Numeric(12, 2), Computed(BALANCE, persisted=True))
    status: Mapped[str] = mapped_column(Text, server_default=ISSUED, default=ISSUED)
    invoice_date: Mapped[date] = mapped_column(Date)
    due_date: Mapped[date | None] = mapped_column(Date)
    paid_date: Mapped[date | None] = mapped_column(Date)
    issued_at: Mapped[Moment]
    undone_reason: Mapped[str | None] = mapped_column(Text)
    released_reason: Mapped[str | None] = mapped_column(Text)
    served: Mapped[str | None] = mapped_column(Text)
    served_version: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    off_at: Mapped[datetime | None]
    kept_at: Mapped[datetime | None]
    kept_by: Mapped[UUID | None]
    kept_reason: Mapped[str | None] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    deleted_at: Mapped[datetime | None]


class InvoiceLine(Model):
    """What is charged for: ``quantity`` × ``unit_price`` (four decimals), rounded half-even to the cent.

    ``prescription_item_id`` is the order's line, ``item_id`` what of the catalogue or which service it is.
    """

    __tablename__ = "invoice_line_items"
    __table_args__ = (
        UniqueConstraint("invoice_id", "line_number"),
        one_of("item_type", CONSULTATION, MEDICATION, LAB_TEST),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unit_price >= 0 AND line_total >= 0", name="prices_positive"),
        {"schema": "billing"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("billing.invoices.id"))
    line_number: Mapped[int] = mapped_column(Integer)
    item_type: Mapped[str] = mapped_column(Text)
    item_id: Mapped[UUID | None]
    item_code: Mapped[str | None] = mapped_column(Text)
    item_name: Mapped[str] = mapped_column(Text)
    item_name_ar: Mapped[str | None] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 3))
    unit_price: Mapped[UnitPrice]
    line_total: Mapped[Money]
    service_date: Mapped[date] = mapped_column(Date)
    procedure_code: Mapped[str | None] = mapped_column(Text)
    diagnosis_codes: Mapped[list[Any] | None]
    prescription_item_id: Mapped[UUID | None]
    ndc_code: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Moment]


class BillingRecord(Model):
    """What became of an order's request to be billed: one row per order, whatever is asked how often.

    FAILED with CANCELLED is also the tombstone of a request that was taken back before it was heard. PENDING
    is one of which something was told before it was billed: what the patient has of it (``served``), or that
    it was released.
    """

    __tablename__ = "billing_records"
    __table_args__ = (
        UniqueConstraint("order_id"),
        one_of("status", PENDING, COMPLETED, FAILED),
        one_of("reason", NO_PRICE, CANCELLED),
        one_of("served", PART, WHOLE),
        one_of("released_reason", *RELEASES),
        CheckConstraint("status <> 'COMPLETED' OR invoice_id IS NOT NULL", name="completed_has_invoice"),
        CheckConstraint("status <> 'FAILED' OR reason IS NOT NULL", name="failed_has_reason"),
        {"schema": "billing"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    order_id: Mapped[UUID]
    invoice_id: Mapped[UUID | None]
    payment_id: Mapped[UUID | None]
    amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    currency: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    line_id: Mapped[UUID | None]
    served: Mapped[str | None] = mapped_column(Text)
    served_version: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    released_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class Allocation(Model):
    """One movement of money as it settled one invoice; what went back is negative. Never edited."""

    __tablename__ = "invoice_payment_allocations"
    __table_args__ = (
        UniqueConstraint("transaction_id", "invoice_id"),
        one_of("allocation_type", PAYMENT, REFUND, CORRECTION),
        CheckConstraint("allocated_amount <> 0", name="amount_not_zero"),
        Index(None, "invoice_id"),
        {"schema": "billing"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("billing.invoices.id"))
    payment_id: Mapped[UUID]
    transaction_id: Mapped[UUID]
    allocated_amount: Mapped[Money]
    allocation_type: Mapped[str] = mapped_column(Text)
    payment_status: Mapped[str] = mapped_column(Text, server_default="COMPLETED", default="COMPLETED")
    allocated_at: Mapped[Moment]


class PaymentRule(Model, Stamped, Versioned):
    """Whether what is owed must be paid before a station serves; ``kind`` PRESCRIPTION or LAB."""

    __tablename__ = "payment_rules"
    __table_args__ = (
        UniqueConstraint("facility_id", "kind"),
        one_of("kind", PRESCRIPTION, LAB),
        {"schema": "billing"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    must_be_paid_first: Mapped[bool] = mapped_column(server_default="false", default=False)
