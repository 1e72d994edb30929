"""Reads of the catalogue for screens and for the modules above; one statement each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, union_all

from clinic_web.catalog.models import ChargeItem, LabTest, Medication
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.folding import normalise

MOST = 20
FOR_TRIGRAMS = 3  # letters; with fewer only the beginnings of words are looked at


@dataclass(frozen=True, kw_only=True)
class MedicationCard:
    """A product of the formulary. ``unit`` is what is counted: tablet, ml, vial."""

    id: UUID
    drug_name: str
    drug_name_ar: str | None
    generic_name: str | None
    brand_name: str | None
    strength: str | None
    dosage_form: str | None
    route: str | None
    unit: str
    ndc_code: str | None
    is_controlled_substance: bool
    is_active: bool
    charge_item_id: UUID | None

    @property
    def name(self) -> str:
        """As it stands on labels and lists: name and strength."""
        return " ".join(part for part in (self.drug_name, self.strength) if part)


@dataclass(frozen=True, kw_only=True)
class LabTestCard:
    """A test of the laboratory: slots of ``slot_minutes`` with room for ``capacity`` patients."""

    id: UUID
    code: str
    name: str
    name_ar: str | None
    specimen_type: str | None
    preparation: str | None
    preparation_ar: str | None
    slot_minutes: int
    capacity: int
    is_active: bool
    charge_item_id: UUID | None
    turnaround_minutes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Price:
    """What one unit of a medication or a test costs, and under which code it stands in the charge master."""

    charge_item_id: UUID
    item_code: str
    item_name: str
    item_name_ar: str | None
    item_category: str
    price: Decimal


_MEDICATION = [getattr(Medication, name) for name in MedicationCard.__dataclass_fields__]
_LAB_TEST = [getattr(LabTest, name) for name in LabTestCard.__dataclass_fields__]


def find_medications(actor: Actor, typed: str, *, limit: int = MOST) -> list[MedicationCard]:
    """Return what can be prescribed and matches every typed word, the beginning of a name first."""
    found = _matching(select(*_MEDICATION), Medication, actor, typed, limit)
    return [MedicationCard(**row) for row in db.session.execute(found).mappings()]


def find_lab_tests(actor: Actor, typed: str, *, limit: int = MOST) -> list[LabTestCard]:
    """Return the tests that are offered and match every typed word, the beginning of a name first."""
    found = _matching(select(*_LAB_TEST), LabTest, actor, typed, limit)
    return [LabTestCard(**row) for row in db.session.execute(found).mappings()]


def medications(actor: Actor, ids: Collection[UUID]) -> dict[UUID, MedicationCard]:
    """Return medications by id, also those that are not prescribed any more."""
    rows = _of_ids(select(*_MEDICATION), Medication, actor, ids)
    return {row["id"]: MedicationCard(**row) for row in rows}


def lab_tests(actor: Actor, ids: Collection[UUID]) -> dict[UUID, LabTestCard]:
    """Return tests by id, also those that are not offered any more."""
    return {row["id"]: LabTestCard(**row) for row in _of_ids(select(*_LAB_TEST), LabTest, actor, ids)}


def prices(actor: Actor, item_ids: Collection[UUID]) -> dict[UUID, Price]:
    """Return the prices of medications and tests by their ids; what has none is absent."""
    items = union_all(*(_items(table, actor, item_ids) for table in (Medication, LabTest))).subquery()
    priced = select(items.c.id, ChargeItem).join(items, items.c.charge_item_id == ChargeItem.id)
    return {
        item_id: Price(
            charge_item_id=charge.id,
            item_code=charge.item_code,
            item_name=charge.item_name,
            item_name_ar=charge.item_name_ar,
            item_category=charge.item_category,
            price=charge.price,
        )
        for item_id, charge in db.session.execute(priced.where(ChargeItem.is_active))
    }


def _items(table: Any, actor: Actor, item_ids: Collection[UUID]) -> Select[Any]:
    mine = select(table.id, table.charge_item_id)
    return mine.where(table.organization_id == actor.organization_id, table.id.in_(item_ids))


def _of_ids(query: Select[Any], table: Any, actor: Actor, ids: Collection[UUID]) -> list[dict[str, Any]]:
    wanted = query.where(table.organization_id == actor.organization_id, table.id.in_(ids))
    return [dict(row) for row in db.session.execute(wanted).mappings()] if ids else []


def _matching(query: Select[Any], table: Any, actor: Actor, typed: str, limit: int) -> Select[Any]:
    words = normalise(typed).split()
    found = query.where(
        table.organization_id == actor.organization_id, table.is_active, table.deleted_at.is_(None)
    )
    for word in words:
        is_short = len(word) < FOR_TRIGRAMS
        begins_a_word = (" " + table.search_words).like(f"% {word}%")
        found = found.where(begins_a_word if is_short else table.search_words.like(f"%{word}%"))
    begins = table.search_words.like(f"{' '.join(words)}%")
    return found.order_by(begins.desc(), func.length(table.search_words), table.id).limit(limit)
