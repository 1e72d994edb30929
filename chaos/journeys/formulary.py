"""What can be ordered in a run: some of it always, some of it seldom, some of it never."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from bench.world import World
from clinic_web.catalog.models import ChargeItem, LabTest, Medication
from clinic_web.inventory import api as inventory
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction

PLENTY, BATCHES = Decimal(400_000), 4


@dataclass
class Formulary:
    """Ids by how an order of them goes."""

    medicines: list[UUID] = field(default_factory=list)
    scarce: list[UUID] = field(default_factory=list)
    unpriced: list[UUID] = field(default_factory=list)
    unstocked: list[UUID] = field(default_factory=list)
    tests: list[UUID] = field(default_factory=list)
    narrow: list[UUID] = field(default_factory=list)
    unpriced_tests: list[UUID] = field(default_factory=list)


def make(world: World, sagas: int) -> Formulary:
    """Write them into the world's catalogue and onto its shelves."""
    with tenant.of(world.actor.organization_id):
        found = Formulary(
            medicines=[_medicine(world, f"Plenty {each}", "1.2345") for each in range(8)],
            scarce=[_medicine(world, f"Scarce {each}", "10") for each in range(3)],
            unpriced=[_medicine(world, "Unpriced", None)],
            unstocked=[_medicine(world, "Unstocked", "5")],
            tests=[_test(world, f"Test {each}", "95.5", 400) for each in range(4)],
            narrow=[_test(world, "Narrow", "120", 1)],
            unpriced_tests=[_test(world, "Unpriced test", None, 400)],
        )
        for medicine in found.medicines + found.unpriced:
            _receive(world, medicine, PLENTY / BATCHES)
        for medicine in found.scarce:  # for about half of those who want it
            _receive(world, medicine, Decimal(max(sagas // 40, 4)))
        db.session.remove()
    return found


def _receive(world: World, medicine: UUID, each: Decimal) -> None:
    for number in range(BATCHES):
        inventory.receive(
            world.actor,
            world.facility_id,
            medicine,
            inventory.Delivery(
                batch_number=f"B{number}",
                expiration_date=world.today() + timedelta(days=30 * (number + 1)),
                quantity=each.quantize(Decimal("1")),
                unit_cost=Decimal("0.5"),
            ),
        )


def _charge(world: World, name: str, price: str | None) -> UUID | None:
    if price is None:
        return None
    row = ChargeItem(
        id=new_id(),
        organization_id=world.actor.organization_id,
        item_code=f"C-{name}",
        item_name=name,
        item_category="OTHER",
        base_price=Decimal(price),
    )
    with transaction():
        db.session.add(row)
    return row.id


def _medicine(world: World, name: str, price: str | None) -> UUID:
    row = Medication(
        id=new_id(),
        organization_id=world.actor.organization_id,
        charge_item_id=_charge(world, name, price),
        drug_name=name,
        search_words=name.lower(),
    )
    with transaction():
        db.session.add(row)
    return row.id


def _test(world: World, name: str, price: str | None, capacity: int) -> UUID:
    row = LabTest(
        id=new_id(),
        organization_id=world.actor.organization_id,
        charge_item_id=_charge(world, name, price),
        code=name.upper(),
        name=name,
        capacity=capacity,
        search_words=name.lower(),
    )
    with transaction():
        db.session.add(row)
    return row.id
