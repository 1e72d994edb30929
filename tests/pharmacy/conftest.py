"""The pharmacy's tests: a formulary, stock on the shelf, and Huda the pharmacist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from clinic_web.catalog.models import Medication
from clinic_web.events.orders import CompensationRequested, OrderCreated, OrderLine
from clinic_web.inventory import api as inventory
from clinic_web.inventory.api import Delivery, OnShelf
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.pharmacy import handlers
from clinic_web.pharmacy.models import Prescription, Reservation
from tests import factories
from tests.cast import Cast, hire
from tests.snapshot import Snapshot


@dataclass
class Shop:
    """A pharmacy with two medicines: of amoxicillin two batches of 10, of ibuprofen one of 100."""

    cast: Cast
    amoxicillin: UUID
    ibuprofen: UUID
    patient: UUID
    orders: dict[UUID, OrderCreated] = field(default_factory=dict)

    @property
    def huda(self) -> Actor:
        return self.cast.people["huda"].actor

    def order(self, *lines: tuple[UUID, int], **more: Any) -> OrderCreated:
        """What orders tells of a new prescription."""
        told = OrderCreated(
            organization_id=self.cast.organization_id,
            facility_id=self.cast.facility_id,
            order_id=new_id(),
            order_type="PRESCRIPTION",
            patient_id=self.patient,
            clinic_id=self.cast.dental,
            doctor_id=self.cast.salma,
            lines=tuple(
                OrderLine(line_id=new_id(), item_id=item, quantity=Decimal(many)) for item, many in lines
            ),
            **more,
        )
        self.orders[told.order_id] = told
        return told

    def reserved(self, *lines: tuple[UUID, int], **more: Any) -> Prescription:
        """A prescription for which stock is held, as a screen showed it now; without lines, for twelve
        capsules of amoxicillin."""
        told = self.order(*(lines or ((self.amoxicillin, 12),)), **more)
        hear(told)
        found = self.prescription(told.order_id)
        db.session.expunge(found)
        return found

    def prescription(self, order_id: UUID) -> Prescription:
        db.session.flush()
        return db.session.get_one(Prescription, order_id, populate_existing=True)

    def shelf(self, medication_id: UUID | None = None) -> OnShelf:
        which = medication_id or self.amoxicillin
        return inventory.on_shelf(self.huda, self.cast.facility_id, [which])[which]

    def counts(self, medication_id: UUID | None = None) -> tuple[int, int]:
        """On hand and reserved."""
        shelf = self.shelf(medication_id)
        return int(shelf.on_hand), int(shelf.reserved)


def hear(told: OrderCreated) -> None:
    with transaction():
        handlers.reserve_stock(told)


def cancel(told: OrderCreated, attempt: int = 1) -> None:
    with transaction():
        handlers.release_stock(cancellation(told, attempt))


def cancellation(told: OrderCreated, attempt: int = 1, step: str = "RESERVE") -> CompensationRequested:
    return CompensationRequested(
        organization_id=told.organization_id,
        facility_id=told.facility_id,
        order_id=told.order_id,
        order_type=told.order_type,
        patient_id=told.patient_id,
        step=step,
        attempt=attempt,
    )


def answers(order_id: UUID) -> list[str]:
    """What the pharmacy told of an order, in order."""
    told = select(DomainEvent.event_type).where(DomainEvent.aggregate_id == order_id)
    return list(db.session.scalars(told.order_by(DomainEvent.id)))


def reservations(order_id: UUID) -> list[Reservation]:
    wanted = select(Reservation).where(Reservation.order_id == order_id)
    ordered = wanted.order_by(Reservation.line_id, Reservation.expiration_date, Reservation.id)
    return list(db.session.scalars(ordered.execution_options(populate_existing=True)))


def stock_up(cast: Cast) -> Shop:
    hire(cast, "huda", "pharmacist", cast.organization_id, cast.facility_id)
    with transaction():
        shop = Shop(
            cast,
            amoxicillin=_medication(cast, "Amoxicillin", "أموكسيسيلين", "500 mg", "capsule"),
            ibuprofen=_medication(cast, "Ibuprofen", "إيبوبروفين", "400 mg", "tablet"),
            patient=factories.patient(organization_id=cast.organization_id, first_name="Nadia"),
        )
    for medication, number, days, quantity in (
        (shop.amoxicillin, "A-1", 30, 10),
        (shop.amoxicillin, "A-2", 300, 10),
        (shop.ibuprofen, "I-1", 200, 100),
    ):
        delivery = Delivery(
            batch_number=number,
            expiration_date=clock.today("Africa/Cairo") + timedelta(days=days),
            quantity=Decimal(quantity),
            unit_cost=Decimal("1.2500"),
        )
        inventory.receive(shop.huda, cast.facility_id, medication, delivery, key=str(uuid4()))
    return shop


def _medication(cast: Cast, name: str, name_ar: str, strength: str, unit: str) -> UUID:
    row = Medication(
        id=new_id(),
        organization_id=cast.organization_id,
        drug_name=name,
        drug_name_ar=name_ar,
        strength=strength,
        unit=unit,
        search_words=name.lower(),
    )
    db.session.add(row)
    db.session.flush()
    return row.id


@pytest.fixture
def shop(cast: Cast) -> Shop:
    return stock_up(cast)


@pytest.fixture
def real_shop(snapshot: Snapshot, committing: Flask) -> Iterator[Shop]:
    """A pharmacy whose acts are committed for real, for races between several people."""
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        yield stock_up(cast)
        db.session.remove()
