"""Finding a patient as one types: by name in any order and spelling, telephone or number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Select,
    Subquery,
    Text,
    Uuid,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    union_all,
)

from clinic_web.kernel import folding
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.money import DIGITS
from clinic_web.organization import api as organization
from clinic_web.patients import names
from clinic_web.patients.models import Patient
from clinic_web.patients.numbers import patient_number
from clinic_web.patients.queries import Cards, PatientCard, as_shown, once_each, select_cards

MOST = 20
LONG_ENOUGH = 3  # letters from which trigrams help; the database's function knows it, too
SHORTEST_PHONE = 4
NUMBER = re.compile(r"[Pp][\s-]*0*(\d{1,9})")
Ranked = Select[UUID, int]

ONLY_DIGITS = re.compile(r"[\d\s()+./-]+")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What was typed, understood: words of a name, or digits of a telephone or patient number."""

    words: tuple[str, ...] = ()
    digits: str = ""
    patient_number: str | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.digits or self.patient_number)


def understand(typed: str) -> Question:
    """Return what a person means: ``P-123`` a number, digits a number or telephone, else a name."""
    plain = typed.translate(DIGITS).strip()
    if numbered := NUMBER.fullmatch(plain):
        return Question(patient_number=patient_number(int(numbered[1])))
    if ONLY_DIGITS.fullmatch(plain):
        digits = "".join(filter(str.isdigit, plain))
        is_number = 0 < len(digits) <= 9 and int(digits) > 0  # noqa: PLR2004 - longer ones are telephones
        return Question(digits=digits, patient_number=patient_number(int(digits)) if is_number else None)
    return Question(words=tuple(folding.normalise(typed).split()))


def find(actor: Actor, typed: str, *, limit: int = MOST) -> list[PatientCard]:
    """Return at most ``limit`` patients of the actor's organization that ``typed`` may mean, best first.

    Merged records are found by what is written on them and shown as who they were merged into.
    """
    question = understand(typed)
    if question.is_empty:
        return []
    if question.words:
        statement = _by_name(question.words, limit)
    else:
        statement = _by_digits(actor.organization_id, question, organization.facility(actor).phone_country)
    rows = db.session.execute(statement.limit(limit))
    return once_each(as_shown(actor, rows).values())


def _by_name(words: tuple[str, ...], limit: int) -> Cards:
    """Every word somewhere in the name, in any order; best is who is called that from the first letter on.

    Who it is finds the function in the database, where no policy can take its indexes away.
    """
    function = func.patients.find_own(cast(list(words), ARRAY(Text)), limit)
    found = function.table_valued(column("id", Uuid), column("place", BigInteger)).render_derived()
    return select_cards().join(found, found.c.id == Patient.id).order_by(found.c.place)


def _by_digits(organization_id: UUID, question: Question, country: str) -> Cards:
    """The patient with that number, who has that telephone, and then their children and who shares it."""
    ways = [_by_number(organization_id, question.patient_number or "")]
    if len(question.digits) >= SHORTEST_PHONE:
        beginnings = names.phone_beginnings(question.digits, country)
        ways += [_with_phone(beginning=each) for each in beginnings]
        ways.append(_with_phone(ending=question.digits))
    hits = union_all(*ways).cte("hits")
    best = _with_dependants(hits)
    return (
        select_cards()
        .join(best, best.c.id == Patient.id)
        .where(Patient.organization_id == organization_id, Patient.deleted_at.is_(None))
        .order_by(best.c.rank, Patient.search_name, Patient.id)
    )


def _by_number(organization_id: UUID, number: str) -> Ranked:
    exact = select(Patient.id, literal(0).label("rank"))
    return exact.where(Patient.organization_id == organization_id, Patient.patient_number == number)


def _with_phone(*, beginning: str | None = None, ending: str | None = None) -> Ranked:
    """Asked of a function in the database, where no policy takes its indexes away. It reads no more rows than
    can be shown: four digits begin half the numbers of a town."""
    found = func.patients.with_phone(beginning, ending, MOST)
    return select(found.table_valued(column("id", Uuid)).render_derived().c.id, literal(1).label("rank"))


def _with_dependants(hits: CTE) -> Subquery:
    """The hits and whoever is reached by one of them, each once at their best rank."""
    theirs = select(Patient.id, literal(2).label("rank")).join(
        hits, or_(Patient.guardian_id == hits.c.id, Patient.phone_of_id == hits.c.id)
    )
    everybody = union_all(select(hits.c.id, hits.c.rank), theirs).subquery()
    return (
        select(everybody.c.id, func.min(everybody.c.rank).label("rank")).group_by(everybody.c.id).subquery()
    )
