"""From the code on a paper to an account. The code is typed or stands behind the ``#`` of the address, which
no server sees; what it proves goes into the cookie of this browser."""

from __future__ import annotations

from flask import make_response, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity.api import entrance
from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken
from clinic_web.portal import forms
from clinic_web.portal.routes import ACCOUNT, JOIN, bp
from clinic_web.portal.routes.doors import welcome
from clinic_web.portal.service import joining
from clinic_web.portal.service.joining import InvitationGone
from clinic_web.ui.texts import language
from clinic_web.ui.web import LastAct, acted, actor, actor_or_none, form_errors, needs, open_to_all, see_other


@bp.get("/join", endpoint="join")
@open_to_all("shows the empty form")
def show_join() -> ResponseReturnValue:
    return _code_page()


@bp.post("/join", endpoint="prove_invitation")
@open_to_all("a code and a birth date are the proof; tries are counted and delayed")
def prove() -> ResponseReturnValue:
    try:
        typed = forms.read_proof(request.form)
        session[JOIN] = joining.prove(typed.code, typed.born, entrance.source())
    except (InvalidForm, RuleBroken, entrance.TooManyTries) as error:
        return entrance.patiently(error, _code_page(form_errors(error)))
    return see_other(url_for("portal.join_account"))


def _code_page(errors: dict[str, str] | None = None) -> str:
    return render_template("portal/join.html", typed=request.form, errors=errors or {})


@bp.get("/join/account", endpoint="join_account")
@open_to_all("shows a form to who has just proved an invitation, and else leads away")
def show_account() -> ResponseReturnValue:
    return _account_page()


@bp.post("/join/account", endpoint="open_account")
@open_to_all("uses the proof in the cookie up, if it is one")
def open_account() -> ResponseReturnValue:
    proof = session.get(JOIN)
    try:
        who = joining.invitee(proof)
        wanted = forms.read_account(request.form, with_name=not who.is_self)
        joining.open_account(proof, wanted, language())
    except InvitationGone as error:
        return _gone(error)
    except (InvalidForm, RuleBroken) as error:
        return _account_page(form_errors(error), error.status)
    session.pop(JOIN, None)
    entry = entrance.signing_in.sign_in(
        wanted.username, wanted.password, entrance.source(), kind=entrance.PATIENT
    )
    return welcome(str(entry.session), None)


@bp.post("/join/add", endpoint="add_to_mine")
@needs(ACCOUNT)
def add_to_mine() -> ResponseReturnValue:
    try:
        patient_id = joining.add_to_mine(actor(), session.get(JOIN))
    except InvitationGone as error:
        return _gone(error)
    except RuleBroken as error:
        return _account_page(form_errors(error), error.status)
    session.pop(JOIN, None)
    said = LastAct(text=_("Added to your account."))
    return acted(said, redirect=url_for("portal.home_of", patient_id=patient_id))


def _account_page(errors: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    try:
        who = joining.invitee(session.get(JOIN))
    except InvitationGone as error:
        return _gone(error)
    me = actor_or_none()
    shown = {"who": who, "typed": request.form, "errors": errors or {}}
    shown["is_signed_in"] = me is not None and me.can(ACCOUNT)
    return make_response(render_template("portal/join_account.html", **shown), status)


def _gone(error: DomainError) -> ResponseReturnValue:
    session.pop(JOIN, None)
    return make_response(render_template("portal/gone.html", errors=form_errors(error)), error.status)
