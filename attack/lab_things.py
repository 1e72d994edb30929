"""What the laboratory's addresses name, made in a place as its own services make it."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from attack.places import Place
from clinic_web.catalog.models import LabTest
from clinic_web.events.orders import OrderCreated, OrderLine
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.lab.models import LabOrder
from clinic_web.lab.service import holding


def catalogued_test(place: Place) -> UUID:
    row = LabTest(
        id=new_id(), organization_id=place.organization_id, code=f"T{new_id().hex[-8:]}",
        name=f"{place.mark} count", search_words="count",
    )  # fmt: skip
    return place.add(row)


def order_of_tests(place: Place) -> UUID:
    order_id = new_id()
    line = OrderLine(line_id=new_id(), item_id=place.thing("test of the catalogue"), quantity=Decimal(1))
    holding.hold(
        OrderCreated(
            organization_id=place.organization_id, facility_id=place.facility_id, order_id=order_id,
            order_type="LAB", patient_id=place.patient(), clinic_id=place.thing("clinic"),
            doctor_id=place.thing("staff"), lines=(line,),
        )
    )  # fmt: skip
    return order_id


def ordered_test(place: Place) -> UUID:
    found = db.session.scalar(select(LabOrder.id).where(LabOrder.order_id == place.thing("order of tests")))
    assert found is not None
    return found
