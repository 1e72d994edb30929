"""The stock as the API has it. Quantities are texts with two decimals, in the item's unit."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from clinic_web.interop.shapes.common import NOT_EMPTY, Currency, Day, In, Out, Paged

BatchStatus = Literal["ACTIVE", "QUARANTINED", "EXPIRED", "RECALLED"]


class StockItem(Out):
    """One medication on the facility's shelves: ``available`` can be promised, ``reserved`` is promised."""

    id: UUID
    version: int
    facility_id: UUID
    medication_id: UUID
    name: str
    name_ar: str | None
    unit: str
    on_hand: str
    reserved: str
    available: str
    reorder_point: str
    is_low: bool
    is_active: bool


class StockAsked(Paged):
    medication: UUID | None = None
    low: bool | None = Field(None, description="Only what is (or is not) to be ordered again.")


class UnitCost(Out):
    """What one unit cost: a text with four decimals, beside its currency."""

    amount: str = Field(pattern=r"^[0-9]+\.[0-9]{4}$", examples=["1.2500"])
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class Batch(Out):
    id: UUID
    item_id: UUID
    medication_id: UUID
    batch_number: str
    expiration_date: date
    available: str
    reserved: str
    unit: str
    unit_cost: UnitCost
    received_date: date
    status: BatchStatus


class BatchesAsked(Paged):
    item: UUID | None = None
    medication: UUID | None = None


class NewUnitCost(In):
    amount: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}\.[0-9]{4}$")]
    currency: Currency


class NewDelivery(In):
    """What came. More of a known batch adds to it."""

    medication_id: UUID
    batch_number: Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=NOT_EMPTY)]
    expiration_date: Day
    quantity: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,7}(\.[0-9]{1,2})?$")]
    unit_cost: NewUnitCost
