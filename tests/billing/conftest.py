"""Orders as they ask to be billed: two medicines at 1.2345 and 10.00 a unit, and a test of blood at 95.50."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from clinic_web.billing import handlers
from clinic_web.billing.models import Allocation, BillingRecord, Invoice, InvoiceLine
from clinic_web.catalog.models import ChargeItem, LabTest, Medication
from clinic_web.events.orders import BillingRequested, CompensationRequested, OrderLine
from clinic_web.kernel import delivery
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import Delivery, DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from tests import factories
from tests.cast import Cast
from tests.reception.conftest import at, at_ten, desk
from tests.snapshot import Snapshot

__all__ = ["at", "at_ten", "desk"]


@dataclass
class Shop:
    """What can be ordered here, and orders of it."""

    cast: Cast
    paracetamol: UUID = field(default_factory=new_id)
    syrup: UUID = field(default_factory=new_id)
    unpriced: UUID = field(default_factory=new_id)
    blood: UUID = field(default_factory=new_id)

    def stock(self) -> None:
        for item_id, name, price in (
            (self.paracetamol, "Paracetamol", "1.2345"),
            (self.syrup, "Syrup", "10"),
            (self.unpriced, "Unpriced", None),
        ):
            self._add(Medication(id=item_id, drug_name=name, search_words=name.lower()), name, price)
        self._add(LabTest(id=self.blood, code="CBC", name="Blood count", search_words="cbc"), "Blood", "95.5")
        db.session.commit()

    def _add(self, row: Medication | LabTest, name: str, price: str | None) -> None:
        row.organization_id = self.cast.organization_id
        if price is not None:
            charge = ChargeItem(
                id=new_id(),
                organization_id=self.cast.organization_id,
                item_code=f"C-{name}",
                item_name=name,
                item_category="OTHER",
                base_price=Decimal(price),
            )
            db.session.add(charge)
            db.session.flush()
            row.charge_item_id = charge.id
        db.session.add(row)

    def order(self, *wanted: tuple[UUID, str], **fields: Any) -> BillingRequested:
        wanted = wanted or ((self.paracetamol, "10"), (self.syrup, "2"))
        values: dict[str, Any] = {
            "order_id": new_id(),
            "order_type": "PRESCRIPTION",
            "patient_id": None,
            "facility_id": self.cast.facility_id,
            "clinic_id": self.cast.dental,
            "doctor_id": self.cast.salma,
        } | fields
        values["patient_id"] = values["patient_id"] or factories.patient(
            organization_id=self.cast.organization_id
        )
        lines = tuple(OrderLine(line_id=new_id(), item_id=item, quantity=Decimal(n)) for item, n in wanted)
        db.session.commit()
        return BillingRequested(organization_id=self.cast.organization_id, lines=lines, **values)

    def billed(self, *wanted: tuple[UUID, str], **fields: Any) -> BillingRequested:
        asked = self.order(*wanted, **fields)
        hear(handlers.bill_order, asked)
        return asked


@pytest.fixture
def shop(cast: Cast) -> Shop:
    made = Shop(cast)
    made.stock()
    return made


@pytest.fixture
def real_shop(snapshot: Snapshot, committing: Flask) -> Iterator[Shop]:
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        made = Shop(cast)
        made.stock()
        yield made


def hear(handler: Any, event: Any) -> None:
    """Let a handler hear an event, in a transaction of its own as a delivery has it."""
    with transaction():
        handler(event)


def compensation(asked: BillingRequested, step: str = "BILL", attempt: int = 1) -> CompensationRequested:
    return CompensationRequested(
        organization_id=asked.organization_id,
        facility_id=asked.facility_id,
        order_id=asked.order_id,
        order_type=asked.order_type,
        patient_id=asked.patient_id,
        step=step,
        attempt=attempt,
    )


def of_order(event: type[Any], asked: BillingRequested) -> Any:
    """An event of the pharmacy or the laboratory about an order."""
    return event(
        organization_id=asked.organization_id,
        facility_id=asked.facility_id,
        order_id=asked.order_id,
        patient_id=asked.patient_id,
    )


def deliver_all(queues: Iterable[str] | None = None) -> None:
    due = set(db.session.scalars(select(Delivery.queue).distinct()))
    while due:
        for queue in due if queues is None else due & set(queues):
            while delivery.deliver_next(queue):
                pass
        due = set(db.session.scalars(select(Delivery.queue).where(Delivery.state == "DUE").distinct()))
        if queues is not None:
            break


def bill(**of: UUID) -> Invoice:
    db.session.expire_all()
    return db.session.execute(select(Invoice).filter_by(**of)).scalar_one()


def record(order_id: UUID) -> BillingRecord:
    db.session.expire_all()
    return db.session.execute(select(BillingRecord).filter_by(order_id=order_id)).scalar_one()


def lines(invoice_id: UUID) -> list[InvoiceLine]:
    wanted = select(InvoiceLine).filter_by(invoice_id=invoice_id).order_by(InvoiceLine.line_number)
    return list(db.session.scalars(wanted))


def allocated(invoice_id: UUID) -> list[Decimal]:
    """What was allocated to a bill, the largest first."""
    db.session.expire_all()
    wanted = select(Allocation.allocated_amount).filter_by(invoice_id=invoice_id)
    return sorted(db.session.scalars(wanted), reverse=True)


def told(topic: str) -> list[dict[str, Any]]:
    wanted = select(DomainEvent.event_data).where(DomainEvent.event_type == topic)
    return list(db.session.scalars(wanted.order_by(DomainEvent.sequence_number)))
