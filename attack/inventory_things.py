"""What is in the formulary and in stock, made in a place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from attack.places import Place
from clinic_web.catalog import api as catalog
from clinic_web.inventory import api as inventory
from clinic_web.inventory.models import Batch
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import code
from clinic_web.organization import api as organization


def _manager(place: Place) -> Actor:
    return place.as_role("manager")


def medicine(place: Place) -> UUID:
    named = {"drug_name": f"{place.mark} {code()}", "unit": "tablet"}
    return catalog.add(_manager(place), catalog.MEDICATIONS, named)


def batch(place: Place) -> UUID:
    actor = _manager(place)
    delivery = inventory.Delivery(
        batch_number=code(),
        expiration_date=date(2099, 1, 31),
        quantity=Decimal(50),
        unit_cost=Decimal("0.5"),
    )
    return inventory.receive(actor, organization.facility(actor).id, medicine(place), delivery)


def item_in_stock(place: Place) -> UUID:
    found = select(Batch.inventory_item_id).where(Batch.id == place.thing("batch"))
    return db.session.scalars(found).one()


def adjustment(place: Place) -> UUID:
    found = inventory.Correction(change=Decimal(-1), reason="Broken")
    return inventory.adjust(_manager(place), place.thing("batch"), found)
