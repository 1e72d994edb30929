"""The list of patients: what its address may ask, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.kernel import keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Stand, Standing, View
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Grammar, Sort
from clinic_web.organization import api as organization
from clinic_web.patients import finding, names, shown
from clinic_web.patients.live import patients_topic
from clinic_web.patients.models import GENDERS
from clinic_web.patients.queries import PatientCard, to_card, today_of

SEXES = {gender.lower(): gender for gender in GENDERS}
NO_BIRTH = "COALESCE(p.date_of_birth, DATE '0001-01-01')"

GRAMMAR = Grammar(
    filters={"q": listing.a_text, "sex": listing.one_of(SEXES), "language": listing.one_of(("en", "ar"))},
    sorts={
        "name": Sort(("p.search_name",), (str,)),
        "number": Sort(("p.patient_number",), (str,)),
        "born": Sort((NO_BIRTH,), (date.fromisoformat,)),
        "registered": Sort(("p.created_at",), (listing.a_moment,)),
    },
    order="name",
)
PATIENTS = Table(
    columns=f"""p.id, p.patient_number, p.first_name, p.middle_name, p.last_name, p.gender, p.date_of_birth,
        p.date_of_birth_estimated, p.language_preference, p.guardian_id, p.version, p.phone_primary,
        p.phone_digits, s.phone_primary AS shared_phone, s.phone_digits AS shared_digits,
        g.phone_primary AS guardian_phone, g.phone_digits AS guardian_digits, p.created_at,
        {shown.taken_of("p")} AS taken""",
    source="""patients.patients p
        LEFT JOIN patients.patients s ON s.id = p.phone_of_id
        LEFT JOIN patients.patients g ON g.id = p.guardian_id""",
    id="p.id",
    state="p.gender",
)
OF_PHONE = """
    p.id IN (WITH reached AS (
                  SELECT r.id FROM patients.patients r
                   WHERE r.organization_id = :organization_id AND r.deleted_at IS NULL AND ({ways}))
             SELECT id FROM reached
              UNION SELECT d.id FROM patients.patients d JOIN reached ON d.guardian_id = reached.id
              UNION SELECT d.id FROM patients.patients d JOIN reached ON d.phone_of_id = reached.id)
"""

_stand = Stand(witness=audit.SAW_KNOWN_LIST)


@dataclass(frozen=True, kw_only=True)
class PatientRow:
    """One patient in the list."""

    card: PatientCard
    registered_at: datetime


def stand(actor: Actor, view: View | None = None) -> Standing:
    house = organization.topic(actor.organization_id)
    standing = _stand([patients_topic(actor.organization_id), house], view)
    if not standing.is_seen:
        organization.stands_at(standing.moved[house])
    return standing


def patients_page(actor: Actor, asked: Asked) -> Page[PatientRow]:
    """Return the asked page of the organization's patients; one statement."""
    return keyset.page(PATIENTS, _where(actor, asked), asked, _maker(actor), states=_sex(asked))


def all_patients(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[PatientRow]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces."""
    where = _where(actor, asked)
    if ids:
        where.add("p.id = ANY(:ids)", ids=ids)
    return keyset.chunks(PATIENTS, where, asked, _maker(actor), states=_sex(asked))


def _sex(asked: Asked) -> tuple[str, ...] | None:
    return (asked.get("sex"),) if asked.get("sex") else None


def _maker(actor: Actor) -> Any:
    today = today_of(actor)
    return lambda row: PatientRow(card=to_card(row, today), registered_at=row.created_at)


LONG_ENOUGH = 3  # letters from which a trigram index helps


def _where(actor: Actor, asked: Asked) -> Where:
    where = Where()
    where.add(
        "p.organization_id = :organization_id AND p.deleted_at IS NULL", organization_id=actor.organization_id
    )
    where.add(f"NOT {shown.is_merged('p')}")
    where.add_given("p.language_preference = :language", asked, "language")
    if asked.get("q"):
        _search(where, finding.understand(asked.get("q")), organization.facility(actor).phone_country)
    return where


def _search(where: Where, question: finding.Question, country: str) -> None:
    """The words of a name, in any order, or the digits of a number or a telephone."""
    if question.is_empty:
        where.add("false")
    for place, word in enumerate(question.words):
        name = f"word_{place}"
        if len(word) >= LONG_ENOUGH:
            where.add(f"p.search_name LIKE :{name}", **{name: f"%{word}%"})
        else:
            begins = {name: f"{word}%", f"{name}_within": f"% {word}%"}
            where.add(f"(p.search_name LIKE :{name} OR p.search_name LIKE :{name}_within)", **begins)
    if not question.words and not question.is_empty:
        _search_digits(where, question, country)


def _search_digits(where: Where, question: finding.Question, country: str) -> None:
    ways, values = ["r.patient_number = :number"], {"number": question.patient_number or ""}
    if len(question.digits) >= finding.SHORTEST_PHONE:
        for place, each in enumerate(names.phone_beginnings(question.digits, country)):
            ways.append(f"r.phone_digits LIKE :begins_{place}")
            values[f"begins_{place}"] = f"{each}%"
        ways.append("reverse(r.phone_digits) LIKE :ends")
        values["ends"] = f"{question.digits[::-1]}%"
    where.add(OF_PHONE.format(ways=" OR ".join(ways)), **values)
