"""Clinical orders, and what can be ordered, as the API has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from clinic_web.interop.shapes.common import NOT_EMPTY, Day, In, Moment, Note, Out, Paged

OrderType = Literal["PRESCRIPTION", "LAB"]
OrderPriority = Literal["ROUTINE", "URGENT", "STAT"]
OrderStatus = Literal[
    "CREATED", "FULFILLING", "BILLED", "COMPLETED", "COMPENSATING", "FAILED", "CANCELLED", "NEEDS_HUMAN"
]
OrderState = Literal["attention", "under-way", "complete", "failed", "cancelled"]
Directions = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=NOT_EMPTY)]


class Order(Out):
    """A prescription or a laboratory order, and how far it has come."""

    id: UUID
    version: int
    order_number: str
    order_type: OrderType
    status: OrderStatus
    priority: OrderPriority
    facility_id: UUID
    clinic_id: UUID
    patient_id: UUID
    doctor_id: UUID
    visit_id: UUID | None
    created_at: datetime
    preferred_at: datetime | None
    retry_of: UUID | None


class OrderLine(Out):
    """``item_id`` is a medication or a test, ``quantity`` counts ``unit``."""

    line_number: int
    item_id: UUID
    name: str
    name_ar: str | None
    quantity: str
    unit: str
    directions: str | None


class OrderStep(Out):
    """One step of the way: RESERVE (stock or a laboratory's time), BILL, NOTIFY."""

    step: str
    state: str


class OrderInFull(Order):
    note: str | None
    lines: list[OrderLine]
    steps: list[OrderStep]


class OrdersAsked(Paged):
    first: Day | None = Field(None, alias="from", description="First day on which it was written.")
    last: Day | None = Field(None, alias="to", description="Last day, included.")
    clinic: UUID | None = None
    doctor: UUID | None = None
    patient: UUID | None = None
    type: OrderType | None = None
    state: OrderState | None = None


class NewLine(In):
    """``directions`` are for a medicine."""

    item_id: UUID
    quantity: str = Field("1", pattern=r"^[0-9]{1,5}(\.[0-9]{1,3})?$")
    directions: Directions | None = None


class NewOrder(In):
    """``doctor_id`` is who orders: they see the patient in this visit. ``preferred_at``: when the laboratory
    may expect the patient."""

    order_type: OrderType
    visit_id: UUID
    doctor_id: UUID
    lines: list[NewLine] = Field(min_length=1, max_length=30)
    priority: OrderPriority = "ROUTINE"
    preferred_at: Moment | None = None
    note: Note | None = None


class Medication(Out):
    id: UUID
    name: str
    drug_name: str
    drug_name_ar: str | None
    generic_name: str | None
    strength: str | None
    dosage_form: str | None
    unit: str
    is_controlled_substance: bool
    is_active: bool


class MedicationsFound(Out):
    """The best first."""

    items: list[Medication]


class LabTest(Out):
    id: UUID
    code: str
    name: str
    name_ar: str | None
    specimen_type: str | None
    is_active: bool


class LabTestsFound(Out):
    """The best first."""

    items: list[LabTest]


class TypedItem(In):
    """A part of a name, as people type it."""

    typed: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NOT_EMPTY)]
