"""What patients are told, in an organization's own words: one sheet among what is set up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import DomainError, InvalidForm, StaleScreen
from clinic_web.notifications import forms, texts
from clinic_web.notifications.kinds import GROUPS, PLACEHOLDERS
from clinic_web.notifications.service import wording
from clinic_web.notifications.texts import Wording
from clinic_web.organization import api as organization
from clinic_web.ui import admin
from clinic_web.ui.texts import say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, needs

bp = Blueprint("message_words", __name__, url_prefix="/admin/messages")

MANAGE = "message.manage"
EXAMPLE_NAMES = {"en": "Maryam Tahhan", "ar": "مريم طحان"}


@bp.get("")
@needs(MANAGE)
def page() -> ResponseReturnValue:
    shown = wording.all_of(actor())
    return render_template(
        "messages/words.html",
        sections=admin.for_actor(actor()),
        shown=shown,
        groups=GROUPS,
        pieces=texts.pieces,
    )


@bp.get("/<kind>/<language>")
@needs(MANAGE)
def edit(kind: str, language: str) -> ResponseReturnValue:
    shown = wording.one(actor(), kind, language)
    return _form(shown, {"subject": shown.wording.subject, "body": shown.wording.body})


@bp.post("/<kind>/<language>")
@needs(MANAGE)
def save(kind: str, language: str) -> ResponseReturnValue:
    wanted, version = forms.read_wording(request.form), forms.version_of(request.form)
    try:
        wording.keep(actor(), kind, language, wanted, version=version)
    except (InvalidForm, StaleScreen) as error:
        return make_response(_refused(kind, language, error), error.status)
    return acted(LastAct(text=str(_("The words are kept"))), redirect=url_for(".page"))


@bp.post("/<kind>/<language>/reset")
@needs(MANAGE)
def reset(kind: str, language: str) -> ResponseReturnValue:
    try:
        wording.reset(actor(), kind, language, version=forms.version_of(request.form))
    except StaleScreen as error:
        return make_response(_refused(kind, language, error), error.status)
    return acted(LastAct(text=str(_("The shipped words hold again"))), redirect=url_for(".page"))


@bp.post("/<kind>/<language>/preview")
@needs(MANAGE)
def preview(kind: str, language: str) -> ResponseReturnValue:
    """The words as a patient would read them, with an example's values; or what is wrong with them."""
    shown = wording.one(actor(), kind, language)
    wanted = forms.read_wording(request.form)
    try:
        wording.check(shown.kind, wanted)
    except InvalidForm as error:
        return render_template("messages/_preview.html", wrong=form_errors(error), language=language)
    return render_template("messages/_preview.html", **_previewed(actor(), language, wanted))


def _refused(kind: str, language: str, error: DomainError) -> str:
    """The form as it was typed, with what is wrong, or with what it is now beside it."""
    shown = wording.one(actor(), kind, language)
    if isinstance(error, StaleScreen):
        return _form(shown, request.form, sentence=say(error), clash=error.changes)
    return _form(shown, request.form, errors=form_errors(error), version=request.form.get("version"))


def _form(shown: wording.Shown, values: Mapping[str, str], **around: Any) -> str:
    typed = Wording(values.get("subject", ""), values.get("body", ""))
    defaults: dict[str, Any] = {"errors": {}, "sentence": "", "clash": {}, "version": shown.version}
    return render_template(
        "messages/wording.html",
        sections=admin.for_actor(actor()),
        shown=shown,
        values=values,
        placeholders=[(word, say(PLACEHOLDERS[word])) for word in shown.kind.words],
        longest={"subject": wording.LONGEST_SUBJECT, "body": wording.LONGEST_BODY},
        **_previewed(actor(), shown.language, typed),
        **(defaults | around),
    )


def _previewed(who: Actor, language: str, typed: Wording) -> dict[str, Any]:
    return {"language": language, "said": typed.filled(_example(who, language)), "wrong": {}}


def _example(who: Actor, language: str) -> dict[str, str]:
    """Values of a message that could be: tomorrow, at the first clinic, with its first doctor."""
    directory = organization.directory(who.organization_id)
    facility = organization.facility(who)
    here = directory.clinics_of(facility.id)
    staffed = [each for each in here if directory.doctors_of(each.id)]
    clinic = next(iter([each for each in staffed if directory.rooms_of(each.id)] or staffed or here), None)
    doctor = next(iter(directory.doctors_of(clinic.id)), None) if clinic else None
    room = next(iter(directory.rooms_of(clinic.id)), None) if clinic else None
    ids: dict[str, UUID | None] = {
        "facility_id": facility.id,
        "clinic_id": clinic.id if clinic else None,
        "doctor_id": doctor.id if doctor else None,
        "room_id": room.id if room else None,
    }
    tomorrow = clock.local(clock.now(), facility.timezone) + timedelta(days=1)
    data = {name: str(key) for name, key in ids.items() if key} | {
        "start_time": tomorrow.replace(hour=10, minute=30).isoformat(),
        "ticket": "D-034",
        "booking_id": "BK-00123456",
        "before": 3,
        "amount": "250.00",
        "currency": facility.currency,
        "reason": "SHORT",
    }
    return texts.values_of(data, language, directory, EXAMPLE_NAMES[language])
