"""One item for its page: its batches by expiry, its movements with before and after, what can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from clinic_web.catalog import api as catalog
from clinic_web.catalog.api import MedicationCard
from clinic_web.identity import api as identity
from clinic_web.inventory.access import item_for, today
from clinic_web.inventory.models import Adjustment, Batch, Item, Movement
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db

MOVEMENTS = 50
USED_UP = 10  # batches


@dataclass(frozen=True, kw_only=True)
class BatchLine:
    """A batch; ``days`` until it expires: on its last day 0."""

    id: UUID
    batch_number: str
    expiration_date: date
    days: int
    received: Decimal
    on_hand: Decimal
    reserved: Decimal
    available: Decimal
    issued: Decimal
    unit_cost: Decimal
    received_date: date
    status: str


@dataclass(frozen=True, kw_only=True)
class MovementLine:
    """A movement; ``undoes`` names the adjustment that can be undone by who may adjust."""

    seq: int
    kind: str
    at: datetime
    batch_number: str
    change: Decimal
    before: Decimal
    after: Decimal
    reserved_change: Decimal
    reserved_before: Decimal
    reserved_after: Decimal
    reference_type: str | None
    reason: str | None
    who: str | None
    undoes: UUID | None


@dataclass(frozen=True, kw_only=True)
class ItemPage:
    """Everything of one item; ``older`` is where the next page of movements begins."""

    item: Item
    card: MedicationCard | None
    batches: list[BatchLine]
    movements: list[MovementLine]
    older: int | None
    today: date

    def batch(self, batch_id: UUID | None) -> BatchLine | None:
        return next((each for each in self.batches if each.id == batch_id), None)


def item_page(actor: Actor, item_id: UUID, *, before: int | None = None) -> ItemPage:
    """Return an item with the last movements, or those before one; NotFound (404). Five statements."""
    item = item_for(actor, item_id)
    day = today(actor, item.facility_id)
    moved = _movements(item.id, before)
    names = identity.names_of(actor, {each.performed_by for each, _, _ in moved})
    shown = moved[:MOVEMENTS]
    return ItemPage(
        item=item,
        card=catalog.medications(actor, [item.medication_id]).get(item.medication_id),
        batches=_batches(item.id, day),
        movements=[
            _line(each, number, undoable, names.get(each.performed_by) if each.performed_by else None)
            for each, number, undoable in shown
        ],
        older=shown[-1][0].seq if len(moved) > MOVEMENTS else None,
        today=day,
    )


def _batches(item_id: UUID, day: date) -> list[BatchLine]:
    """What lies there first; of what is used up, the last ones."""
    query = select(Batch).where(Batch.inventory_item_id == item_id)
    there = query.where(Batch.quantity_remaining > 0).order_by(Batch.expiration_date, Batch.id)
    gone = (
        query.where(Batch.quantity_remaining == 0).order_by(Batch.expiration_date.desc(), Batch.id).limit(10)
    )
    rows = [*db.session.scalars(there), *db.session.scalars(gone)]
    return [
        BatchLine(
            id=each.id,
            batch_number=each.batch_number,
            expiration_date=each.expiration_date,
            days=(each.expiration_date - day).days,
            received=each.quantity_received,
            on_hand=each.quantity_remaining,
            reserved=each.quantity_reserved,
            available=each.quantity_available,
            issued=each.quantity_issued,
            unit_cost=each.unit_cost,
            received_date=each.received_date,
            status=each.status,
        )
        for each in rows
    ]


def _movements(item_id: UUID, before: int | None) -> list[tuple[Movement, str, UUID | None]]:
    undo = aliased(Adjustment)
    query = (
        select(Movement, Batch.batch_number, Adjustment.id)
        .join(Batch, Batch.id == Movement.batch_id)
        .outerjoin(
            Adjustment,
            (Adjustment.id == Movement.reference_id)
            & (Movement.reference_type == "stock_adjustment")
            & (Movement.quantity_change != 0)
            & Adjustment.undoes_id.is_(None)
            & ~exists().where(undo.undoes_id == Adjustment.id),
        )
        .where(Movement.inventory_item_id == item_id)
    )
    if before is not None:
        query = query.where(Movement.seq < before)
    rows = db.session.execute(query.order_by(Movement.seq.desc()).limit(MOVEMENTS + 1))
    return [(moved, number, undoable) for moved, number, undoable in rows]


def _line(moved: Movement, batch_number: str, undoable: UUID | None, who: str | None) -> MovementLine:
    return MovementLine(
        seq=moved.seq,
        kind=moved.transaction_type,
        at=moved.transaction_date,
        batch_number=batch_number,
        change=moved.quantity_change,
        before=moved.quantity_before,
        after=moved.quantity_after,
        reserved_change=moved.reserved_change,
        reserved_before=moved.reserved_before,
        reserved_after=moved.reserved_after,
        reference_type=moved.reference_type,
        reason=moved.reason,
        who=who,
        undoes=undoable,
    )


@dataclass(frozen=True, kw_only=True)
class SheetLine:
    """One batch of the count sheet: where it lies and what should be there."""

    item_name: str
    item_name_ar: str | None
    bin_location: str | None
    unit: str
    batch_number: str
    expiration_date: date
    on_hand: Decimal


def count_sheet(actor: Actor, facility_id: UUID) -> list[SheetLine]:
    """Return every batch that should lie on the facility's shelves, place by place, in one statement."""
    query = (
        select(
            Item.item_name,
            Item.item_name_ar,
            Item.bin_location,
            Item.quantity_unit.label("unit"),
            Batch.batch_number,
            Batch.expiration_date,
            Batch.quantity_remaining.label("on_hand"),
        )
        .join(Batch, Batch.inventory_item_id == Item.id)
        .where(
            Item.organization_id == actor.organization_id,
            Item.facility_id == facility_id,
            Batch.quantity_remaining > 0,
        )
        .order_by(Item.bin_location.nulls_last(), Item.item_name, Batch.expiration_date, Batch.id)
    )
    return [SheetLine(**row) for row in db.session.execute(query).mappings()]
