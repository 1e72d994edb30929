"""The rows of the catalogue for who keeps it: also those out of use, with what one costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, or_, select
from sqlalchemy.orm import aliased

from clinic_web.catalog.kinds import CHARGES, MEDICATIONS, Kind
from clinic_web.catalog.models import ChargeItem
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.folding import normalise

MOST = 200


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row: ``detail`` is a medicine's strength, a test's or charge's code; ``price`` of one, if known."""

    id: UUID
    name: str
    name_ar: str | None
    detail: str | None
    price: Decimal | None
    is_active: bool


def lines(actor: Actor, kind: Kind, typed: str) -> list[Line]:
    """Return the first rows that match every typed word, by name, in one statement."""
    table, charge = kind.table, aliased(ChargeItem)
    name, name_ar = (getattr(table, column) for column in kind.naming)
    detail = {MEDICATIONS.name: "strength", CHARGES.name: "item_code"}.get(kind.name, "code")
    of_charge: Any = charge.id == (table.id if kind is CHARGES else table.charge_item_id)
    query = (
        select(
            table.id,
            name.label("name"),
            name_ar.label("name_ar"),
            getattr(table, detail).label("detail"),
            func.coalesce(charge.cash_rate, charge.base_price).label("price"),
            table.is_active,
        )
        .outerjoin(charge, of_charge)
        .where(table.organization_id == actor.organization_id)
    )
    if kind is not CHARGES:
        query = query.where(table.deleted_at.is_(None))
    for word in normalise(typed).split():
        query = query.where(_says(kind, word))
    rows = db.session.execute(query.order_by(table.is_active.desc(), name, table.id).limit(MOST))
    return [Line(**row) for row in rows.mappings()]


def _says(kind: Kind, word: str) -> Any:
    if kind is not CHARGES:
        return kind.table.search_words.contains(word, autoescape=True)
    columns = (getattr(ChargeItem, each) for each in kind.found_by)
    return or_(*(func.lower(each).contains(literal(word), autoescape=False) for each in columns))
