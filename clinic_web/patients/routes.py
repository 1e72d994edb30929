"""Find a patient as one types, register one, change one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import finding, forms, names, queries, service
from clinic_web.patients.queries import PatientCard
from clinic_web.ui.private import this_address
from clinic_web.ui.texts import say
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
)

bp = Blueprint("patients", __name__)

LONGEST_QUESTION = 100


@bp.get("/patients/find")
@needs("patient.search")
def find() -> ResponseReturnValue:
    """Hits under the search field, and the same as a page of links for a browser without JavaScript."""
    typed = request.args.get("q", "")[:LONGEST_QUESTION].strip()
    with transaction():
        cards = finding.find(actor(), typed)
        if cards:
            audit.saw(actor(), "find", "patient", ids=[each.id for each in cards])
    words = list(finding.understand(typed).words)
    hits = [(card, names.marked(card.name, words)) for card in cards]
    is_in_page = request.headers.get("HX-Target") == "found"
    fragment = "patients/_list.html" if is_in_page else "patients/_hits.html"
    page = make_response(page_or_fragment("patients/find.html", fragment, hits=hits, typed=typed))
    if is_in_page:
        page.headers["HX-Replace-Url"] = this_address()
    return page


@bp.get("/patients/new")
@needs("patient.register")
def new() -> str:
    """The short form; what was typed into the search is taken for the name, or the telephone."""
    typed = request.args.get("q", "")[:LONGEST_QUESTION].strip()
    is_phone = finding.ONLY_DIGITS.fullmatch(typed) is not None
    return _registration({"phone" if is_phone else "name": typed})


@bp.post("/patients")
@needs("patient.register")
def register() -> ResponseReturnValue:
    try:
        wanted = forms.read_registration(_reader())
        card = service.register(actor(), wanted, key=form_key())
    except (InvalidForm, RuleBroken) as error:
        return _refused(error)
    return acted(
        LastAct(text=_("Registered as %(number)s", number=card.patient_number), who=card.name),
        redirect=url_for("reception.hand_patient", patient_id=card.id),
        panel=render_template("patients/_taken_in_hand.html", patient=card) if is_htmx() else None,
    )


def _refused(error: DomainError) -> ResponseReturnValue:
    """The form again, nothing typed lost, with whom the patient may be or whose telephone it is."""
    holder = error.holder if isinstance(error, service.PhoneTaken) else None
    candidates = error.candidates if isinstance(error, service.LikelyDuplicates) else []
    shown = [*candidates, *([holder] if holder else [])]
    if shown:
        with transaction():
            audit.saw(actor(), "find", "patient", ids=[each.id for each in shown])
    errors = {} if candidates else form_errors(error)
    holder = holder or _known_holder()
    body = _registration(request.form, errors=errors, holder=holder, candidates=candidates)
    return make_response(body, RuleBroken.status)


def _known_holder() -> PatientCard | None:
    """Whose telephone it was found to be when the form was sent before."""
    is_asked = request.form.get("phone", "").strip() or request.form.get("relation")
    holder_id = forms.uuid_of(request.form.get("holder_id")) if is_asked else None
    return queries.cards(actor(), [holder_id]).get(holder_id) if holder_id else None


def _registration(
    values: Mapping[str, str],
    *,
    errors: dict[str, str] | None = None,
    holder: PatientCard | None = None,
    candidates: list[PatientCard] | None = None,
) -> str:
    return page_or_fragment(
        "patients/new.html",
        "patients/_new.html",
        values=values,
        errors=errors or {},
        holder=holder,
        candidates=candidates or [],
        key=values.get("idempotency_key") or new_key(),
        **_words(),
    )


@bp.get("/patients/<uuid:patient_id>/edit")
@needs("patient.edit")
def edit(patient_id: UUID) -> str:
    card, details = service.open_to_edit(actor(), patient_id)
    values = forms.text_of(details, _country())
    return _editing(card, values, opened=values)


@bp.post("/patients/<uuid:patient_id>")
@needs("patient.edit")
def change(patient_id: UUID) -> ResponseReturnValue:
    version = request.form.get("version", type=int, default=0)
    try:
        wanted = forms.read_details(_reader(forms.with_way_out(request.form)))
        card = service.edit(actor(), patient_id, wanted, version=version)
    except StaleScreen as error:
        return _moved_on(patient_id, error)
    except (InvalidForm, RuleBroken) as error:
        return _wrong(patient_id, error, version)
    return acted(
        LastAct(text=_("Patient changed"), who=card.name),
        redirect=url_for("reception.hand_patient", patient_id=card.id),
        panel=render_template("patients/_taken_in_hand.html", patient=card) if is_htmx() else None,
    )


def _moved_on(patient_id: UUID, error: StaleScreen) -> ResponseReturnValue:
    """Both sides, and the form with this person's changes on top of the other's."""
    card, details = service.open_to_edit(actor(), patient_id)
    now = forms.text_of(details, _country())
    found = forms.clash(forms.opened_with(request.form), forms.typed_in(request.form), now)
    rows = [
        (say(forms.LABELS[name]), _shown(name, typed), _shown(name, current), theirs)
        for name, typed, current, theirs in found.rows
    ]
    body = _editing(card, found.merged, opened=now, clash=rows, sentence=say(error))
    return make_response(body, StaleScreen.status)


def _shown(name: str, value: str) -> str:
    if name in ("allow_generic_substitution", "is_active"):
        return str(_("yes") if value else _("no"))
    if name == "gender":
        return say(forms.GENDER_WORDS[value]) if value in forms.GENDER_WORDS else value
    return forms.LANGUAGES.get(value, value) if name == "language_preference" else value


def _wrong(patient_id: UUID, error: DomainError, version: int) -> ResponseReturnValue:
    card, _details = service.open_to_edit(actor(), patient_id)
    values, opened = forms.typed_in(request.form), forms.opened_with(request.form)
    holder = error.holder if isinstance(error, service.PhoneTaken) else None
    body = _editing(card, values, opened=opened, errors=form_errors(error), version=version, holder=holder)
    return make_response(body, RuleBroken.status)


def _editing(card: PatientCard, values: Mapping[str, str], *, opened: Mapping[str, str], **more: Any) -> str:
    context = {"errors": {}, "clash": [], "sentence": "", "version": card.version, "holder": None} | more
    return page_or_fragment(
        "patients/edit.html",
        "patients/_edit.html",
        patient=card,
        values=values,
        opened=json.dumps(opened),
        **context,
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {
        "into": "#hand" if is_htmx() else None,
        "labels": {name: say(text) for name, text in forms.LABELS.items()},
        "genders": [(value, say(text)) for value, text in forms.GENDER_WORDS.items()],
        "languages": list(forms.LANGUAGES.items()),
    }


def _reader(form: Mapping[str, str] | None = None) -> forms.Reader:
    return forms.Reader(form or request.form, today=queries.today_of(actor()), country=_country())


def _country() -> str:
    return organization.facility(actor()).phone_country
