"""What the tests of the laboratory have at hand: tests of the catalogue, orders, what was told of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from clinic_web.catalog.models import LabTest
from clinic_web.events.orders import CompensationRequested, OrderCreated, OrderLine
from clinic_web.kernel import bus, clock, delivery
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.folding import normalise
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab.models import LabOrder, Slot
from tests import factories
from tests.cast import Cast

CAIRO = ZoneInfo("Africa/Cairo")
_codes = count(1)


class Laboratory:
    """North Garden's laboratory on a day of the tests: it is seven in the morning, it opens at eight."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.facility_id = cast.facility_id
        self.system: Actor = system_actor(cast.organization_id, facility_id=cast.facility_id)
        self.today: date = clock.local(clock.now(), "Africa/Cairo").date()

    def at(self, hour: int, minute: int = 0, *, days: int = 0) -> datetime:
        """A moment of the tests' day (or ``days`` later) on Cairo's wall."""
        day = self.today + timedelta(days=days)
        return datetime.combine(day, time(hour, minute), CAIRO).astimezone(UTC)

    def test(self, name: str = "Blood count", **fields: Any) -> UUID:
        """A test of the catalogue: slots of 30 minutes with room for two, if nothing else is said."""
        values = {"slot_minutes": 30, "capacity": 2, "specimen_type": "Blood"} | fields
        row = LabTest(
            organization_id=self.cast.organization_id,
            code=f"T{next(_codes)}",
            name=name,
            search_words=normalise(name),
            **values,
        )
        db.session.add(row)
        db.session.flush()
        db.session.commit()
        return row.id

    def patient(self) -> UUID:
        patient_id = factories.patient(organization_id=self.cast.organization_id)
        db.session.commit()
        return patient_id

    def order(self, *tests: UUID, **fields: Any) -> OrderCreated:
        """What orders tells when a doctor asks for ``tests``."""
        values: dict[str, Any] = {
            "organization_id": self.cast.organization_id,
            "facility_id": self.facility_id,
            "order_id": new_id(),
            "order_type": "LAB",
            "patient_id": fields.pop("patient_id", None) or self.patient(),
            "clinic_id": self.cast.dental,
            "doctor_id": self.cast.salma,
            "lines": tuple(OrderLine(line_id=new_id(), item_id=test, quantity=Decimal(1)) for test in tests),
        }
        return OrderCreated(**values | fields)

    def undoing(
        self, order: OrderCreated, *, attempt: int = 1, step: str = "RESERVE"
    ) -> CompensationRequested:
        return CompensationRequested(
            organization_id=order.organization_id,
            facility_id=order.facility_id,
            order_id=order.order_id,
            order_type=order.order_type,
            patient_id=order.patient_id,
            step=step,
            attempt=attempt,
        )

    def tell(self, *events: Any) -> None:
        """Tell events, in this order, and let the laboratory hear them."""
        with transaction():
            for event in events:
                bus.publish(event, self.system)
        delivery.drain("lab")

    def answers(self, order: OrderCreated) -> list[tuple[str, dict[str, Any]]]:
        """What the laboratory told of an order, in order: topic and fields."""
        told = (
            select(DomainEvent.event_type, DomainEvent.event_data)
            .where(DomainEvent.aggregate_id == order.order_id, DomainEvent.event_type.like("lab.%"))
            .order_by(DomainEvent.sequence_number)
        )
        return [(topic, fields) for topic, fields in db.session.execute(told)]

    def answered(self, order: OrderCreated) -> list[str]:
        return [topic for topic, _ in self.answers(order)]

    def ask(self, *tests: UUID, **fields: Any) -> OrderCreated:
        """Tell an order and return it."""
        order = self.order(*tests, **fields)
        self.tell(order)
        return order

    def rows(self, order: OrderCreated) -> list[LabOrder]:
        mine = select(LabOrder).where(LabOrder.order_id == order.order_id)
        by_line = {line.line_id: place for place, line in enumerate(order.lines)}
        found = db.session.scalars(mine.execution_options(populate_existing=True))
        return sorted(found, key=lambda row: by_line[row.line_id])

    def times(self, order: OrderCreated) -> list[datetime]:
        """When the order's tests are, in the order of its lines."""
        return [row.scheduled_time for row in self.rows(order)]

    def slots(self, test: UUID) -> dict[datetime, int]:
        """How many places of each time are taken."""
        mine = select(Slot.starts_at, Slot.taken).where(Slot.lab_test_id == test)
        return {starts_at: taken for starts_at, taken in db.session.execute(mine)}
