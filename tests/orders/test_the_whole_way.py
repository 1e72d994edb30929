"""An order goes its whole way: stock, slots, bill and message are the real ones, and so is the way back."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from clinic_web.inventory import api as inventory
from clinic_web.kernel import bus, delivery
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import StaleScreen
from clinic_web.orders.models import LAB
from clinic_web.orders.saga import COMPLETED, FAILED
from clinic_web.orders.service import ending, placing
from clinic_web.orders.service.placing import Line, NewOrder
from clinic_web.pharmacy.models import Prescription
from clinic_web.pharmacy.service import dispensing, releasing
from tests import factories
from tests.cast import hire
from tests.orders.room import Room

PLACES_TAKEN = text("SELECT COALESCE(sum(taken), 0) FROM lab.slots")
BILLS = text("SELECT status, total_amount FROM billing.invoices WHERE order_id = :order_id")
MESSAGES = text(
    "SELECT template FROM notifications.notifications WHERE reference LIKE '%' || :order_id || '%'"
)
PARKED = text("SELECT count(*) FROM kernel.deliveries WHERE attempts > 1 OR last_error IS NOT NULL")


@dataclass
class House:
    """A doctor's room, and behind it a shelf with 30 tablets at 1.50 and a laboratory."""

    room: Room
    tablets: UUID
    blood_count: UUID

    def place(self, *lines: Line, order_type: str = "PRESCRIPTION") -> UUID:
        order = NewOrder(order_type=order_type, visit_id=self.room.visit_id, lines=lines)
        return placing.place(self.room.salma, order, key=str(uuid4())).order_id

    def status(self, order_id: UUID) -> str:
        db.session.expire_all()
        return self.room.order(order_id).status

    def free(self) -> Decimal:
        facility = self.room.cast.facility_id
        return inventory.on_shelf(self.room.salma, facility, [self.tablets])[self.tablets].available

    def taken(self) -> int:
        return db.session.scalar(PLACES_TAKEN) or 0

    def bill(self, order_id: UUID) -> tuple[str, Decimal] | None:
        row = db.session.execute(BILLS, {"order_id": order_id}).first()
        return None if row is None else (row.status, row.total_amount)

    @property
    def pharmacist(self) -> Actor:
        cast = self.room.cast
        if "huda" not in cast.people:
            hire(cast, "huda", "pharmacist", cast.organization_id, cast.facility_id)
        return cast.people["huda"].actor

    def reserved(self, order_id: UUID) -> Prescription | None:
        db.session.expire_all()
        return db.session.get(Prescription, order_id)

    def messages(self, order_id: UUID) -> list[str]:
        return list(db.session.scalars(MESSAGES, {"order_id": str(order_id)}))


@pytest.fixture
def house(room: Room) -> House:
    cast = room.cast
    tablets = factories.medication(organization_id=cast.organization_id, price="1.5")
    factories.batch(
        organization_id=cast.organization_id,
        facility_id=cast.facility_id,
        medication_id=tablets,
        quantity="30",
    )
    return House(room, tablets, factories.lab_test(organization_id=cast.organization_id, price="120"))


def everybody_works() -> None:
    """Let the workers go on until nothing waits; nothing of it may need a second try."""
    while sum(delivery.drain(queue) for queue in sorted(bus.queues())):
        pass
    assert db.session.scalar(PARKED) == 0


def test_a_prescription_is_held_billed_told_and_complete(house: House) -> None:
    order_id = house.place(Line(item_id=house.tablets, quantity=Decimal(20)))
    everybody_works()
    assert house.status(order_id) == COMPLETED
    assert house.free() == 10
    assert house.bill(order_id) == ("ISSUED", Decimal("30.00"))
    assert len(house.messages(order_id)) == 1


