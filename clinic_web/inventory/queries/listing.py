"""The list of what is in stock: what its address may ask, and its rows, in one statement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.inventory.access import today
from clinic_web.inventory.live import stock_topic
from clinic_web.kernel import keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.folding import normalise
from clinic_web.kernel.kept import Stand, Standing, View
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Grammar, Sort
from clinic_web.organization import api as organization

OK, LOW, OUT, SHUT = "OK", "LOW", "OUT", "SHUT"
# What the address calls the states; what is out is low, too.
STATES = {"low": (LOW, OUT), "out": (OUT,), "shut": (SHUT,)}
EXPIRES_SOON = timedelta(days=60)
FOR_TRIGRAMS = 3
NO_EXPIRY = "COALESCE(b.next_expiry, DATE '2200-01-01')"

GRAMMAR = Grammar(
    filters={"q": listing.a_text, "state": listing.one_of(STATES), "expiring": listing.one_of(("soon",))},
    sorts={
        "name": Sort(("i.item_name",), (str,)),
        "hand": Sort(("i.quantity_on_hand",), (listing.an_amount,)),
        "free": Sort(("i.quantity_available",), (listing.an_amount,)),
        "expiry": Sort((NO_EXPIRY,), (date.fromisoformat,)),
    },
    order="name",
)
ITEMS = Table(
    columns="""i.id, i.medication_id, i.item_name, i.item_name_ar, i.ndc_code, i.bin_location,
        i.requires_refrigeration, i.quantity_on_hand, i.quantity_reserved, i.quantity_available,
        i.quantity_unit, i.reorder_point, i.reorder_quantity, i.unit_cost, i.is_low, i.is_active,
        i.last_counted_at, i.version, b.next_expiry, b.batches""",
    source="""inventory.inventory_items i
        LEFT JOIN LATERAL (
             SELECT min(b.expiration_date) AS next_expiry, count(*) AS batches
               FROM inventory.inventory_batches b
              WHERE b.inventory_item_id = i.id AND b.quantity_remaining > 0) b ON true""",
    id="i.id",
    state="""CASE WHEN NOT i.is_active THEN 'SHUT' WHEN i.quantity_available <= 0 THEN 'OUT'
                  WHEN i.is_low THEN 'LOW' ELSE 'OK' END""",
    counted="inventory.inventory_items i",
    aside="""(SELECT jsonb_build_object('expiring', count(DISTINCT b.inventory_item_id))
                FROM inventory.inventory_batches b
               WHERE b.facility_id = :facility_id AND b.quantity_remaining > 0
                 AND b.expiration_date <= :soon)""",
)
EXPIRING = """EXISTS (SELECT FROM inventory.inventory_batches e
    WHERE e.inventory_item_id = i.id AND e.quantity_remaining > 0 AND e.expiration_date <= :soon)"""

_stand = Stand(witness=audit.SAW_KNOWN_LIST)


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One item; quantities in its unit. ``days`` until its next batch expires: below zero it has."""

    id: UUID
    medication_id: UUID
    item_name: str
    item_name_ar: str | None
    ndc_code: str | None
    bin_location: str | None
    requires_refrigeration: bool
    quantity_on_hand: Decimal
    quantity_reserved: Decimal
    quantity_available: Decimal
    quantity_unit: str
    reorder_point: Decimal
    reorder_quantity: Decimal
    unit_cost: Decimal
    is_low: bool
    is_active: bool
    last_counted_at: Any
    version: int
    next_expiry: date | None
    batches: int
    days: int | None

    @property
    def state(self) -> str:
        if not self.is_active:
            return SHUT
        return OUT if self.quantity_available <= 0 else LOW if self.is_low else OK

    @property
    def expires_soon(self) -> bool:
        return self.days is not None and self.days <= EXPIRES_SOON.days


COPIED = tuple(name for name in ItemRow.__dataclass_fields__ if name not in ("days", "batches"))


def stand(actor: Actor, view: View | None = None) -> Standing:
    """Return where the stock of the actor's facility stands."""
    house = organization.topic(actor.organization_id)
    standing = _stand([stock_topic(organization.facility(actor).id), house], view)
    if not standing.is_seen:
        organization.stands_at(standing.moved[house])
    return standing


def items_page(actor: Actor, asked: Asked) -> Page[ItemRow]:
    """Return the asked page of the facility's stock; one statement, however many rows."""
    where, day = _asked(actor, asked)
    return keyset.page(ITEMS, where, asked, _maker(day), states=asked.get("state"))


def all_items(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[ItemRow]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces."""
    where, day = _asked(actor, asked)
    if ids:
        where.add("i.id = ANY(:ids)", ids=ids)
    return keyset.chunks(ITEMS, where, asked, _maker(day), states=asked.get("state"))


def _asked(actor: Actor, asked: Asked) -> tuple[Where, date]:
    facility_id = organization.facility(actor).id
    day, where = today(actor, facility_id), Where()
    where.add(
        "i.organization_id = :organization_id AND i.facility_id = :facility_id",
        organization_id=actor.organization_id,
        facility_id=facility_id,
    )
    where.values["soon"] = day + EXPIRES_SOON
    if asked.get("expiring"):
        where.add(EXPIRING)
    for place, word in enumerate(normalise(asked.get("q") or "").split()):
        if len(word) < FOR_TRIGRAMS:
            where.add(f"(' ' || i.search_words) LIKE :word_{place}", **{f"word_{place}": f"% {word}%"})
        else:
            where.add(f"i.search_words LIKE :word_{place}", **{f"word_{place}": f"%{word}%"})
    return where, day


def _maker(day: date) -> Any:
    def make(row: Any) -> ItemRow:
        known = {
            name: getattr(row, name)
            for name in ItemRow.__dataclass_fields__
            if name not in ("days", "batches")
        }
        days = (row.next_expiry - day).days if row.next_expiry else None
        return ItemRow(**known, batches=row.batches or 0, days=days)

    return make
