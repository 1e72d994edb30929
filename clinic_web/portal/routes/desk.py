"""The portal at the desk: a panel of the patient's page, and the paper with the code."""

from __future__ import annotations

from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from clinic_web.identity.api import entrance
from clinic_web.kernel.errors import RuleBroken
from clinic_web.patients import api as patients
from clinic_web.portal import queries
from clinic_web.portal.letters import link_to
from clinic_web.portal.routes import INVITE, desk_bp
from clinic_web.portal.service import inviting
from clinic_web.portal.service.inviting import Invited
from clinic_web.ui.texts import LANGUAGES, language
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, needs, page_or_fragment

BY_MAIL = "mail"


@desk_bp.get("")
@needs(INVITE)
def panel(patient_id: UUID) -> ResponseReturnValue:
    return _panel(patient_id)


def _panel(patient_id: UUID, errors: dict[str, str] | None = None) -> str:
    shown = {"panel": queries.panel(actor(), patient_id), "errors": errors or {}, "typed": request.form}
    return page_or_fragment("portal/desk.html", "portal/_desk.html", **shown)


@desk_bp.post("/invitations")
@needs(INVITE)
def invite(patient_id: UUID) -> ResponseReturnValue:
    by_mail = request.form.get("by") == BY_MAIL
    try:
        made = inviting.invite(
            actor(), patient_id, request.form.get("relation", ""), by_mail=by_mail, key=form_key()
        )
    except RuleBroken as error:
        return make_response(_panel(patient_id, form_errors(error)), error.status)
    if made.code:
        return _paper(made, made.code)
    said = _("The invitation is on its way.") if made.is_mailed else _("The invitation was made already.")
    return _done(patient_id, said)


def _paper(made: Invited, code: str) -> str:
    """The paper speaks the patient's language; the code is on it and nowhere else."""
    card = patients.card(actor(), made.patient_id)
    spoken = card.language if card.language in LANGUAGES else language()
    picture = entrance.picture(link_to(code))
    address = f"{entrance.ports.public_url}/portal/join"
    with force_locale(spoken):
        paper = render_template(
            "portal/_paper.html",
            patient=card,
            code=code,
            picture=picture,
            address=address.partition("//")[2],
            expires_at=made.expires_at,
            spoken=spoken,
        )
    return render_template("portal/slip.html", patient=card, paper=paper)


@desk_bp.post("/invitations/<uuid:invitation_id>/revoke")
@needs(INVITE)
def revoke(patient_id: UUID, invitation_id: UUID) -> ResponseReturnValue:
    inviting.revoke(actor(), invitation_id)
    return _done(patient_id, _("The invitation opens nothing any more."))


@desk_bp.post("/accounts/<uuid:account_id>/end")
@needs(INVITE)
def end(patient_id: UUID, account_id: UUID) -> ResponseReturnValue:
    inviting.end(actor(), account_id)
    return _done(patient_id, _("The account is ended."))


def _done(patient_id: UUID, sentence: str) -> ResponseReturnValue:
    page = url_for("patients.patient", patient_id=patient_id)
    return acted(LastAct(text=sentence), redirect=page, panel=_panel(patient_id))
