"""What the tests of orders have at hand: a visit under way, medicines, tests, and the words of others."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from clinic_web.catalog.models import LabTest, Medication
from clinic_web.events.billing import OrderBilled, OrderBillingFailed, OrderUnbilled
from clinic_web.events.lab import LabReleased, LabScheduled, LabSchedulingFailed
from clinic_web.events.notifications import NotificationFailed, NotificationQueued
from clinic_web.events.pharmacy import StockReleased, StockReservationFailed, StockReserved
from clinic_web.kernel import bus, clock, delivery
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.orders.models import LAB, PRESCRIPTION, Order, OrderStep
from clinic_web.orders.service import placing
from clinic_web.orders.service.placing import Line, NewOrder, Placed
from tests.cast import Cast
from tests.reception.desk import Desk


class Room:
    """Salma has a patient in the room. Whoever else works for an order is played by ``tell``."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.desk = cast, Desk(cast)
        self.salma: Actor = cast.people["salma"].actor
        self.karim: Actor = cast.people["karim"].actor
        self.omar: Actor = cast.people["omar"].actor
        self.paracetamol = self.medicine("Paracetamol", "500 mg", drug_name_ar="باراسيتامول")
        self.amoxicillin = self.medicine("Amoxicillin", "250 mg/5 ml", unit="bottle")
        self.glucose = self.test("GLU", "Fasting glucose", name_ar="سكر صائم", preparation="Nothing to eat.")
        self.cbc = self.test("CBC", "Blood count")
        self.visit_id = self.visit().visit_id

    def visit(self, doctor: Actor | None = None) -> Any:
        """A walk-in who is in the doctor's room."""
        opened = self.desk.walk_in()
        called = self.desk.next(doctor or self.salma)
        assert called is not None and called.visit_id == opened.visit_id
        visit = self.desk.visit(opened.visit_id)
        from clinic_web.reception.service import calling

        calling.open_visit(doctor or self.salma, visit.id, version=visit.version)
        return opened

    def medicine(self, name: str, strength: str, **fields: Any) -> UUID:
        fields = {"unit": "tablet", "search_words": f"{name} {strength}".lower(), **fields}
        return self._add(Medication(drug_name=name, strength=strength, **fields))

    def test(self, code: str, name: str, **fields: Any) -> UUID:
        return self._add(LabTest(code=code, name=name, search_words=f"{code} {name}".lower(), **fields))

    def _add(self, row: Any) -> UUID:
        row.id, row.organization_id = new_id(), self.cast.organization_id
        with transaction():
            db.session.add(row)
        return UUID(str(row.id))

    def new(self, order_type: str = PRESCRIPTION, **fields: Any) -> NewOrder:
        lines = (Line(item_id=self.paracetamol, quantity=Decimal(20), directions="1 x 3 after meals"),)
        if order_type == LAB:
            lines = (Line(item_id=self.glucose), Line(item_id=self.cbc))
        values: dict[str, Any] = {"visit_id": self.visit_id, "lines": lines, **fields}
        return NewOrder(order_type=order_type, **values)

    def place(self, order_type: str = PRESCRIPTION, *, key: str | None = None, **fields: Any) -> Placed:
        return placing.place(self.salma, self.new(order_type, **fields), key=key or str(uuid4()))

    # ---- what others tell ----

    def tell(self, *events: Any) -> None:
        """Tell events as their modules do, and let everybody hear them."""
        with transaction():
            for event in events:
                bus.publish(event, self.desk.system)
        hear_all()

    def of(self, order_id: UUID, kind: type[Any], **fields: Any) -> Any:
        """Return an event about an order, its usual fields filled in."""
        order = self.order(order_id)
        usual: dict[str, Any] = {
            "organization_id": order.organization_id,
            "facility_id": order.facility_id,
            "patient_id": order.patient_id,
            "order_id": order_id,
            **{name: make() for name, make in USUAL.items()},
            **fields,
        }
        return kind(**{name: usual[name] for name in kind.__dataclass_fields__ if name in usual})

    def answer(self, order_id: UUID, *kinds: type[Any], **fields: Any) -> None:
        for kind in kinds:
            self.tell(self.of(order_id, kind, **fields))

    def complete(self, order_id: UUID) -> None:
        first = LabScheduled if self.order(order_id).order_type == LAB else StockReserved
        self.answer(order_id, first, OrderBilled, NotificationQueued)

    def order(self, order_id: UUID) -> Order:
        return db.session.get_one(Order, order_id, populate_existing=True)

    def status(self, order_id: UUID) -> str:
        return self.order(order_id).status

    def steps(self, order_id: UUID) -> dict[str, OrderStep]:
        found = select(OrderStep).where(OrderStep.order_id == order_id)
        rows = db.session.scalars(found.execution_options(populate_existing=True))
        return {each.step: each for each in rows}

    def states(self, order_id: UUID) -> tuple[str, str, str]:
        steps = self.steps(order_id)
        return steps["RESERVE"].state, steps["BILL"].state, steps["NOTIFY"].state

    def told(self, order_id: UUID) -> list[str]:
        """What orders has told of an order so far, in short."""
        found = select(DomainEvent.event_type, DomainEvent.event_data).where(
            DomainEvent.aggregate_id == order_id, DomainEvent.event_type.in_(OURS)
        )
        rows = db.session.execute(found.order_by(DomainEvent.sequence_number))
        return [f"{OURS[topic]} {data.get('step') or ''}".strip() for topic, data in rows]


def hear_all() -> None:
    while delivery.deliver_next("events"):
        pass


OURS = {
    "order.created": "reserve",
    "order.billing_requested": "bill",
    "order.notification_requested": "notify",
    "order.compensation_requested": "undo",
    "order.completed": "completed",
    "order.failed": "failed",
    "order.cancelled": "cancelled",
}
USUAL: dict[str, Any] = {
    "expires_at": lambda: clock.now() + timedelta(hours=48),
    "starts_at": lambda: clock.now() + timedelta(hours=1),
    "invoice_id": uuid4,
    "payment_id": uuid4,
    "notification_id": uuid4,
    "dispensing_id": uuid4,
    "lab_order_id": uuid4,
    "move_id": new_id,
    "total_amount": lambda: Decimal("120.00"),
    "refund_due": lambda: Decimal("0.00"),
    "currency": lambda: "EGP",
    "reference": lambda: "order:x",
    "reason": lambda: "SHORT",
    "is_whole": lambda: True,
}
FAILING = {
    "RESERVE": {PRESCRIPTION: StockReservationFailed, LAB: LabSchedulingFailed},
    "BILL": {PRESCRIPTION: OrderBillingFailed, LAB: OrderBillingFailed},
    "NOTIFY": {PRESCRIPTION: NotificationFailed, LAB: NotificationFailed},
}
DOING = {
    "RESERVE": {PRESCRIPTION: StockReserved, LAB: LabScheduled},
    "BILL": {PRESCRIPTION: OrderBilled, LAB: OrderBilled},
    "NOTIFY": {PRESCRIPTION: NotificationQueued, LAB: NotificationQueued},
}
UNDOING = {
    "RESERVE": {PRESCRIPTION: StockReleased, LAB: LabReleased},
    "BILL": {PRESCRIPTION: OrderUnbilled, LAB: OrderUnbilled},
}
