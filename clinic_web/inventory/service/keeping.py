"""How an item is kept: where, from when on it is low; and the words of the catalogue that it carries."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.catalog.api import MedicationCard
from clinic_web.inventory.access import item_for
from clinic_web.inventory.models import ZERO
from clinic_web.inventory.service import shelf
from clinic_web.inventory.service.receiving import copied
from clinic_web.inventory.service.telling import tell_low, tell_moved
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a person says of an item: quantities in its unit."""

    reorder_point: Decimal = ZERO
    reorder_quantity: Decimal = ZERO
    bin_location: str | None = None
    requires_refrigeration: bool = False
    is_active: bool = True


def keep(actor: Actor, item_id: UUID, kept: Kept, *, version: int | None = None) -> None:
    """Change how an item is kept. ``version``: what the person's screen showed; raises StaleScreen (409) if
    somebody else changed it since, RuleBroken (422) below zero."""
    if kept.reorder_point < 0 or kept.reorder_quantity < 0:
        raise RuleBroken(N_("Write how much, zero or more."), field="reorder_point")
    with transaction():
        item = item_for(actor, item_id, lock=True)
        old, was_low = item.as_audited(), item.is_low
        if old == asdict(kept):
            return
        if version is not None and item.version != version:
            changes = {name: (value, old[name]) for name, value in asdict(kept).items() if value != old[name]}
            raise StaleScreen(N_("Somebody else changed this while you worked."), changes)
        for name, value in asdict(kept).items():
            setattr(item, name, value)
        item.updated_by, item.updated_at = actor.user_id, clock.now()
        db.session.flush()
        audit.changed(actor, "stock.edit", "inventory_item", item.id, old=old, new=item.as_audited())
        db.session.refresh(item, ["is_low"])
        if item.is_low and not was_low:
            tell_low(
                actor,
                item.facility_id,
                item.id,
                available=item.quantity_available,
                reorder_point=item.reorder_point,
            )
        tell_moved(item.facility_id)


def rename(actor: Actor, card: MedicationCard) -> None:
    """Take over what the catalogue says of a medication now, wherever it is kept."""
    shelf.note_words(actor, card.id, copied(card) | {"quantity_unit": card.unit})
