"""Schema ``orders``: orders, their lines, the steps of their saga, and all that happened to them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of
from clinic_web.kernel.tables import processed_events_table
from clinic_web.orders.saga import (
    CANCELLED,
    COMPENSATING,
    FAILED,
    NEEDS_HUMAN,
    STATUSES,
    STEP_STATES,
    STEPS,
)

processed_events = processed_events_table("orders")

PRESCRIPTION, LAB = "PRESCRIPTION", "LAB"
TYPES = (PRESCRIPTION, LAB)
PREFIXES = {PRESCRIPTION: "RX", LAB: "LB"}
ROUTINE, URGENT, STAT = "ROUTINE", "URGENT", "STAT"
PRIORITIES = (ROUTINE, URGENT, STAT)

ONE_RETRY = "uq_orders_retry_of"


class Order(Model, Stamped, Versioned):
    """A doctor's order. ``reason`` is the code of the step that failed, ``said`` what a person said who
    cancelled or closed it. ``look_at``: when its saga is to be looked after (see ``saga.Saga``).

    ``retry_of`` is the order that this one takes up again; each is taken up once.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("order_number"),
        one_of("order_type", *TYPES),
        one_of("priority", *PRIORITIES),
        one_of("status", *STATUSES),
        one_of("ends_as", FAILED, CANCELLED),
        one_of("failed_step", *STEPS),
        CheckConstraint(
            f"status NOT IN ('{COMPENSATING}', '{NEEDS_HUMAN}', '{FAILED}', '{CANCELLED}')"
            " OR (ends_as IS NOT NULL AND undoing_since IS NOT NULL)",
            name="undone_for_a_reason",
        ),
        Index(ONE_RETRY, "retry_of", unique=True, postgresql_where=text("retry_of IS NOT NULL")),
        Index(
            "ix_orders_look_at", "organization_id", "look_at", postgresql_where=text("look_at IS NOT NULL")
        ),
        Index("ix_orders_list", "facility_id", "created_at", "id"),
        Index("ix_orders_by_state", "facility_id", "status", "created_at", "id"),
        Index("ix_orders_of_doctor", "doctor_id", "created_at"),
        Index("ix_orders_of_patient", "patient_id", "created_at"),
        Index("ix_orders_of_visit", "visit_id"),
        {
            "schema": "orders",
            "info": {"patient_id": "follows"},
            # Each order is changed some five times on its way: leave room on its page.
            "postgresql_with": {"fillfactor": 70},
        },
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    order_number: Mapped[str] = mapped_column(Text)
    order_type: Mapped[str] = mapped_column(Text)
    patient_id: Mapped[UUID]
    doctor_id: Mapped[UUID]
    visit_id: Mapped[UUID | None]
    priority: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    preferred_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(Text)
    retry_of: Mapped[UUID | None] = mapped_column(ForeignKey("orders.orders.id"))
    ends_as: Mapped[str | None] = mapped_column(Text)
    failed_step: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    said: Mapped[str | None] = mapped_column(Text)
    undoing_since: Mapped[datetime | None]
    look_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class OrderItem(Model):
    """One line. ``item_id`` is a medication or a laboratory test of the catalogue, by the order's type."""

    __tablename__ = "order_items"
    __table_args__ = (
        UniqueConstraint("order_id", "line_number"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index(None, "item_id"),
        {"schema": "orders"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.orders.id"))
    line_number: Mapped[int] = mapped_column(SmallInteger)
    item_id: Mapped[UUID]
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 3))
    unit: Mapped[str] = mapped_column(Text)
    directions: Mapped[str | None] = mapped_column(Text)


class OrderStep(Model):
    """One step of an order's saga; what its columns mean: ``saga.Step``."""

    __tablename__ = "order_steps"
    __table_args__ = (
        one_of("step", *STEPS),
        one_of("state", *STEP_STATES),
        {"schema": "orders", "postgresql_with": {"fillfactor": 70}},
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.orders.id"), primary_key=True)
    step: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime | None]
    last_asked_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    times_asked: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    undo_asked_at: Mapped[datetime | None]
    last_undo_asked_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    times_undo_asked: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    reason: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)


class OrderEvent(Model):
    """One line of an order's history, never edited. ``what``: see ``saga.Note``."""

    __tablename__ = "order_events"
    __table_args__ = (Index(None, "order_id", "sequence_number"), {"schema": "orders"})

    id: Mapped[Key]
    sequence_number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    organization_id: Mapped[UUID]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.orders.id"))
    what: Mapped[str] = mapped_column(Text)
    step: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    by_user_id: Mapped[UUID | None]
    at: Mapped[Moment]
