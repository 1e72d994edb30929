"""Count and correct: what a person found on the shelf, with the reason, and back again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import exists, select

from clinic_web.events.inventory import StockAdjusted
from clinic_web.inventory.access import adjustment_for, batch_for
from clinic_web.inventory.models import (
    ADJUST,
    CORRECTED,
    COUNT,
    COUNTED,
    DAMAGED,
    LOST,
    UNDONE,
    WRITTEN_OFF,
    Adjustment,
    Batch,
    Item,
)
from clinic_web.inventory.service import shelf
from clinic_web.kernel import bus, clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction

BY_HAND = (DAMAGED, LOST, WRITTEN_OFF, CORRECTED)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """``expected`` is what the person's screen or sheet said lies there, ``actual`` what was counted."""

    expected: Decimal
    actual: Decimal
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Correction:
    """``change`` is by how much more (or, negative, less) there is; ``kind`` is one of ``BY_HAND``."""

    change: Decimal
    reason: str
    kind: str = CORRECTED


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A difference as it is written down: its kind, by how much, why, and what it takes back."""

    kind: str
    change: Decimal
    reason: str
    undoes_id: UUID | None = None


def count(actor: Actor, batch_id: UUID, counted: Counted, *, key: str | None = None) -> UUID:
    """Write down a count of what lies there of a batch, promised or not; return the adjustment's id.

    Raises StaleScreen (409) when the shelf moved since the screen was drawn, RuleBroken (422) when a
    difference has no reason, or when less was counted than is promised.
    """
    with transaction():
        asked = {"batch": batch_id, **asdict(counted)}
        claim = idempotency.claim(actor, "stock.count", key, asked) if key is not None else None
        if claim and claim.answer is not None:
            return UUID(claim.answer["adjustment_id"])
        item, batch = batch_for(actor, batch_id)
        lying = batch.quantity_available + batch.quantity_reserved
        if counted.expected != lying:
            raise StaleScreen(
                N_("The stock of this batch moved while you counted. Please look again."),
                changes={N_("On the shelf"): (counted.expected, lying)},
            )
        change = counted.actual - lying
        if change and not counted.reason.strip():
            raise RuleBroken(N_("Give a reason."), field="reason")
        reason = counted.reason.strip() or N_("Counted")
        made = _correct(actor, item, batch, _Found(kind=COUNTED, change=change, reason=reason))
        if claim:
            claim.keep({"adjustment_id": str(made)})
        return made


def adjust(actor: Actor, batch_id: UUID, correction: Correction, *, key: str | None = None) -> UUID:
    """Correct what is free of a batch; return the adjustment's id. Raises RuleBroken (422) without a reason,
    for no change, and for taking more than is free."""
    with transaction():
        asked = {"batch": batch_id, **asdict(correction)}
        claim = idempotency.claim(actor, "stock.adjust", key, asked) if key is not None else None
        if claim and claim.answer is not None:
            return UUID(claim.answer["adjustment_id"])
        if not correction.reason.strip():
            raise RuleBroken(N_("Give a reason."), field="reason")
        if not correction.change or correction.kind not in BY_HAND:
            raise RuleBroken(N_("Write by how much, such as 5 or -5."), field="change")
        item, batch = batch_for(actor, batch_id)
        found = _Found(kind=correction.kind, change=correction.change, reason=correction.reason.strip())
        made = _correct(actor, item, batch, found)
        if claim:
            claim.keep({"adjustment_id": str(made)})
        return made


def undo(actor: Actor, adjustment_id: UUID) -> UUID:
    """Take a count's or a correction's difference back; return the new adjustment's id. Raises StaleScreen
    (409) when that was done already, or when what was found then has gone out since."""
    with transaction():
        first = adjustment_for(actor, adjustment_id)
        item, batch = batch_for(actor, first.batch_id)
        if first.undoes_id or db.session.scalar(
            select(exists().where(Adjustment.undoes_id == adjustment_id))
        ):
            raise StaleScreen(N_("This was undone already."))
        change = -first.quantity_difference
        if batch.quantity_available + change < 0:
            raise StaleScreen(N_("What was found then has gone out since, so this can't be undone any more."))
        found = _Found(kind=UNDONE, change=change, reason=first.reason, undoes_id=first.id)
        return _correct(actor, item, batch, found)


def _correct(actor: Actor, item: Item, batch: Batch, found: _Found) -> UUID:
    if batch.quantity_available + found.change < 0:
        raise RuleBroken(
            N_("Only %(free)s of this batch is free; the rest is promised to patients."),
            field="change" if found.kind in BY_HAND else "actual",
            free=batch.quantity_available,
        )
    old, now = shelf.as_audited(batch), clock.now()
    lying = batch.quantity_available + batch.quantity_reserved
    made = Adjustment(
        id=new_id(),
        organization_id=item.organization_id,
        facility_id=item.facility_id,
        inventory_item_id=item.id,
        batch_id=batch.id,
        adjustment_type=found.kind,
        quantity_expected=lying,
        quantity_actual=lying + found.change,
        reason=found.reason,
        undoes_id=found.undoes_id,
        adjustment_date=now,
        performed_by=actor.user_id,
    )
    db.session.add(made)
    batch.quantity_adjusted += found.change
    batch.quantity_available += found.change
    movement = COUNT if found.kind == COUNTED else ADJUST
    if movement == COUNT:
        shelf.note(item, last_counted_at=now)
    why = shelf.Why(reference_type="stock_adjustment", reference_id=made.id, reason=found.reason)
    shelf.move(actor, item, batch, movement, change=found.change, why=why)
    shelf.note_change(actor, f"stock.{movement.lower()}", batch, old, reason=found.reason)
    if found.change:
        _tell(actor, item, made)
    return made.id


def _tell(actor: Actor, item: Item, made: Adjustment) -> None:
    told = StockAdjusted(
        organization_id=item.organization_id,
        facility_id=item.facility_id,
        item_id=item.id,
        batch_id=made.batch_id,
        adjustment_id=made.id,
        quantity_change=made.quantity_actual - made.quantity_expected,
    )
    bus.publish(told, actor)
