"""Reads of patients for screens and for other modules: cards, the form's values, who else it may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql import ColumnElement

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization
from clinic_web.patients import born, names
from clinic_web.patients.models import Patient

OWN, SHARED, GUARDIAN = "OWN", "SHARED", "GUARDIAN"
VERY_SIMILAR = 0.5  # of trigrams: Maryam Tahhan and Mariam Tahan are, Maryam Tahhan and Maryam Farag are not
ALMOST_SAME = 0.85  # asked where an age is unknown
# From which likeness on the operator % finds anything, in this transaction.
ONLY_SIMILAR = select(func.set_config("pg_trgm.similarity_threshold", str(VERY_SIMILAR), True))
UNKNOWN_PATIENT = N_("This patient is unknown here.")


@dataclass(frozen=True, kw_only=True)
class PatientCard:
    """What one needs to know a patient by. ``age`` is in whole years on the facility's day.

    ``phone`` is written as people here do; ``phone_digits`` with its country code, for machines. Where the
    number is another patient's, ``phone_from`` says so: ``SHARED`` or ``GUARDIAN`` (else ``OWN``).
    """

    id: UUID
    patient_number: str
    name: str
    gender: str
    age: int | None
    date_of_birth: date | None
    date_of_birth_estimated: bool
    phone: str | None
    language: str | None
    guardian_id: UUID | None
    phone_digits: str | None = None
    phone_from: str = OWN
    version: int = 1


Cards = Select[*tuple[Any, ...]]

Guardian, Sharer = aliased(Patient), aliased(Patient)

CARD = (
    Patient.id,
    Patient.patient_number,
    Patient.first_name,
    Patient.middle_name,
    Patient.last_name,
    Patient.gender,
    Patient.date_of_birth,
    Patient.date_of_birth_estimated,
    Patient.language_preference,
    Patient.guardian_id,
    Patient.version,
    Patient.phone_primary,
    Patient.phone_digits,
    Sharer.phone_primary.label("shared_phone"),
    Sharer.phone_digits.label("shared_digits"),
    Guardian.phone_primary.label("guardian_phone"),
    Guardian.phone_digits.label("guardian_digits"),
)


def select_cards() -> Cards:
    """Return the statement that all cards are read by: the patient and whose telephone stands in."""
    return (
        select(*CARD)
        .select_from(Patient)
        .outerjoin(Sharer, Sharer.id == Patient.phone_of_id)
        .outerjoin(Guardian, Guardian.id == Patient.guardian_id)
    )


def today_of(actor: Actor) -> date:
    """Return the local day where the actor works."""
    return clock.today(organization.facility(actor).timezone)


def to_card(row: Row[Any], today: date) -> PatientCard:
    phone, digits, phone_from = _phone_of(row)
    return PatientCard(
        id=row.id,
        patient_number=row.patient_number,
        name=names.join(row.first_name, row.middle_name, row.last_name),
        gender=row.gender,
        age=born.age_on(row.date_of_birth, today) if row.date_of_birth else None,
        date_of_birth=row.date_of_birth,
        date_of_birth_estimated=row.date_of_birth_estimated,
        phone=phone,
        language=row.language_preference,
        guardian_id=row.guardian_id,
        phone_digits=digits,
        phone_from=phone_from,
        version=row.version,
    )


def _phone_of(row: Row[Any]) -> tuple[str | None, str | None, str]:
    if row.phone_primary:
        return row.phone_primary, row.phone_digits, OWN
    if row.shared_phone:
        return row.shared_phone, row.shared_digits, SHARED
    if row.guardian_phone:
        return row.guardian_phone, row.guardian_digits, GUARDIAN
    return None, None, OWN


def cards(actor: Actor, ids: Iterable[UUID]) -> dict[UUID, PatientCard]:
    """Return the cards of ``ids`` by id, one statement; unknown ids are left out.

    A patient who was taken off the books is still here: past visits go on naming them.
    """
    wanted = set(ids)
    if not wanted:
        return {}
    today = today_of(actor)
    rows = db.session.execute(
        select_cards().where(Patient.organization_id == actor.organization_id, Patient.id.in_(wanted))
    )
    return {row.id: to_card(row, today) for row in rows}


def card(actor: Actor, patient_id: UUID) -> PatientCard:
    """Return one card; raise NotFound (404) when there is no such patient in the actor's organization."""
    row = db.session.execute(
        select_cards().where(
            Patient.organization_id == actor.organization_id,
            Patient.id == patient_id,
            Patient.deleted_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotFound(UNKNOWN_PATIENT)
    return to_card(row, today_of(actor))


# What ``require`` asks, also as a condition inside a statement of the hot path.
_KNOWN = """
    SELECT 1 FROM patients.patients
     WHERE organization_id = :organization_id AND id = :patient_id AND deleted_at IS NULL
"""
KNOWN = Statement(_KNOWN)
IS_KNOWN = f"EXISTS ({_KNOWN})"


def require(actor: Actor, patient_id: UUID) -> None:
    """Raise NotFound (404) unless the patient is on the books of the actor's organization."""
    if KNOWN.first({"organization_id": actor.organization_id, "patient_id": patient_id}) is None:
        raise NotFound(UNKNOWN_PATIENT)


def holder_of(actor: Actor, phone_digits: str) -> PatientCard | None:
    """Return who has this telephone number, if anybody in the organization does."""
    row = db.session.execute(
        select_cards().where(
            Patient.organization_id == actor.organization_id,
            Patient.phone_digits == phone_digits,
            Patient.deleted_at.is_(None),
        )
    ).one_or_none()
    return to_card(row, today_of(actor)) if row else None


def likely_same(actor: Actor, name: str, date_of_birth: date | None, *, limit: int = 3) -> list[PatientCard]:
    """Return patients with a very similar name and an age within a year, the likeliest first.

    Where either age is unknown, the name must be almost the same.
    """
    folded, today = names.normalise(name), today_of(actor)
    likeness = func.similarity(Patient.search_name, folded)
    db.session.execute(ONLY_SIMILAR)
    rows = db.session.execute(
        select_cards()
        .where(
            Patient.organization_id == actor.organization_id,
            Patient.deleted_at.is_(None),
            Patient.search_name.op("%")(folded),  # the operator that the index answers
            _is_alike(likeness, date_of_birth, today),
        )
        .order_by(likeness.desc(), Patient.id)
        .limit(limit)
    )
    return [to_card(row, today) for row in rows]


def _is_alike(likeness: ColumnElement[float], date_of_birth: date | None, today: date) -> ColumnElement[bool]:
    if date_of_birth is None:
        return likeness >= ALMOST_SAME
    age = born.age_on(date_of_birth, today)
    is_about_as_old = Patient.date_of_birth.between(
        born.years_before(today, age + 2) + timedelta(days=1), born.years_before(today, max(0, age - 1))
    )
    return or_(
        and_(likeness >= VERY_SIMILAR, is_about_as_old),
        and_(likeness >= ALMOST_SAME, Patient.date_of_birth.is_(None)),
    )
