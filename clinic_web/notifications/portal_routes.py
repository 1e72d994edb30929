"""What patients were told and what they wish to hear of: a part of their own pages."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.kernel.errors import DomainError, InvalidForm, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications import forms, queries, words
from clinic_web.notifications.kinds import GROUPS, KINDS
from clinic_web.notifications.service import preferring
from clinic_web.portal import api as portal
from clinic_web.ui.web import (
    LastAct,
    SignInNeeded,
    acted,
    actor,
    form_errors,
    is_htmx,
    needs,
    page_or_fragment,
)

bp = Blueprint("portal_messages", __name__, url_prefix="/portal/patients/<uuid:patient_id>/messages")
bp.register_error_handler(SignInNeeded, portal.lead_to_door)

OWN = "portal.own"


@bp.get("")
@needs(OWN)
def own(patient_id: UUID) -> ResponseReturnValue:
    return _panel(patient_id)


@bp.post("/wishes")
@needs(OWN)
def wishes(patient_id: UUID) -> ResponseReturnValue:
    who = actor()
    mine, _others = portal.own_patient(who, patient_id)
    try:
        preferring.keep_wishes(who, mine.card.id, forms.read_wishes(request.form))
    except (InvalidForm, StaleScreen) as error:
        return make_response(_panel(patient_id, error), error.status)
    if is_htmx():
        return _panel(patient_id, is_kept=True)
    return acted(LastAct(text=_("Your wishes are kept")), redirect=url_for(".own", patient_id=patient_id))


def _panel(patient_id: UUID, error: DomainError | None = None, *, is_kept: bool = False) -> str:
    who = actor()
    with transaction():
        mine, _others = portal.own_patient(who, patient_id)
        audit.saw(who, "portal.view", "patient", mine.card.id)
    number = max(1, request.args.get("page", type=int, default=1))
    return page_or_fragment(
        "messages/own.html",
        "messages/_own.html",
        own=mine,
        told=queries.of_patient(who, mine.card.id, mine.ids, number, only_sent=True),
        wishes=preferring.wishes_of(who, mine.ids),
        typed=request.form if error else None,
        errors=form_errors(error) if error else {},
        is_kept=is_kept,
        kinds=KINDS,
        groups=GROUPS,
        words=words,
    )
