"""Reads of patients for screens and for other modules: cards, the form's values, who else it may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, select, true
from sqlalchemy.orm import aliased
from sqlalchemy.sql import ColumnElement

from clinic_web.kernel import clock, folding
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization
from clinic_web.patients import born, links, names, shown
from clinic_web.patients.models import Patient

OWN, SHARED, GUARDIAN = "OWN", "SHARED", "GUARDIAN"
VERY_SIMILAR = 0.5  # of trigrams: Maryam Tahhan and Mariam Tahan are, Maryam Tahhan and Maryam Farag are not
ALMOST_SAME = 0.85  # asked where an age is unknown
# From which likeness on the operator % finds anything, in this transaction.
ONLY_SIMILAR = select(func.set_config("pg_trgm.similarity_threshold", bindparam("likeness"), True))
UNKNOWN_PATIENT = N_("This patient is unknown here.")


@dataclass(frozen=True, kw_only=True)
class PatientCard:
    """What one needs to know a patient by. ``age`` is in whole years on the facility's day.

    ``phone`` is written as people here do; ``phone_digits`` with its country code, for machines. Where the
    number is another patient's, ``phone_from`` says so: ``SHARED`` or ``GUARDIAN`` (else ``OWN``).

    Who was merged into somebody is shown as that one: ``id`` is then not the one that was asked for, and
    ``found_as`` is the name on the merged record. ``has_others``: there are such records (``ids_of_card``).
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
    found_as: str | None = None
    has_others: bool = False


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
    shown.TAKEN,
    shown.MERGED_INTO,
    shown.HAS_OTHERS,
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


def to_card(row: Any, today: date) -> PatientCard:
    """Return one record as it is shown, its merged records laid over it. ``row`` has the columns by name."""
    values = row._mapping if isinstance(row, Row) else row._asdict()
    if values.get("taken"):
        values = shown.laid_over(values, values["taken"])
    phone, digits, phone_from = _phone_of(values)
    birth: date | None = values["date_of_birth"]
    return PatientCard(
        id=values["id"],
        patient_number=values["patient_number"],
        name=name_in(values),
        gender=values["gender"],
        age=born.age_on(birth, today) if birth else None,
        date_of_birth=birth,
        date_of_birth_estimated=values["date_of_birth_estimated"],
        phone=phone,
        language=values["language_preference"],
        guardian_id=values["guardian_id"],
        phone_digits=digits,
        phone_from=phone_from,
        version=values["version"],
        has_others=bool(values.get("has_others")),
    )


def ids_of_card(card: PatientCard) -> list[UUID]:
    """Return all ids of a patient as ``links.ids_of`` does, without asking where there is only one."""
    return links.ids_of(card.id) if card.has_others else [card.id]


def by_every_id(cards: Iterable[PatientCard]) -> dict[UUID, PatientCard]:
    """Return the cards by all ids under which rows of these patients were written: one statement where some
    of them have others, else none."""
    found = {card.id: card for card in cards}
    with_others = [card.id for card in found.values() if card.has_others]
    merged = links.all_below(with_others) if with_others else {}
    return found | {each: found[top] for each, top in merged.items()}


def name_in(values: Mapping[Any, Any]) -> str:
    return names.join(values["first_name"], values["middle_name"], values["last_name"])


def _phone_of(values: Mapping[Any, Any]) -> tuple[str | None, str | None, str]:
    if values["phone_primary"]:
        return values["phone_primary"], values["phone_digits"], OWN
    if values["shared_phone"]:
        return values["shared_phone"], values["shared_digits"], SHARED
    if values["guardian_phone"]:
        return values["guardian_phone"], values["guardian_digits"], GUARDIAN
    return None, None, OWN


def as_shown(actor: Actor, rows: Iterable[Row[Any]]) -> dict[UUID, PatientCard]:
    """Return the rows' cards by the rows' ids, in their order; the merged as who they were merged into."""
    today, rows = today_of(actor), list(rows)
    found = {row.id: to_card(row, today) for row in rows}
    merged = [row for row in rows if row.merged_into]
    if merged:
        found |= _survivors(actor, merged, today)
    return found


