"""Schema ``inventory``: what is on the shelves, and every movement of it.

Quantities are ``numeric(12,2)`` in the item's unit (tablet, ml, vial). A batch's parts always add up:
``received + adjusted = available + reserved + issued``; its movements tell how it came to them. An item's
sums are kept by the statements that move its batches, under a lock on the item that each of them takes first.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    ForeignKey,
    Identity,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, UnitPrice, Versioned, one_of

# What a batch is: on the shelf, set aside by a person, past its day, sent back by its maker.
ACTIVE, QUARANTINED, EXPIRED, RECALLED = "ACTIVE", "QUARANTINED", "EXPIRED", "RECALLED"
BATCH_STATUSES = (ACTIVE, QUARANTINED, EXPIRED, RECALLED)

RECEIVE, RESERVE, RELEASE, ISSUE, PUT_BACK = "RECEIVE", "RESERVE", "RELEASE", "ISSUE", "PUT_BACK"
ADJUST, COUNT, EXPIRE, SET_ASIDE, RETURN = "ADJUST", "COUNT", "EXPIRE", "SET_ASIDE", "RETURN"
MOVEMENTS = (RECEIVE, RESERVE, RELEASE, ISSUE, PUT_BACK, ADJUST, COUNT, EXPIRE, SET_ASIDE, RETURN)

COUNTED, DAMAGED, LOST, WRITTEN_OFF = "COUNT", "DAMAGE", "LOSS", "WRITE_OFF"
CORRECTED, UNDONE = "CORRECTION", "UNDO"
ADJUSTMENTS = (COUNTED, DAMAGED, LOST, WRITTEN_OFF, CORRECTED, UNDONE)

Quantity = Annotated[Decimal, mapped_column(Numeric(12, 2))]
ZERO = Decimal("0.00")
CENT = Decimal("0.01")


class Item(Model, Stamped, Versioned):
    """One medication on one facility's shelves.

    ``item_name``, ``item_name_ar`` and ``search_words`` are copies of the catalogue's, which tells when they
    change. ``quantity_available`` is what is free in ACTIVE batches; on hand is everything that lies there,
    also what is reserved, set aside or expired. ``version`` moves when a person edits, not with the stock.
    """

    __tablename__ = "inventory_items"
    __table_args__ = (
        UniqueConstraint("facility_id", "medication_id"),
        CheckConstraint("quantity_on_hand >= 0", name="on_hand_positive"),
        CheckConstraint("quantity_reserved >= 0", name="reserved_positive"),
        CheckConstraint("quantity_available >= 0", name="available_positive"),
        CheckConstraint("quantity_available + quantity_reserved <= quantity_on_hand", name="parts_within"),
        CheckConstraint("reorder_point >= 0", name="reorder_point_positive"),
        CheckConstraint("reorder_quantity >= 0", name="reorder_quantity_positive"),
        Index("ix_inventory_items_by_name", "facility_id", "item_name", "id"),
        Index("ix_inventory_items_by_available", "facility_id", "quantity_available", "id"),
        Index("ix_inventory_items_low", "facility_id", postgresql_where=text("is_low AND is_active")),
        Index(
            "ix_inventory_items_search",
            "search_words",
            postgresql_using="gin",
            postgresql_ops={"search_words": "gin_trgm_ops"},
        ),
        {"schema": "inventory"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    medication_id: Mapped[UUID]
    item_name: Mapped[str] = mapped_column(Text)
    item_name_ar: Mapped[str | None] = mapped_column(Text)
    search_words: Mapped[str] = mapped_column(Text)
    ndc_code: Mapped[str | None] = mapped_column(Text)
    bin_location: Mapped[str | None] = mapped_column(Text)
    requires_refrigeration: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    quantity_on_hand: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    quantity_reserved: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    quantity_available: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    quantity_unit: Mapped[str] = mapped_column(Text)
    reorder_point: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    reorder_quantity: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    economic_order_quantity: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    is_low: Mapped[bool] = mapped_column(
        Boolean, Computed("quantity_available <= reorder_point", persisted=True)
    )
    unit_cost: Mapped[UnitPrice] = mapped_column(server_default="0", default=Decimal("0"))
    average_wholesale_price: Mapped[Decimal | None] = mapped_column(Numeric(10, 4))
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    last_counted_at: Mapped[datetime | None]

    def as_audited(self) -> dict[str, Any]:
        """Return what the audit keeps of a change by a person."""
        return {
            name: getattr(self, name)
            for name in (
                "bin_location",
                "requires_refrigeration",
                "reorder_point",
                "reorder_quantity",
                "is_active",
            )
        }


class Batch(Model):
    """What came of an item under one batch number. ``quantity_adjusted`` is what people corrected in all.

    What is reserved is promised to an order; what is issued has left. ``received_date`` and
    ``expiration_date`` are local days of the facility: on its last day a batch is still good.
    """

    __tablename__ = "inventory_batches"
    __table_args__ = (
        UniqueConstraint("inventory_item_id", "batch_number"),
        one_of("status", *BATCH_STATUSES),
        CheckConstraint("quantity_received >= 0", name="received_positive"),
        CheckConstraint("quantity_available >= 0", name="available_positive"),
        CheckConstraint("quantity_reserved >= 0", name="reserved_positive"),
        CheckConstraint("quantity_issued >= 0", name="issued_positive"),
        CheckConstraint(
            "quantity_received + quantity_adjusted"
            " = quantity_available + quantity_reserved + quantity_issued",
            name="parts_add_up",
        ),
        CheckConstraint("unit_cost >= 0", name="unit_cost_positive"),
        Index("ix_inventory_batches_first_out", "inventory_item_id", "expiration_date", "id"),
        Index(
            "ix_inventory_batches_expiring",
            "facility_id",
            "expiration_date",
            postgresql_where=text("status = 'ACTIVE' AND quantity_remaining > 0"),
        ),
        {"schema": "inventory"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    inventory_item_id: Mapped[UUID] = mapped_column(ForeignKey("inventory.inventory_items.id"))
    batch_number: Mapped[str] = mapped_column(Text)
    expiration_date: Mapped[date] = mapped_column(Date)
    quantity_received: Mapped[Quantity]
    quantity_adjusted: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    quantity_available: Mapped[Quantity]
    quantity_reserved: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    quantity_issued: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    quantity_remaining: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), Computed("quantity_available + quantity_reserved", persisted=True)
    )
    unit_cost: Mapped[UnitPrice]
    received_date: Mapped[date] = mapped_column(Date)
    received_by: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(Text, server_default=ACTIVE, default=ACTIVE)
    expiring_told_at: Mapped[datetime | None]
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    updated_at: Mapped[Moment] = mapped_column(server_default=func.now(), onupdate=func.now())


class Movement(Model):
    """One movement of one batch. Never edited; an error is another movement.

    ``quantity_*`` count what lies there (available and reserved): the changes of a batch sum up to its
    ``quantity_remaining``. ``reserved_*`` count what of it is promised: a RESERVE takes nothing off the
    shelf, so it changes only these.
    """

    __tablename__ = "inventory_transactions"
    __table_args__ = (
        one_of("transaction_type", *MOVEMENTS),
        CheckConstraint("quantity_after = quantity_before + quantity_change", name="quantities_add_up"),
        CheckConstraint("reserved_after = reserved_before + reserved_change", name="reserved_add_up"),
        CheckConstraint("quantity_after >= reserved_after AND reserved_after >= 0", name="never_below_zero"),
        UniqueConstraint("seq"),
        Index("ix_inventory_transactions_of_item", "inventory_item_id", "seq"),
        Index(None, "batch_id"),
        Index(None, "reference_id"),
        {"schema": "inventory"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    # Drawn under the item's lock: the order in which it happened, whatever the clocks of two processes say.
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    inventory_item_id: Mapped[UUID] = mapped_column(ForeignKey("inventory.inventory_items.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("inventory.inventory_batches.id"))
    transaction_type: Mapped[str] = mapped_column(Text)
    quantity_change: Mapped[Quantity]
    quantity_before: Mapped[Quantity]
    quantity_after: Mapped[Quantity]
    reserved_change: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    reserved_before: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    reserved_after: Mapped[Quantity] = mapped_column(server_default="0", default=ZERO)
    reference_type: Mapped[str | None] = mapped_column(Text)
    reference_id: Mapped[UUID | None]
    reason: Mapped[str | None] = mapped_column(Text)
    transaction_date: Mapped[Moment]
    performed_by: Mapped[UUID | None]
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class Adjustment(Model):
    """What a person counted or corrected, with the reason. Never edited; an undo is another one."""

    __tablename__ = "stock_adjustments"
    __table_args__ = (
        one_of("adjustment_type", *ADJUSTMENTS),
        CheckConstraint("quantity_expected >= 0", name="expected_positive"),
        CheckConstraint("quantity_actual >= 0", name="actual_positive"),
        UniqueConstraint("undoes_id"),
        Index(None, "inventory_item_id", "adjustment_date"),
        Index(None, "batch_id"),
        {"schema": "inventory"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    inventory_item_id: Mapped[UUID] = mapped_column(ForeignKey("inventory.inventory_items.id"))
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("inventory.inventory_batches.id"))
    adjustment_type: Mapped[str] = mapped_column(Text)
    quantity_expected: Mapped[Quantity]
    quantity_actual: Mapped[Quantity]
    quantity_difference: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), Computed("quantity_actual - quantity_expected", persisted=True)
    )
    reason: Mapped[str] = mapped_column(Text)
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("inventory.stock_adjustments.id"))
    requires_approval: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
    adjustment_date: Mapped[Moment]
    performed_by: Mapped[UUID | None]
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
