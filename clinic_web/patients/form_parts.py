"""Parts of the forms that fetch themselves while somebody types: who it may be, and whom a field means."""

from __future__ import annotations

from flask import render_template, request

from clinic_web.audit import api as audit
from clinic_web.kernel import folding
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import RuleBroken
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import access, born, finding, forms, names, queries
from clinic_web.patients.queries import PatientCard
from clinic_web.patients.routes import LONGEST_QUESTION, bp
from clinic_web.ui.web import actor, needs

MOST_PICKS = 6
SHORTEST_NAME = 3


@bp.get("/patients/alike")
@needs("patient.register")
def alike() -> str:
    """Whom the new patient may be, as soon as name, telephone or age are typed; it never stops anybody."""
    typed = request.args
    holder, candidates = _alike(actor(), typed.get("name", ""), typed.get("phone", ""), typed.get("born", ""))
    return render_template(
        "patients/_alike.html", candidates=candidates, holder=holder, values=typed, into="#hand"
    )


def _alike(who: Actor, name: str, phone: str, birth: str) -> tuple[PatientCard | None, list[PatientCard]]:
    country, today = organization.facility(who).phone_country, queries.today_of(who)
    holder: PatientCard | None = None
    with transaction():
        try:
            number = names.phone(phone[:LONGEST_QUESTION], country)
            found = queries.holder_of(who, number.digits) if number else None
            holder = found.card if found else None
        except RuleBroken:
            pass  # half a number is nobody's
        try:
            known = born.parse(birth[:LONGEST_QUESTION], today=today, country=country)
        except RuleBroken:
            known = None
        name = name[: forms.LONGEST_NAME]
        is_name = len(folding.normalise(name)) >= SHORTEST_NAME
        likely = queries.likely_same(who, name, known.on if known else None) if is_name else []
        candidates = [each for each in likely if holder is None or each.id != holder.id]
        shown = [*([holder] if holder else []), *candidates]
        if shown:
            audit.saw(who, "find", "patient", ids=[each.id for each in shown])
    return holder, candidates


@bp.get("/patients/pick")
@needs("patient.search")
def pick() -> str:
    """Whom the number in a field means, or who is meant by a name that is typed there."""
    field = request.args.get("field", "")
    typed = request.args.get(field, "")[:LONGEST_QUESTION].strip()
    with transaction():
        chosen = _numbered(actor(), typed)
        found = [] if chosen or not typed else finding.find(actor(), typed, limit=MOST_PICKS)
        if shown := [*([chosen] if chosen else []), *found]:
            audit.saw(actor(), "find", "patient", ids=[each.id for each in shown])
    return render_template("patients/_picks.html", field=field, typed=typed, chosen=chosen, found=found)


def _numbered(who: Actor, typed: str) -> PatientCard | None:
    """Return who has the number that stands in the field, if it is one."""
    number = finding.understand(typed).patient_number if typed else None
    patient = access.patient_by_number(who, number) if number else None
    return queries.card(who, patient.id) if patient else None