def _survivors(actor: Actor, merged: list[Row[Any]], today: date) -> dict[UUID, PatientCard]:
    survivor_of = links.survivors_of(row.id for row in merged)
    rows = db.session.execute(
        select_cards().where(
            Patient.organization_id == actor.organization_id, Patient.id.in_(set(survivor_of.values()))
        )
    )
    survivors = {row.id: to_card(row, today) for row in rows}
    return {row.id: replace(survivors[survivor_of[row.id]], found_as=name_in(row._mapping)) for row in merged}


def once_each(found: Iterable[PatientCard]) -> list[PatientCard]:
    """Return each patient once, where they stand first: one person may be found under two names."""
    first: dict[UUID, PatientCard] = {}
    for each in found:
        first.setdefault(each.id, each)
    return list(first.values())


def cards(actor: Actor, ids: Iterable[UUID]) -> dict[UUID, PatientCard]:
    """Return the cards of ``ids`` by id, one statement; unknown ids are left out.

    A patient who was taken off the books is still here: past visits go on naming them.
    """
    wanted = set(ids)
    if not wanted:
        return {}
    rows = db.session.execute(
        select_cards().where(Patient.organization_id == actor.organization_id, Patient.id.in_(wanted))
    )
    return as_shown(actor, rows)


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
    return as_shown(actor, [row])[row.id]


KNOWN = Statement(
    """
    SELECT EXISTS (SELECT 1 FROM patients.patient_links l
                    WHERE l.merged_id = p.id AND l.closed_at IS NULL) AS is_merged
      FROM patients.patients p
     WHERE p.organization_id = :organization_id AND p.id = :patient_id AND p.deleted_at IS NULL
    """
)


def require(actor: Actor, patient_id: UUID) -> UUID:
    """Return the id that new rows about the patient take: theirs, or that of who they were merged into.

    Who then writes rows uses ``holding.hold``. Raises NotFound (404) unless the patient is on the books of
    the actor's organization.
    """
    known = KNOWN.first({"organization_id": actor.organization_id, "patient_id": patient_id})
    if known is None:
        raise NotFound(UNKNOWN_PATIENT)
    return links.group_of(patient_id).survivor if known.is_merged else patient_id


@dataclass(frozen=True)
class Holder:
    """Who has a telephone, as shown, and the record on which it is written."""

    card: PatientCard
    record_id: UUID


def holder_of(actor: Actor, phone_digits: str) -> Holder | None:
    """Return who has this telephone number, if anybody in the organization does."""
    row = db.session.execute(
        select_cards().where(
            Patient.organization_id == actor.organization_id,
            Patient.phone_digits == phone_digits,
            Patient.deleted_at.is_(None),
        )
    ).one_or_none()
    return Holder(as_shown(actor, [row])[row.id], row.id) if row else None


def likely_same(actor: Actor, name: str, date_of_birth: date | None, *, limit: int = 3) -> list[PatientCard]:
    """Return patients with a very similar name and an age within a year, the likeliest first.

    Where either age is unknown, the name must be almost the same.
    """
    folded, today = folding.normalise(name), today_of(actor)
    likeness = func.similarity(Patient.search_name, folded)
    found: list[Row[Any]] = []
    for from_likeness, is_as_old in _ways_to_be_alike(date_of_birth, today):
        db.session.execute(ONLY_SIMILAR, {"likeness": str(from_likeness)})
        found += db.session.execute(
            select_cards()
            .add_columns(likeness.label("likeness"))
            .where(
                Patient.organization_id == actor.organization_id,
                Patient.deleted_at.is_(None),
                Patient.search_name.op("%")(folded),  # the operator that the index answers
                is_as_old,
            )
            .order_by(likeness.desc(), Patient.id)
            .limit(limit)
        )
    best = sorted(found, key=lambda row: -row.likeness)
    return once_each(as_shown(actor, best).values())[:limit]


def _ways_to_be_alike(date_of_birth: date | None, today: date) -> Iterator[tuple[float, ColumnElement[bool]]]:
    """Each way by a statement of its own: one for both would compare every similar name of any age."""
    if date_of_birth is None:
        yield ALMOST_SAME, true()
        return
    age = born.age_on(date_of_birth, today)
    youngest, oldest = born.years_before(today, max(0, age - 1)), born.years_before(today, age + 2)
    yield VERY_SIMILAR, Patient.date_of_birth.between(oldest + timedelta(days=1), youngest)
    yield ALMOST_SAME, Patient.date_of_birth.is_(None)
