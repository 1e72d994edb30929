"""Many patients at once, from another system or for a demo: a few statements however many rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import insert, select

from clinic_web.kernel import folding, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import names
from clinic_web.patients.live import patients_topic
from clinic_web.patients.models import Patient
from clinic_web.patients.numbers import draw, patient_number

CHUNK = 1000
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ImportedPatient:
    """One patient of another system. ``external_id`` is their id there: known ones are skipped.

    ``id`` may be given, so that rows about the patient can be written without looking it up again.
    A telephone that is no number or that somebody else has is left out; the patient is not.
    """

    external_id: str
    first_name: str
    gender: str
    middle_name: str | None = None
    last_name: str | None = None
    date_of_birth: date | None = None
    date_of_birth_estimated: bool = False
    phone: str | None = None
    email: str | None = None
    address_line1: str | None = None
    city: str | None = None
    state: str | None = None
    zip_code: str | None = None
    country: str | None = None
    language_preference: str | None = None
    guardian_external_id: str | None = None
    id: UUID | None = None


def import_patients(actor: Actor, rows: Iterable[ImportedPatient]) -> int:
    """Add the patients whose ``external_id`` is not known yet; return how many were added.

    Runs in one transaction (the caller's, if there is one); again with the same rows it changes nothing.
    No events are published: consumers of an import read the tables.
    """
    with transaction():
        country = organization.facility(actor).phone_country
        return sum(_add(actor, chunk, country) for chunk in _chunks(rows))


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk


def _add(actor: Actor, rows: list[ImportedPatient], country: str) -> int:
    known = _known(actor, rows)
    new = {row.external_id: row for row in rows if row.external_id not in known}
    if not new:
        return 0
    ids = known | {external_id: row.id or new_id() for external_id, row in new.items()}
    phones = _free_phones(actor, list(new.values()), country)
    values = [
        _values(actor, row, ids) | phones.get(row.external_id, {"phone_primary": None, "phone_digits": None})
        for row in new.values()
    ]
    for row, number in zip(values, draw(actor, len(values)), strict=True):
        row["patient_number"] = patient_number(number)
    db.session.execute(insert(Patient), values)
    push.changed(patients_topic(actor.organization_id))
    return len(values)


def _known(actor: Actor, rows: list[ImportedPatient]) -> dict[str, UUID]:
    named = {row.external_id for row in rows} | {row.guardian_external_id for row in rows}
    found = db.session.execute(
        select(Patient.external_id, Patient.id).where(
            Patient.organization_id == actor.organization_id, Patient.external_id.in_(named - {None})
        )
    )
    return {str(external_id): patient_id for external_id, patient_id in found}


def _free_phones(actor: Actor, rows: list[ImportedPatient], country: str) -> dict[str, dict[str, str]]:
    """Return the telephone columns by external id: the first who has a number keeps it."""
    typed = {row.external_id: _phone(row.phone, country) for row in rows}
    wanted = {each.digits for each in typed.values() if each}
    taken = set(
        db.session.scalars(
            select(Patient.phone_digits).where(
                Patient.organization_id == actor.organization_id,
                Patient.phone_digits.in_(wanted),
                Patient.deleted_at.is_(None),
            )
        )
    )
    free: dict[str, dict[str, str]] = {}
    for external_id, phone in typed.items():
        if phone and phone.digits not in taken:
            taken.add(phone.digits)
            free[external_id] = {"phone_primary": phone.shown, "phone_digits": phone.digits}
    return free


def _phone(typed: str | None, country: str) -> names.Phone | None:
    try:
        return names.phone(typed, country)
    except RuleBroken:
        return None


def _values(actor: Actor, row: ImportedPatient, ids: dict[str, UUID]) -> dict[str, Any]:
    copied = asdict(row)
    guardian = copied.pop("guardian_external_id")
    del copied["phone"]
    full_name = names.join(row.first_name, row.middle_name, row.last_name)
    return copied | {
        "id": ids[row.external_id],
        "organization_id": actor.organization_id,
        "search_name": folding.normalise(full_name),
        "guardian_id": ids.get(guardian) if guardian else None,
        "created_by": actor.user_id,
        "updated_by": actor.user_id,
    }


def ids_of_imported(actor: Actor) -> dict[str, UUID]:
    """Return the tenant's patients that came from another system, by their id there."""
    rows = db.session.execute(
        select(Patient.external_id, Patient.id).where(
            Patient.organization_id == actor.organization_id, Patient.external_id.is_not(None)
        )
    )
    return {str(external_id): patient_id for external_id, patient_id in rows}
