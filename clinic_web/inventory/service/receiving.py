"""Deliveries come in: a batch, its movement, and the item itself the first time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from clinic_web.catalog import api as catalog
from clinic_web.inventory.access import item_for, today
from clinic_web.inventory.models import ACTIVE, EXPIRED, RECEIVE, Batch, Item
from clinic_web.inventory.service import shelf
from clinic_web.kernel import idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.folding import normalise
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What came: ``quantity`` in the item's unit, ``unit_cost`` with four decimals in the facility's
    currency."""

    batch_number: str
    expiration_date: date
    quantity: Decimal
    unit_cost: Decimal


def receive(
    actor: Actor, facility_id: UUID, medication_id: UUID, delivery: Delivery, *, key: str | None = None
) -> UUID:
    """Take a delivery into stock; return the batch's id. More of a known batch adds to it.

    ``key`` is the form's; without one the caller answers for its repetitions. Raises RuleBroken (422) for
    what expired before today, for nothing, and for a known batch number with another expiry.
    """
    with transaction():
        asked = {"facility": facility_id, "medication": medication_id, **asdict(delivery)}
        claim = idempotency.claim(actor, "stock.receive", key, asked) if key is not None else None
        if claim and claim.answer is not None:
            return UUID(claim.answer["batch_id"])
        day = today(actor, facility_id)
        _check(delivery, day)
        item = item_for(actor, stock(actor, facility_id, medication_id), lock=True)
        batch, old = _batch(actor, item, delivery, day)
        shelf.move(actor, item, batch, RECEIVE, change=delivery.quantity)
        shelf.note(item, unit_cost=delivery.unit_cost)
        shelf.note_change(actor, "stock.receive", batch, old)
        if claim:
            claim.keep({"batch_id": str(batch.id)})
        return batch.id


def stock(actor: Actor, facility_id: UUID, medication_id: UUID) -> UUID:
    """Keep a medication in a facility's stock; return its item's id, also where it is kept already.
    NotFound (404) for what is not in the formulary."""
    with transaction():
        today(actor, facility_id)  # is it the actor's?
        known = select(Item.id).where(
            Item.organization_id == actor.organization_id,
            Item.facility_id == facility_id,
            Item.medication_id == medication_id,
        )
        found = db.session.scalar(known)
        if found is not None:
            return found
        card = catalog.medications(actor, [medication_id]).get(medication_id)
        if card is None:
            raise NotFound(N_("This medicine is not in the formulary (any more)."))
        made = {
            "id": new_id(),
            "organization_id": actor.organization_id,
            "facility_id": facility_id,
            "medication_id": medication_id,
            "created_by": actor.user_id,
            "quantity_unit": card.unit,
            **copied(card),
        }
        # A colleague may do the same at this instant: one of the two rows stays.
        db.session.execute(insert(Item).values(made).on_conflict_do_nothing())
        return db.session.scalars(known).one()


def copied(card: catalog.MedicationCard) -> dict[str, str | None]:
    """Return what an item keeps of the catalogue's words, to be listed and found by."""
    names = (card.drug_name, card.drug_name_ar, card.generic_name, card.brand_name, card.ndc_code)
    return {
        "item_name": card.name,
        "item_name_ar": card.drug_name_ar,
        "ndc_code": card.ndc_code,
        "search_words": normalise(" ".join(each for each in (card.name, *names[1:]) if each)),
    }


def _check(delivery: Delivery, day: date) -> None:
    if delivery.quantity <= 0:
        raise RuleBroken(N_("Write how much, more than zero."), field="quantity")
    if delivery.unit_cost < 0:
        raise RuleBroken(N_("A cost is zero or more."), field="unit_cost")
    if delivery.expiration_date < day:
        raise RuleBroken(N_("This has expired: send it back."), field="expiration_date")


def _batch(actor: Actor, item: Item, delivery: Delivery, day: date) -> tuple[Batch, dict[str, object]]:
    """Return the batch with the delivery in it, and what the audit keeps of how it was before."""
    batch = db.session.scalar(
        select(Batch).where(
            Batch.inventory_item_id == item.id, Batch.batch_number == delivery.batch_number.strip()
        )
    )
    if batch is None:
        batch = Batch(
            id=new_id(),
            organization_id=item.organization_id,
            facility_id=item.facility_id,
            inventory_item_id=item.id,
            batch_number=delivery.batch_number.strip(),
            expiration_date=delivery.expiration_date,
            quantity_received=delivery.quantity,
            quantity_available=delivery.quantity,
            quantity_reserved=Decimal("0.00"),
            unit_cost=delivery.unit_cost,
            received_date=day,
            received_by=actor.user_id,
            status=ACTIVE,
        )
        db.session.add(batch)
        return batch, {}
    if batch.expiration_date != delivery.expiration_date:
        raise RuleBroken(
            N_("Batch %(batch)s is in stock with another expiry: %(day)s."),
            field="expiration_date",
            batch=batch.batch_number,
            day=batch.expiration_date.isoformat(),
        )
    db.session.refresh(batch)
    if batch.status not in (ACTIVE, EXPIRED):
        raise RuleBroken(
            N_("Batch %(batch)s was set aside. Put it back into use first."),
            field="batch_number",
            batch=batch.batch_number,
        )
    old = shelf.as_audited(batch)
    batch.quantity_received += delivery.quantity
    batch.quantity_available += delivery.quantity
    batch.unit_cost, batch.status = delivery.unit_cost, ACTIVE
    return batch, dict(old)
