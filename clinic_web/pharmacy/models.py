"""Schema ``pharmacy``: the prescriptions it heard of, what is promised to them, what was handed over."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, UnitPrice, Versioned, one_of
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.tables import processed_events_table

processed_events = processed_events_table("pharmacy")

# How long stock is promised to a prescription: a patient who went home for the night finds it the next
# morning, and what nobody fetches is free for others after one day.
PROMISE = timedelta(hours=24)

RESERVED, DISPENSED, RELEASED = "RESERVED", "DISPENSED", "RELEASED"
FAILED, EXPIRED = "FAILED", "EXPIRED"
STATUSES = (RESERVED, DISPENSED, RELEASED, FAILED, EXPIRED)

SHORT, NOT_STOCKED, INACTIVE, CANCELLED = "SHORT", "NOT_STOCKED", "INACTIVE", "CANCELLED"

STAT, URGENT, ROUTINE = "STAT", "URGENT", "ROUTINE"
RANKS = {STAT: 2, URGENT: 1, ROUTINE: 0}

HANDED_OVER, PUT_BACK = "HANDED_OVER", "PUT_BACK"

IS_NOW: dict[str, str] = {
    RESERVED: N_("This changed at %(at)s: the prescription waits to be dispensed."),
    DISPENSED: N_("This changed at %(at)s: everything was handed over."),
    RELEASED: N_("This changed at %(at)s: the stock of this prescription was released."),
    FAILED: N_("This changed at %(at)s: the stock does not suffice for this prescription."),
    EXPIRED: N_("This changed at %(at)s: nobody fetched it in time, and its stock is free again."),
}

Quantity = Annotated[Decimal, mapped_column(Numeric(12, 2))]


class Prescription(Model, Stamped, Versioned):
    """One prescription order that the pharmacy heard of, and the answer it gave.

    Its row is what makes a request count once, however often it is told: the first to write it reserves, and
    who comes later repeats the answer that ``status`` and ``reason`` hold. ``cancelled_at`` is the tombstone:
    orders asked to undo, perhaps before it asked to reserve, so nothing will ever be held again. Of an order
    that was only cancelled so much is known; that is why the rest may be null.
    """

    __tablename__ = "prescription_orders"
    __table_args__ = (
        one_of("status", *STATUSES),
        one_of("priority", *RANKS),
        one_of("reason", SHORT, NOT_STOCKED, INACTIVE, CANCELLED),
        CheckConstraint("status <> 'FAILED' OR reason IS NOT NULL", name="failed_for_a_reason"),
        CheckConstraint("status <> 'RESERVED' OR expires_at IS NOT NULL", name="promised_until"),
        CheckConstraint("cancelled_at IS NULL OR status <> 'RESERVED'", name="cancelled_holds_nothing"),
        Index(
            "ix_prescription_orders_worklist",
            "facility_id",
            text("priority_rank DESC"),
            "reserved_at",
            postgresql_where=text("status = 'RESERVED'"),
        ),
        Index("ix_prescription_orders_due", "expires_at", postgresql_where=text("status = 'RESERVED'")),
        Index(
            "ix_prescription_orders_closed",
            "facility_id",
            "closed_at",
            postgresql_where=text("closed_at IS NOT NULL"),
        ),
        Index(None, "visit_id"),
        Index(None, "patient_id"),
        {"schema": "pharmacy", "info": {"patient_id": "follows"}},
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    visit_id: Mapped[UUID | None]
    clinic_id: Mapped[UUID | None]
    doctor_id: Mapped[UUID | None]
    priority: Mapped[str] = mapped_column(Text, server_default=ROUTINE, default=ROUTINE)
    priority_rank: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    failed_line_id: Mapped[UUID | None]
    available: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    reserved_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    release_reason: Mapped[str | None] = mapped_column(Text)

    def require_version(self, version: int) -> None:
        """Raise StalePrescription (409) unless the person who acts saw it as it is now."""
        if self.version != version:
            raise StalePrescription(self)

    def require_reserved(self) -> None:
        """Raise StalePrescription (409) where nothing waits to be dispensed any more."""
        if self.status != RESERVED:
            raise StalePrescription(self)

    def close(self, status: str, at: datetime, reason: str | None = None) -> None:
        """Nothing is held for it any more."""
        self.status, self.closed_at, self.release_reason = status, at, reason

    def hold_again(self, at: datetime) -> None:
        """What was handed over is promised to the same patient again, and for as long as at first."""
        self.status, self.closed_at, self.release_reason = RESERVED, None, None
        self.expires_at = max(self.expires_at or at, at + PROMISE)


class Reservation(Model, Stamped, Versioned):
    """What one batch holds for one line. A line may stand on several batches.

    What is held now is ``quantity - dispensed_quantity`` while the row is RESERVED, and nothing afterwards:
    of a part that was handed over before the rest was released the row keeps ``dispensed_quantity``. Batch
    and date stand here as they were promised, for the label.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        one_of("status", RESERVED, DISPENSED, RELEASED, EXPIRED),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("dispensed_quantity BETWEEN 0 AND quantity", name="dispensed_within"),
        CheckConstraint(
            "(status = 'DISPENSED') = (dispensed_quantity = quantity)", name="dispensed_is_whole"
        ),
        Index(None, "order_id"),
        Index("ix_reservations_held", "batch_id", postgresql_where=text("status = 'RESERVED'")),
        {"schema": "pharmacy", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("pharmacy.prescription_orders.order_id"))
    line_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    visit_id: Mapped[UUID | None]
    medication_id: Mapped[UUID]
    item_id: Mapped[UUID]
    batch_id: Mapped[UUID]
    batch_number: Mapped[str | None] = mapped_column(Text)
    expiration_date: Mapped[date | None] = mapped_column(Date)
    quantity: Mapped[Quantity]
    dispensed_quantity: Mapped[Quantity] = mapped_column(server_default="0", default=Decimal(0))
    unit_cost: Mapped[UnitPrice | None]
    status: Mapped[str] = mapped_column(Text, server_default=RESERVED, default=RESERVED)
    priority: Mapped[str] = mapped_column(Text, server_default=ROUTINE, default=ROUTINE)
    reserved_at: Mapped[Moment]
    expires_at: Mapped[Moment]

    @property
    def left(self) -> Decimal:
        """What is held and can still be handed over."""
        return self.quantity - self.dispensed_quantity if self.status == RESERVED else Decimal(0)

    def hand_over(self, quantity: Decimal) -> None:
        self.dispensed_quantity += quantity
        if self.dispensed_quantity == self.quantity:
            self.status = DISPENSED

    def take_back(self, quantity: Decimal) -> None:
        """So much of it was put back on the shelf, where it is promised to nobody."""
        self.dispensed_quantity -= quantity
        if self.dispensed_quantity or self.status == RESERVED:
            self.quantity -= quantity
        elif self.status == DISPENSED:
            self.status = RELEASED

    def close(self, status: str) -> None:
        """What of it was not handed over is not held any more."""
        if self.status == RESERVED:
            self.status = status


