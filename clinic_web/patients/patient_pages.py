"""A patient's own page, and the two pages of merging: whom with, and both side by side."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.kernel.errors import N_, DomainError, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import about, finding, forms, merging, queries, shown
from clinic_web.patients.merging import Merge, Preview, Side
from clinic_web.patients.queries import PatientCard
from clinic_web.patients.routes import LONGEST_QUESTION, bp
from clinic_web.ui.texts import day, say
from clinic_web.ui.web import (
    LastAct,
    acted,
    actor,
    form_errors,
    form_key,
    is_htmx,
    needs,
    new_key,
    page_or_fragment,
    see_other,
)


@bp.get("/patients/<uuid:patient_id>")
@needs("patient.view")
def patient(patient_id: UUID) -> ResponseReturnValue:
    """The page; the histories in it are other modules' and fetch themselves under their own rights."""
    found = about.about(actor(), patient_id)
    if found.card.id != patient_id:
        return see_other(url_for("patients.patient", patient_id=found.card.id))
    details = found.details
    texts = forms.text_of(details, organization.facility(actor()).phone_country)
    texts["born"] = _born(details.date_of_birth, is_estimated=details.date_of_birth_estimated)
    return page_or_fragment(
        "patients/patient.html", "patients/_patient.html", about=found, texts=texts, languages=forms.LANGUAGES
    )


@bp.get("/patients/<uuid:patient_id>/merge")
@needs("patient.merge")
def merge_with(patient_id: UUID) -> str:
    """First whom with, found as one types; then both records side by side."""
    other = request.args.get("with", type=UUID)
    if other is not None:
        return _compared(merging.preview(actor(), patient_id, other))
    card = queries.card(actor(), patient_id)
    typed = request.args.get("q", card.name)[:LONGEST_QUESTION].strip()
    return page_or_fragment(
        "patients/merge.html", "patients/_merge_with.html", patient=card, typed=typed, hits=_hits(card, typed)
    )


def _hits(patient: PatientCard, typed: str) -> list[PatientCard]:
    with transaction():
        found = [each for each in finding.find(actor(), typed) if each.id != patient.id]
        if found:
            audit.saw(actor(), "find", "patient", ids=[each.id for each in found])
    return found


@bp.post("/patients/<uuid:patient_id>/merge")
@needs("patient.merge")
def merge(patient_id: UUID) -> ResponseReturnValue:
    other = forms.uuid_of(request.form.get("merged_id"))
    if other is None:
        raise RuleBroken(N_("Choose the other record."))
    try:
        done = merging.merge(actor(), _wanted(patient_id, other), key=form_key())
    except (RuleBroken, StaleScreen) as error:
        return _refused(patient_id, other, error)
    undo = url_for("patients.unmerge", link_id=done.link_id)
    return _acted(LastAct(text=_("Two records are one patient now"), undo_url=undo), done.card)


def _wanted(patient_id: UUID, other: UUID) -> Merge:
    return Merge(
        survivor_id=patient_id,
        merged_id=other,
        from_merged=tuple(each for each in shown.FIELDS if request.form.get(each) == "merged"),
        reason=request.form.get("reason", ""),
        survivor_version=request.form.get("survivor_version", type=int, default=0),
        merged_version=request.form.get("merged_version", type=int, default=0),
    )


def _refused(patient_id: UUID, other: UUID, error: DomainError) -> ResponseReturnValue:
    """The comparison again as things stand now, with the sentence and what was chosen and typed."""
    found = merging.preview(actor(), patient_id, other)
    return make_response(_compared(found, errors=form_errors(error)), error.status)


@bp.post("/patients/merges/<uuid:link_id>/undo")
@needs("patient.merge")
def unmerge(link_id: UUID) -> ResponseReturnValue:
    card = merging.unmerge(actor(), link_id, reason=request.form.get("reason", ""))
    return _acted(LastAct(text=_("One patient is two again")), card)


def _acted(act: LastAct, card: PatientCard) -> ResponseReturnValue:
    """So much of the page is different that it is shown anew, also to htmx."""
    page = url_for("patients.patient", patient_id=card.id)
    response = acted(act, redirect=page)
    if is_htmx():
        response.headers["HX-Redirect"] = page
    return response


def _compared(found: Preview, *, errors: dict[str, str] | None = None) -> str:
    return page_or_fragment(
        "patients/compare.html",
        "patients/_compare.html",
        found=found,
        rows=_rows(found),
        findings=[(each, say(RuleBroken(each.sentence, **each.values))) for each in found.findings],
        chosen=request.form,
        errors=errors or {},
        key=request.form.get("idempotency_key") or new_key(),
    )


def _rows(found: Preview) -> list[dict[str, Any]]:
    """What differs, as a choice; what only one of them knows is taken from that one unless told otherwise."""
    ours, theirs = _texts(found.survivor), _texts(found.merged)
    return [
        {
            "name": field,
            "label": say(label),
            "survivor": ours[field],
            "merged": theirs[field],
            "is_same": ours[field] == theirs[field],
            "chosen": request.form.get(field) or ("survivor" if ours[field] else "merged"),
        }
        for field, label in shown.LABELS.items()
        if ours[field] or theirs[field]
    ]


def _born(on: date | None, *, is_estimated: bool) -> str:
    """A birth date to be read, in the reader's digits; a year where it is estimated."""
    return day(on, "y" if is_estimated else "d MMM y")


def _texts(side: Side) -> dict[str, str]:
    values = side.values
    others = queries.cards(actor(), filter(None, (values["guardian_id"], values["phone_of_id"])))
    named = {each: f"{card.name} {card.patient_number}" for each, card in others.items()}
    language = values["language_preference"] or ""
    address = (values[each] for each in shown.FIELDS["address"])
    return {
        "name": queries.name_in(values),
        "born": _born(values["date_of_birth"], is_estimated=values["date_of_birth_estimated"]),
        "gender": say(forms.GENDER_WORDS[values["gender"]]),
        "phone": values["phone_primary"] or named.get(values["phone_of_id"], ""),
        "phone_secondary": values["phone_secondary"] or "",
        "guardian": named.get(values["guardian_id"], ""),
        "email": values["email"] or "",
        "address": ", ".join(filter(None, address)),
        "language": forms.LANGUAGES.get(language, language),
        "medical_history": values["medical_history"] or "",
    }
