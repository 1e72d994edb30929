"""A day at the clinic with something of everything in it: booked, paid, ordered, cancelled, dispensed."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID, uuid4

from chaos.journeys import formulary
from chaos.journeys.formulary import Formulary
from clinic_web.kernel import bus, clock, delivery
from clinic_web.kernel.db import db
from clinic_web.orders.service import ending, placing
from clinic_web.orders.service.placing import Line, NewOrder
from clinic_web.pharmacy.models import Prescription
from clinic_web.pharmacy.service import dispensing
from clinic_web.reception.service import calling
from tests.cast import Cast, hire
from tests.reception.desk import Desk, pay


class Day:
    """``ids`` names the rows that tests break."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.desk = cast, Desk(cast)
        place = SimpleNamespace(
            actor=cast.system, facility_id=cast.facility_id, today=lambda: clock.today("Africa/Cairo")
        )
        self.items: Formulary = formulary.make(place, 40)  # type: ignore[arg-type]
        self.ids: dict[str, str] = {}

    def live(self) -> dict[str, str]:
        """Let it happen, and everybody hear of it."""
        desk = self.desk
        booked = desk.book(at=desk.tomorrow(9))
        desk.book(at=desk.tomorrow(11))
        self._note(booked=booked.visit_id, appointment=booked.appointment_id, doctor=self.cast.salma)
        self._note(paid=desk.visit_in("COMPLETED").id)
        pay(desk, desk.visit(desk.walk_in().visit_id))
        self._orders(self._in_the_room())
        self._note(waiting=desk.walk_in().visit_id)
        hear_all()
        return self.ids

    def _note(self, **ids: UUID) -> None:
        self.ids |= {name: str(each) for name, each in ids.items()}

    def _in_the_room(self) -> UUID:
        called = self.desk.next()
        assert called is not None
        visit = self.desk.visit(called.visit_id)
        calling.open_visit(self.desk.salma, visit.id, version=visit.version)
        return visit.id

    def _orders(self, visit_id: UUID) -> None:
        many, few = self.items.medicines[0], self.items.scarce[0]
        self._note(lab=self._order(visit_id, "LAB", *self.items.tests[:2]))
        self._note(medicine=self._order(visit_id, "PRESCRIPTION", many, few, quantity=6))
        self._note(held=self._order(visit_id, "PRESCRIPTION", many))
        hear_all()
        self._dispense(UUID(self.ids["medicine"]))
        for name in ("cancelled", "last"):
            order_id = self._order(visit_id, "LAB", self.items.tests[0])
            while name == "cancelled" and delivery.deliver_next("lab"):
                pass  # its place is held by now
            ending.cancel(self.desk.salma, order_id, "Changed my mind")
            self._note(**{name: order_id})
        self._order(visit_id, "LAB", self.items.unpriced_tests[0])
        self._order(visit_id, "PRESCRIPTION", self.items.unstocked[0])
        hear_all()

    def _dispense(self, order_id: UUID) -> None:
        hire(self.cast, "zaki", "pharmacist", self.cast.organization_id, self.cast.facility_id)
        version = db.session.get_one(Prescription, order_id).version
        zaki = self.cast.people["zaki"].actor
        dispensing.dispense(zaki, order_id, version=version, quantities=None, key=str(uuid4()))

    def _order(self, visit_id: UUID, order_type: str, *items: UUID, quantity: int = 2) -> UUID:
        lines = tuple(
            Line(item_id=each, quantity=Decimal(quantity if order_type == "PRESCRIPTION" else 1))
            for each in items
        )
        order = NewOrder(order_type=order_type, visit_id=visit_id, lines=lines)
        return placing.place(self.desk.salma, order, key=str(uuid4())).order_id


def hear_all() -> None:
    """Deliver until nobody has anything to hear."""
    while sum(delivery.drain(queue) for queue in sorted(bus.queues())):
        pass
    db.session.remove()
