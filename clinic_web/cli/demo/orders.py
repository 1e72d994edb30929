"""What doctors order through the demo's day, and everybody who fulfils it behind them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from uuid import UUID

from sqlalchemy import select

from clinic_web.catalog import api as catalog
from clinic_web.kernel import bus, delivery, ids
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.lab.models import SCHEDULED, LabOrder
from clinic_web.lab.service import working
from clinic_web.orders import api as orders
from clinic_web.pharmacy.models import Prescription
from clinic_web.pharmacy.service import dispensing

OFTEN = 0.4  # of the visits lead to a prescription
SOMETIMES = 0.55  # or to a laboratory order, up to here
URGENT = 0.15

MEDICINES = (
    "paracetamol 500",
    "ibuprofen",
    "amoxicillin",
    "omeprazole",
    "cetirizine",
    "metformin",
    "salbutamol",
)
TESTS = ("CBC", "CRP", "HBA1C", "UA", "FERR")
DIRECTIONS = (
    "1 × 3 after meals / قرص ٣ مرات بعد الأكل",
    "1 × 2 for 5 days / مرتين يوميًا ٥ أيام",
    "1 at night / مرة قبل النوم",
)


@dataclass(frozen=True)
class Shelf:
    """What the demo's doctors order: medicines and tests that are in the catalogue."""

    medicines: list[UUID]
    tests: list[UUID]


def shelf(actor: Actor) -> Shelf:
    """Return the first hit of each name that the demo's doctors like."""
    medicines = [catalog.find_medications(actor, name, limit=1) for name in MEDICINES]
    tests = [catalog.find_lab_tests(actor, name, limit=1) for name in TESTS]
    return Shelf(
        medicines=[found[0].id for found in medicines if found],
        tests=[test[0].id for test in tests if test],
    )


def perhaps(doctor: Actor, visit_id: UUID, on: Shelf, random: Random) -> UUID | None:
    """Let the doctor who has a patient in the room order something, or nothing; return the order."""
    dice = random.random()
    if dice < OFTEN and on.medicines:
        return _place(doctor, visit_id, "PRESCRIPTION", _prescribed(on, random), random)
    if dice < SOMETIMES and on.tests:
        tests = random.sample(on.tests, k=min(random.randint(1, 2), len(on.tests)))
        return _place(doctor, visit_id, "LAB", tuple(orders.Line(item_id=each) for each in tests), random)
    return None


def _prescribed(on: Shelf, random: Random) -> tuple[orders.Line, ...]:
    return tuple(
        orders.Line(
            item_id=each, quantity=Decimal(random.choice((1, 2, 2, 3))), directions=random.choice(DIRECTIONS)
        )
        for each in random.sample(on.medicines, k=random.randint(1, 2))
    )


def _place(
    doctor: Actor, visit_id: UUID, order_type: str, lines: tuple[orders.Line, ...], random: Random
) -> UUID:
    priority = "URGENT" if random.random() < URGENT else "ROUTINE"
    order = orders.NewOrder(order_type=order_type, visit_id=visit_id, lines=lines, priority=priority)
    placed = orders.place(doctor, order, key=str(ids.new_id()))
    work()
    return placed.order_id


def fetched(pharmacist: Actor, order_id: UUID) -> None:
    """The patient comes for the medicine."""
    prescription = db.session.get(Prescription, order_id)
    if prescription is not None:
        dispensing.dispense(pharmacist, order_id, version=prescription.version, key=str(ids.new_id()))
        work()


def taken(technician: Actor, order_id: UUID) -> None:
    """The patient comes to the laboratory, which takes what its tests need."""
    due = select(LabOrder).where(LabOrder.order_id == order_id, LabOrder.status == SCHEDULED)
    for row in db.session.scalars(due).all():
        if row.arrived_at is None:
            working.arrive(technician, row.id, version=row.version)
        working.collect(technician, row.id, version=row.version)
    work()


def work() -> None:
    """Do what the workers would, until nothing waits."""
    while sum(delivery.drain(queue) for queue in sorted(bus.queues())):
        pass
