"""The list of patients: what its address may ask, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.identity import api as identity
from clinic_web.kernel import folding, keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Stand, Standing, View
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Grammar, Sort
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization
from clinic_web.patients import finding, links, names, shown
from clinic_web.patients.live import patients_topic
from clinic_web.patients.models import GENDERS
from clinic_web.patients.queries import PatientCard, to_card, today_of

SEXES = {gender.lower(): gender for gender in GENDERS}
NO_BIRTH = "COALESCE(p.date_of_birth, DATE '0001-01-01')"
# As its index has it, whose expression has no statistics on purpose: an import registers thousands in one
# moment, and a planner that knew would think that hardly any row comes after one of those.
REGISTERED = "COALESCE(p.created_at, TIMESTAMPTZ '-infinity')"

GRAMMAR = Grammar(
    filters={"q": listing.a_text, "sex": listing.one_of(SEXES), "language": listing.one_of(("en", "ar"))},
    sorts={
        "name": Sort(("p.search_name",), (str,)),
        "number": Sort(("p.patient_number",), (str,)),
        "born": Sort((NO_BIRTH,), (date.fromisoformat,)),
        "registered": Sort((REGISTERED,), (listing.a_moment,)),
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
# No more are looked up than are counted: digits that begin half the numbers of a town find "10,000+".
OF_PHONE = """
    p.id IN (WITH reached AS (
                  SELECT r.id FROM patients.patients r
                   WHERE r.organization_id = :organization_id AND r.deleted_at IS NULL AND ({ways})
                   LIMIT {most})
             SELECT id FROM reached
              UNION SELECT d.id FROM patients.patients d JOIN reached ON d.guardian_id = reached.id
              UNION SELECT d.id FROM patients.patients d JOIN reached ON d.phone_of_id = reached.id
              UNION SELECT unnest(CAST(:former AS uuid[])))
"""
# The records that were merged into another one and say what was typed.
FORMER = """
    SELECT r.id, r.first_name, r.middle_name, r.last_name, r.patient_number, r.phone_primary, r.phone_digits
      FROM patients.patient_links l JOIN patients.patients r ON r.id = l.merged_id
     WHERE l.closed_at IS NULL AND r.organization_id = :organization_id AND r.deleted_at IS NULL
       AND ({ways}) LIMIT {most}
"""

_stand = Stand(witness=audit.SAW_KNOWN_LIST, proof=identity.IS_WHO_ASKS)


@dataclass(frozen=True, kw_only=True)
class PatientRow:
    """One patient in the list. ``was`` is the name, number or telephone of a merged record by which they were
    found, where what is shown of them would not say why."""

    card: PatientCard
    registered_at: datetime
    was: str | None = None


@dataclass(frozen=True)
class Asking:
    """What somebody looks for: the conditions of the statement, and who is found by a merged record."""

    where: Where
    question: finding.Question
    former: dict[UUID, Any]

    def was(self, card: PatientCard) -> str | None:
        record = self.former.get(card.id)
        if record is None:
            return None
        if self.question.words:
            shown_name = folding.normalise(card.name)
            is_said = all(word in shown_name for word in self.question.words)
            return None if is_said else names.join(record.first_name, record.middle_name, record.last_name)
        if record.patient_number == self.question.patient_number:
            return str(record.patient_number)
        return None if record.phone_digits == card.phone_digits else record.phone_primary


def stand(actor: Actor, view: View | None = None) -> Standing:
    house = organization.topic(actor.organization_id)
    standing = _stand([patients_topic(actor.organization_id), house], view)
    if not standing.is_seen:
        organization.stands_at(standing.moved[house])
    return standing


def patients_page(actor: Actor, asked: Asked) -> Page[PatientRow]:
    """Return the asked page of the organization's patients; one statement, and two more where words or digits
    find merged records."""
    asking = _asking(actor, asked)
    return keyset.page(PATIENTS, asking.where, asked, _maker(actor, asking), states=_sex(asked))


def all_patients(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[PatientRow]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces."""
    asking = _asking(actor, asked)
    if ids:
        asking.where.add("p.id = ANY(:ids)", ids=ids)
    return keyset.chunks(PATIENTS, asking.where, asked, _maker(actor, asking), states=_sex(asked))


def _sex(asked: Asked) -> tuple[str, ...] | None:
    return (asked.get("sex"),) if asked.get("sex") else None


def _maker(actor: Actor, asking: Asking) -> Any:
    today = today_of(actor)

    def make(row: Any) -> PatientRow:
        card = to_card(row, today)
        return PatientRow(card=card, registered_at=row.created_at, was=asking.was(card))

    return make


LONG_ENOUGH = 3  # letters from which a trigram index helps
MOST_FOUND = keyset.MOST_COUNTED + 1


def _asking(actor: Actor, asked: Asked) -> Asking:
    where = Where()
    where.add(
        "p.organization_id = :organization_id AND p.deleted_at IS NULL", organization_id=actor.organization_id
    )
    where.add(f"NOT {shown.is_merged('p')}")
    where.add_given("p.language_preference = :language", asked, "language")
    question = finding.understand(asked.get("q") or "")
    if not asked.get("q"):
        return Asking(where, question, {})
    if question.is_empty:
        where.add("false")
        return Asking(where, question, {})
    search = _words if question.words else _digits
    return Asking(where, question, search(where, question, organization.facility(actor).phone_country))


def _words(where: Where, question: finding.Question, country: str) -> dict[UUID, Any]:
    """The words of a name, in any order."""
    values: dict[str, str] = {}
    for place, word in enumerate(question.words):
        name = f"word_{place}"
        is_long = len(word) >= LONG_ENOUGH
        values |= {name: f"%{word}%"} if is_long else {name: f"{word}%", f"{name}_within": f"% {word}%"}
    says = [_says(place, len(word) >= LONG_ENOUGH) for place, word in enumerate(question.words)]
    former = _former(where, " AND ".join(says).format(record="r"), values)
    own = " AND ".join(says).format(record="p")
    where.add(f"({own} OR p.id = ANY(:former))" if former else own, **values)
    where.values["former"] = list(former)
    return former


def _says(place: int, is_long: bool) -> str:
    name = f"{{record}}.search_name LIKE :word_{place}"
    return name if is_long else f"({name} OR {name}_within)"


def _digits(where: Where, question: finding.Question, country: str) -> dict[UUID, Any]:
    """The digits of a number or a telephone."""
    ways, values = ["r.patient_number = :number"], {"number": question.patient_number or ""}
    if len(question.digits) >= finding.SHORTEST_PHONE:
        for place, each in enumerate(names.phone_beginnings(question.digits, country)):
            ways.append(f"r.phone_digits LIKE :begins_{place}")
            values[f"begins_{place}"] = f"{each}%"
        ways.append("reverse(r.phone_digits) LIKE :ends")
        values["ends"] = f"{question.digits[::-1]}%"
    any_way = " OR ".join(ways)
    former = _former(where, any_way, values)
    where.add(OF_PHONE.format(ways=any_way, most=MOST_FOUND), **values, former=list(former))
    return former


def _former(where: Where, ways: str, values: dict[str, str]) -> dict[UUID, Any]:
    """Return the merged records that say what was typed, by the id that they are shown under."""
    sql = FORMER.format(ways=ways, most=MOST_FOUND)
    found = Statement(sql).all(values | {"organization_id": where.values["organization_id"]})
    survivor_of = links.survivors_of(row.id for row in found) if found else {}
    return {survivor_of[row.id]: row for row in found}