class Dispensing(Model):
    """Medicine was handed over, or put back by the undo of that (``undoes_id``, once). Never changed."""

    __tablename__ = "dispensings"
    __table_args__ = (
        one_of("kind", HANDED_OVER, PUT_BACK),
        CheckConstraint("(kind = 'PUT_BACK') = (undoes_id IS NOT NULL)", name="put_back_of_something"),
        Index(None, "order_id"),
        Index("ix_dispensings_day", "facility_id", "dispensed_at"),
        {"schema": "pharmacy", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("pharmacy.prescription_orders.order_id"))
    patient_id: Mapped[UUID]
    visit_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text)
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("pharmacy.dispensings.id"), unique=True)
    is_whole: Mapped[bool] = mapped_column(Boolean)
    dispensed_at: Mapped[Moment]
    dispensed_by: Mapped[UUID | None]


class DispensingLine(Model):
    """How much of which batch went over the counter (or back) in one dispensing. Never changed."""

    __tablename__ = "dispensing_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        UniqueConstraint("dispensing_id", "reservation_id"),
        Index(None, "reservation_id"),
        {"schema": "pharmacy"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    dispensing_id: Mapped[UUID] = mapped_column(ForeignKey("pharmacy.dispensings.id"))
    reservation_id: Mapped[UUID] = mapped_column(ForeignKey("pharmacy.reservations.id"))
    line_id: Mapped[UUID]
    medication_id: Mapped[UUID]
    item_id: Mapped[UUID]
    batch_id: Mapped[UUID]
    quantity: Mapped[Quantity]


class HeardVisit(Model):
    """What the pharmacy heard of a visit: that it has prescriptions, that it is over.

    Both are told in any order, perhaps at the same instant. Each writes this row, so the second to come finds
    what the first has left and lets the ticket join the pharmacy's line.
    """

    __tablename__ = "heard_visits"
    __table_args__ = ({"schema": "pharmacy"},)

    visit_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    has_prescription: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    finished_at: Mapped[datetime | None]


class StalePrescription(StaleScreen):
    """The prescription is not any more what the screen showed (409)."""

    def __init__(self, prescription: Prescription) -> None:
        super().__init__(IS_NOW[prescription.status], at=prescription.updated_at)
        self.changed_at = prescription.updated_at
        self.changed_by = prescription.updated_by