def test_a_laboratory_order_has_its_places_bill_and_message(house: House) -> None:
    order_id = house.place(Line(item_id=house.blood_count), order_type=LAB)
    everybody_works()
    assert house.status(order_id) == COMPLETED
    assert house.taken() == 1
    assert house.bill(order_id) == ("ISSUED", Decimal("120.00"))
    assert len(house.messages(order_id)) == 1


def test_what_the_shelf_does_not_have_fails_and_leaves_nothing(house: House) -> None:
    order_id = house.place(Line(item_id=house.tablets, quantity=Decimal(31)))
    everybody_works()
    assert house.status(order_id) == FAILED
    assert house.free() == 30
    assert house.bill(order_id) is None


def test_what_has_no_price_gives_the_stock_back(house: House) -> None:
    cast = house.room.cast
    unpriced = factories.medication(organization_id=cast.organization_id, name="Sample", price=None)
    factories.batch(
        organization_id=cast.organization_id, facility_id=cast.facility_id, medication_id=unpriced
    )
    order_id = house.place(Line(item_id=house.tablets), Line(item_id=unpriced))
    everybody_works()
    assert house.status(order_id) == FAILED
    assert house.free() == 30
    assert house.bill(order_id) is None


def test_released_before_the_bill_was_asked_for_nothing_is_owed(house: House) -> None:
    """The word that the pharmacy let it go overtakes the bill, on every way that the words can take."""
    first = ["stock", "events", "billing"]
    for order_of_queues in itertools.permutations(first):
        order_id = house.place(Line(item_id=house.tablets, quantity=Decimal(5)))
        while house.bill(order_id) is None and house.reserved(order_id) is None:
            delivery.deliver_next("stock")
        held = house.reserved(order_id)
        assert held is not None
        releasing.release(house.pharmacist, order_id, version=held.version, reason="Not fetched")
        for queue in order_of_queues:
            delivery.deliver_next(queue)
        everybody_works()
        bill = house.bill(order_id)
        assert bill is None or bill[0] == "VOIDED", order_of_queues
        assert house.free() == 30


def test_what_is_called_off_is_not_handed_over_and_what_is_handed_over_not_called_off(house: House) -> None:
    """Neither has heard of the other: no delivery goes out between the two presses."""
    order_id = house.place(Line(item_id=house.tablets, quantity=Decimal(5)))
    delivery.deliver_next("stock")
    held = house.reserved(order_id)
    assert held is not None
    ending.cancel(house.room.salma, order_id, "Another medicine")
    with pytest.raises(StaleScreen, match="called this order off"):
        dispensing.dispense(house.pharmacist, order_id, version=held.version, key=str(uuid4()))
    everybody_works()
    assert (house.status(order_id), house.free()) == ("CANCELLED", 30)

    order_id = house.place(Line(item_id=house.tablets, quantity=Decimal(5)))
    delivery.deliver_next("stock")
    held = house.reserved(order_id)
    assert held is not None
    dispensing.dispense(house.pharmacist, order_id, version=held.version, key=str(uuid4()))
    with pytest.raises(StaleScreen, match="handed over"):
        ending.cancel(house.room.salma, order_id, "Another medicine")
    everybody_works()
    assert (house.status(order_id), house.bill(order_id)) == (COMPLETED, ("ISSUED", Decimal("7.50")))


def test_cancelled_at_any_point_nothing_is_held_and_nothing_owed(house: House) -> None:
    """Cancelled before anybody heard of it, and after each further delivery."""
    for steps in range(6):
        order_id = house.place(Line(item_id=house.tablets, quantity=Decimal(5)))
        for _ in range(steps):
            any(delivery.deliver_next(queue) for queue in sorted(bus.queues()))
        order = house.room.order(order_id)
        if order.status == COMPLETED:
            break
        ending.cancel(house.room.salma, order_id, "Another medicine")
        everybody_works()
        assert house.status(order_id) == "CANCELLED", steps
        assert house.free() == 30
        bill = house.bill(order_id)
        assert bill is None or bill[0] == "VOIDED"
