"""Adding to the catalogue and changing it, with the prices that go with it.

What was changed by two people at once is refused with both sides. A price change is a row of the audit of its
own, with the old and the new price.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.catalog import ports
from clinic_web.catalog.kinds import MEDICATIONS, PRICES, Kind, Row
from clinic_web.catalog.models import ChargeItem
from clinic_web.catalog.queries import medications
from clinic_web.kernel import clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.folding import normalise
from clinic_web.kernel.ids import code, new_id
from clinic_web.kernel.unit_of_work import constraint_of, transaction

Values = dict[str, Any]

TAKEN = {
    "uq_charge_master_organization_id_item_code": ("item_code", N_("Another charge has this code.")),
    "uq_medications_organization_id_ndc_code": ("ndc_code", N_("Another medicine has this code.")),
    "uq_lab_tests_organization_id_code": ("code", N_("Another test has this code.")),
}
MOVED_ON = N_("Somebody else changed this while you worked.")


def row_for(actor: Actor, kind: Kind, row_id: UUID, *, lock: bool = False) -> Row:
    """Return a row of the catalogue; NotFound (404) if it is not the actor's."""
    found = select(kind.table).where(
        kind.table.id == row_id, kind.table.organization_id == actor.organization_id
    )
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    row: Row | None = db.session.execute(found).scalar()
    if row is None:
        raise NotFound
    return row


def values_of(actor: Actor, kind: Kind, row: Row) -> Values:
    """Return what a row's form shows, by field; the price is that of its charge."""
    charge = _charge_of(actor, row)
    price = charge.price if charge is not None else None
    return {each.name: price if each.name == "price" else getattr(row, each.name) for each in kind.fields}


def add(actor: Actor, kind: Kind, values: Values, *, key: str | None = None) -> UUID:
    """Add a row, and its charge where it has a price; return its id. The same ``key`` again returns the same
    row; without one the caller answers for repetitions. Raises RuleBroken (422) where a code is taken."""
    with transaction():
        claim = idempotency.claim(actor, f"{kind.name}.add", key, values) if key is not None else None
        if claim and claim.answer is not None:
            return UUID(claim.answer["id"])
        own = {name: value for name, value in values.items() if name != "price"}
        row = kind.table(id=new_id(), organization_id=actor.organization_id, created_by=actor.user_id, **own)
        _words(kind, row)
        _price(actor, kind, row, values.get("price"))
        db.session.add(row)
        _flush()
        audit.changed(actor, "catalog.add", kind.thing, row.id, old=None, new=values)
        if claim:
            claim.keep({"id": str(row.id)})
        row_id: UUID = row.id
        return row_id


def change(actor: Actor, kind: Kind, row_id: UUID, values: Values, *, version: int) -> None:
    """Let a row have ``values`` if nobody changed it since ``version``. Raises StaleScreen (409) whose
    ``changes`` map columns to (what was typed, what it is now), RuleBroken (422), NotFound (404)."""
    with transaction():
        row = row_for(actor, kind, row_id, lock=True)
        before = values_of(actor, kind, row)
        differing = {
            name: value for name, value in values.items() if (value or None) != (before[name] or None)
        }
        if not differing:
            return  # nothing to do, as after a second click
        if row.version != version:
            raise StaleScreen(MOVED_ON, {name: (value, before[name]) for name, value in differing.items()})
        _apply(actor, kind, row, differing)
        _witness(actor, kind, row, {name: before[name] for name in differing}, differing)
        if kind is MEDICATIONS:
            card = medications(actor, [row_id])[row_id]
            for listener in ports.listeners:
                listener(actor, card)


def _moved(value: Any, before: Any) -> bool:
    return not (value == before or (value in (None, "") and before in (None, "")))


def _apply(actor: Actor, kind: Kind, row: Row, differing: Values) -> None:
    with db.session.no_autoflush:  # one UPDATE, one step of the version
        for name, value in differing.items():
            if name != "price":
                setattr(row, name, value)
        _words(kind, row)
        if "price" in differing:
            _price(actor, kind, row, differing["price"])
        # Also where only the price changed, which lies on another row: the form is of both.
        row.updated_by, row.updated_at = actor.user_id, clock.now()
    _flush()


def _witness(actor: Actor, kind: Kind, row: Row, old: Values, new: Values) -> None:
    prices = {name for name in new if name == "price" or name in PRICES}
    for names, action in ((prices, "catalog.price"), (new.keys() - prices, "catalog.edit")):
        if names:
            was = {name: old[name] for name in names}
            audit.changed(actor, action, kind.thing, row.id, old=was, new={name: new[name] for name in names})


def _words(kind: Kind, row: Row) -> None:
    if not isinstance(row, ChargeItem):
        parts = (getattr(row, name, None) for name in kind.found_by)
        row.search_words = normalise(" ".join(each for each in parts if each))


def _charge_of(actor: Actor, row: Row) -> ChargeItem | None:
    if isinstance(row, ChargeItem) or row.charge_item_id is None:
        return None
    return db.session.scalar(
        select(ChargeItem).where(
            ChargeItem.id == row.charge_item_id, ChargeItem.organization_id == actor.organization_id
        )
    )


def _price(actor: Actor, kind: Kind, row: Row, price: Decimal | None) -> None:
    """Write what a medicine or a test costs on its charge, which is made with the first price."""
    if isinstance(row, ChargeItem):
        return
    charge = _charge_of(actor, row)
    if charge is None:
        if price is None:
            return
        name, name_ar = (getattr(row, column) for column in kind.naming)
        strength = getattr(row, "strength", None)
        charge = ChargeItem(
            id=new_id(),
            organization_id=actor.organization_id,
            item_code=f"{'RX' if kind is MEDICATIONS else 'LAB'}-{code()}",
            item_name=" ".join(each for each in (name, strength) if each),
            item_name_ar=name_ar,
            item_category=kind.category,
            base_price=price,
            created_by=actor.user_id,
        )
        db.session.add(charge)
        _flush()
        row.charge_item_id = charge.id
    elif price is None:
        row.charge_item_id = None  # it can't be billed any more; the charge stays for old bills
    elif charge.cash_rate is not None:
        charge.cash_rate = price
    else:
        charge.base_price = price


def _flush() -> None:
    """Write; the violation of a unique constraint is a sentence at its field."""
    try:
        db.session.flush()
    except IntegrityError as error:
        name, sentence = TAKEN.get(constraint_of(error) or "", (None, ""))
        if name is None:
            raise
        raise RuleBroken(sentence, field=name) from error
