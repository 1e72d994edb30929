"""The stock as other programs see it: items by name, batches by their last day."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from clinic_web.kernel import keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.keyset import Table, Where
from clinic_web.kernel.listing import Asked, Cursor, Grammar, Sort
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization

ITEMS = Table(
    columns="""i.id, i.version, i.facility_id, i.medication_id, i.item_name AS name,
        i.item_name_ar AS name_ar, i.quantity_unit AS unit, i.quantity_on_hand AS on_hand,
        i.quantity_reserved AS reserved, i.quantity_available AS available, i.reorder_point, i.is_low,
        i.is_active""",
    source="inventory.inventory_items i",
    id="i.id",
    state="i.is_active::text",
)
OF_BATCH = """b.id, b.inventory_item_id AS item_id, i.medication_id, b.batch_number, b.expiration_date,
    b.quantity_available AS available, b.quantity_reserved AS reserved, i.quantity_unit AS unit, b.unit_cost,
    b.received_date, b.status"""
BATCHES = Table(
    columns=OF_BATCH,
    source="inventory.inventory_batches b JOIN inventory.inventory_items i ON i.id = b.inventory_item_id",
    id="b.id",
    state="b.status",
)
ITEMS_ASK = Grammar(
    filters={"medication": UUID, "low": listing.one_of({"True": True, "False": False})},
    sorts={"name": Sort(("i.item_name",), (str,))},
    order="name",
)
BATCHES_ASK = Grammar(
    filters={"item": UUID, "medication": UUID},
    sorts={"expiry": Sort(("b.expiration_date",), (listing.a_day,))},
    order="expiry",
)
ONE_BATCH = Statement(
    f"""SELECT {OF_BATCH} FROM {BATCHES.source}
         WHERE b.id = :id AND b.organization_id = :organization_id
           AND (CAST(:facility_id AS uuid) IS NULL OR b.facility_id = :facility_id)"""  # noqa: S608
)


def plain_items(actor: Actor, asked: Asked, size: int) -> tuple[list[Any], Cursor | None]:
    """Return ``size`` of what the facility keeps, and where the next ones begin."""
    where = _here(actor, "i")
    where.add_given("i.medication_id = :medication", asked, "medication")
    where.add_given("(i.is_low AND i.is_active) = :low", asked, "low")
    return keyset.stretch(ITEMS, where, asked, _as_it_is, size=size)


def plain_batches(actor: Actor, asked: Asked, size: int) -> tuple[list[Any], Cursor | None]:
    """Return ``size`` of the facility's batches of which something is left, and where the next ones begin."""
    where = _here(actor, "b")
    where.add("b.quantity_remaining > 0")
    where.add_given("b.inventory_item_id = :item", asked, "item")
    where.add_given("i.medication_id = :medication", asked, "medication")
    return keyset.stretch(BATCHES, where, asked, _as_it_is, size=size)


def plain_batch(actor: Actor, batch_id: UUID) -> Any:
    """Return a batch as it is now; NotFound (404)."""
    row = ONE_BATCH.first(
        {"id": batch_id, "organization_id": actor.organization_id, "facility_id": actor.facility_id}
    )
    if row is None:
        raise NotFound(N_("This batch is not here (any more)."))
    return row


def _here(actor: Actor, alias: str) -> Where:
    where = Where()
    where.add(
        f"{alias}.organization_id = :organization_id AND {alias}.facility_id = :facility_id",
        organization_id=actor.organization_id,
        facility_id=organization.facility(actor).id,
    )
    return where


def _as_it_is(row: Any) -> Any:
    return row
