"""A house in which every part of every page is there: people in lines, at counters, with orders and bills."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from clinic_web.catalog.models import Medication
from clinic_web.kernel import ids, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import emergencies
from clinic_web.reception import api as reception
from clinic_web.reception.service import blocks, station_calling, station_joining, walking_in
from tests import factories
from tests.browser.conftest import PATIENCE, House
from tests.cast import Cast, hire, hire_operator
from tests.orders.room import Room, hear_all


@dataclass
class Filled:
    """What the addresses of pages name."""

    cast: Cast
    patients: list[UUID]
    visit: UUID
    order: UUID
    stock_item: UUID
    bill: UUID
    message: UUID


def fill(house: House) -> Filled:
    """A few people in the line, one of them with the doctor, who ordered something."""
    cast = house.cast
    hire_operator(cast)
    for name, role in (("tarek", "pharmacist"), ("hana", "lab_technician")):
        hire(cast, name, role, cast.organization_id, cast.facility_id)
    room = Room(cast)
    order = order_something(room)
    amina: Actor = cast.people["amina"].actor
    patients = [walk_in(cast, amina, number) for number in range(4)]
    fill_lines(house, amina)
    return Filled(
        cast=cast,
        patients=[*patients, open_in_an_emergency(cast, patients[1])],
        visit=room.visit_id,
        order=order,
        stock_item=one("SELECT id FROM inventory.inventory_items LIMIT 1"),
        bill=one(f"SELECT id FROM billing.invoices WHERE order_id = '{order}'"),  # noqa: S608 - our own id
        message=one("SELECT id FROM notifications.notifications LIMIT 1"),
    )


def one(statement: str) -> UUID:
    found = db.session.scalar(text(statement))
    db.session.rollback()
    return UUID(str(found))


def order_something(room: Room) -> UUID:
    """A prescription that is led to its end, and tests for which this place has no hours."""
    stock(room)
    placed = room.place()
    room.place("LAB")
    until = time.monotonic() + PATIENCE
    while room.status(placed.order_id) != "COMPLETED":
        hear_all()
        db.session.rollback()
        if time.monotonic() > until:
            raise TimeoutError("the order is not complete")
    return placed.order_id


def stock(room: Room) -> None:
    """The first medicine lies on the shelf and has its price."""
    cast = room.cast
    charge = factories.charge(organization_id=cast.organization_id, name="Paracetamol")
    db.session.get_one(Medication, room.paracetamol).charge_item_id = charge
    factories.batch(
        organization_id=cast.organization_id, facility_id=cast.facility_id, medication_id=room.paracetamol
    )
    db.session.commit()


def walk_in(cast: Cast, amina: Actor, number: int) -> UUID:
    patient = factories.patient(organization_id=cast.organization_id, last_name=f"Tahhan {number}")
    factories.db.session.commit()
    wanted = walking_in.WalkIn(
        patient_id=patient,
        service_id=cast.filling,
        doctor_id=None,
        priority="ELDERLY" if number == 3 else None,
        priority_reason="81 years old" if number == 3 else None,
    )
    walking_in.open_walk_in(amina, wanted, key=str(ids.new_id()))
    return patient


def open_in_an_emergency(cast: Cast, patient: UUID) -> UUID:
    """Ziad, who sees nobody here, opens a chart."""
    clinic = factories.clinic(
        organization_id=cast.organization_id, facility_id=cast.facility_id, code="SKIN", name="Skin"
    )
    with transaction():
        ziad = factories.doctor(
            organization_id=cast.organization_id,
            facility_id=cast.facility_id,
            clinics=[clinic],
            first_name="Ziad",
        )
        push.changed(organization.topic(cast.organization_id))
    hire(cast, "ziad", "doctor", cast.organization_id, cast.facility_id, ziad)
    reason = emergencies.Reason("UNABLE", "Brought in unconscious, no papers")
    return emergencies.open_chart(cast.people["ziad"].actor, patient, reason, key=str(ids.new_id()))


def fill_lines(house: House, amina: Actor) -> None:
    """A counter where somebody is served and somebody waits, and numbers on paper."""
    cast = house.cast
    station = reception.ensure_station(
        amina, kind="CASHIER", facility_id=cast.facility_id, prefix="K", name="Cashier", room_id=cast.room
    )
    for _ in range(2):
        station_joining.draw(amina, station, key=str(ids.new_id()))
    station_calling.call_next(cast.people["farida"].actor, station, key=str(ids.new_id()))
    blocks.reserve(amina, cast.dental_queue, 3, "power cut", key=str(ids.new_id()))
