"""Allergies and conditions from another system, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients.models import Allergy, Condition

CHUNK = 1000
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ImportedAllergy:
    """``external_id`` is its id in the other system: known ones are left as they are."""

    external_id: str
    patient_id: UUID
    allergen_type: str
    allergen_name: str
    reaction: str | None = None
    severity: str | None = None
    onset_date: date | None = None
    is_active: bool = True
    code: str | None = None
    code_system: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImportedCondition:
    """The same for what a patient has or had."""

    external_id: str
    patient_id: UUID
    condition_name: str
    diagnosed_date: date | None = None
    resolved_date: date | None = None
    is_active: bool = True
    code: str | None = None
    code_system: str | None = None


def import_allergies(actor: Actor, rows: Iterable[ImportedAllergy]) -> int:
    """Add what is not known yet; return how many were added. Again with the same rows it changes nothing."""
    return _import(actor, Allergy, rows)


def import_conditions(actor: Actor, rows: Iterable[ImportedCondition]) -> int:
    """The same for conditions."""
    return _import(actor, Condition, rows)


def _import(
    actor: Actor,
    table: type[Allergy | Condition],
    rows: Iterable[ImportedAllergy | ImportedCondition],
) -> int:
    added = 0
    for chunk in _chunks(rows):
        values: list[dict[str, Any]] = [
            asdict(row)
            | {
                "id": new_id(),
                "organization_id": actor.organization_id,
                "created_by": actor.user_id,
                "updated_by": actor.user_id,
            }
            for row in chunk
        ]
        with transaction():
            statement = insert(table).values(values)
            unless_known = statement.on_conflict_do_nothing(index_elements=["organization_id", "external_id"])
            added += len(db.session.execute(unless_known.returning(table.id)).all())
    return added


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk
