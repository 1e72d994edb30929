"""Pages of identity: sign in, sign out, one's own account."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from clinic_web.identity import forms, login, proof_routes, queries, security_routes
from clinic_web.identity.permissions import OWN_ACCOUNT
from clinic_web.identity.service import devices, facilities, factors, people, sessions, signing_in
from clinic_web.kernel.errors import DomainError, InvalidForm, NotFound, RuleBroken
from clinic_web.ui import nav
from clinic_web.ui.headers import emptied
from clinic_web.ui.ports import ports
from clinic_web.ui.texts import local_name
from clinic_web.ui.web import (
    LastAct,
    SignInNeeded,
    acted,
    actor,
    actor_or_none,
    form_errors,
    is_htmx,
    needs,
    open_to_all,
    see_other,
)

bp = Blueprint("identity", __name__)


@bp.get("/")
@needs(OWN_ACCOUNT)
def start() -> ResponseReturnValue:
    return redirect(nav.first_for(actor()))


@bp.get("/login", endpoint="login")
@open_to_all("shows the empty form")
def show_sign_in() -> ResponseReturnValue:
    who = actor_or_none()
    back = forms.same_origin_path(request.args.get("next"))
    if who and who.can(OWN_ACCOUNT):
        return redirect(back or nav.first_for(who))
    if wizard := ports.first_run():
        return redirect(wizard)
    return proof_routes.sign_in_page(back=back)


@bp.post("/login")
@open_to_all("this is where people prove who they are")
def sign_in() -> ResponseReturnValue:
    try:
        typed = forms.read_sign_in(request.form)
        entry = signing_in.sign_in(typed.username, typed.password, login.source())
    except (InvalidForm, signing_in.SignInRefused, signing_in.TooManyTries) as error:
        return _refused(error)
    back = forms.same_origin_path(request.form.get("next"))
    if entry.second_step:
        return proof_routes.ask_second_step(entry.second_step, back)
    return proof_routes.welcome(str(entry.session), back)


def _refused(error: DomainError) -> ResponseReturnValue:
    """The same page with what was typed, except the password."""
    page = proof_routes.sign_in_page(
        request.form.get("username", ""), form_errors(error), forms.same_origin_path(request.form.get("next"))
    )
    response = make_response(page, error.status)
    if isinstance(error, signing_in.TooManyTries):
        response.headers["Retry-After"] = str(error.seconds)
    return response


@bp.post("/logout")
@open_to_all("ends only the session it came with")
def sign_out() -> ResponseReturnValue:
    login.leave()
    return emptied(see_other(url_for("identity.login")))


@bp.get("/account")
@needs(OWN_ACCOUNT)
def account() -> ResponseReturnValue:
    who = actor()
    if is_htmx() or who.user_id is None:
        return render_template("identity/_sessions.html", sessions=_my_sessions())
    mine = factors.own(who.user_id)
    known = devices.own(who.user_id, login.source())
    shown = {"sessions": _my_sessions(), "mine": mine, "devices": known, "errors": {}}
    shown["email"] = security_routes.address()
    return render_template("identity/account.html", **shown)


@bp.post("/account/settings")
@needs(OWN_ACCOUNT)
def save_settings() -> ResponseReturnValue:
    chosen = forms.read_settings(request.form)
    people.choose(actor(), language=chosen.language, theme=chosen.theme)
    return see_other(forms.same_origin_path(request.form.get("next")) or url_for("identity.account"))


@bp.post("/account/facility")
@needs(OWN_ACCOUNT)
def work_at() -> ResponseReturnValue:
    """Work at another facility from now on; the page that was open may be of the one before."""
    facility_id = request.form.get("facility_id", type=UUID)
    if facility_id is None:
        raise NotFound
    place = facilities.work_at(actor(), facility_id)
    name = local_name(place.name, place.name_ar)
    return acted(LastAct(text=_("You work here now: %(place)s", place=name)), redirect=nav.first_for(actor()))


@bp.get("/account/password", endpoint="password")
@needs(OWN_ACCOUNT)
def show_password() -> str:
    return render_template("identity/password.html", errors={})


@bp.post("/account/password")
@needs(OWN_ACCOUNT)
def change_password() -> ResponseReturnValue:
    """Other browsers are signed out; this one goes on."""
    try:
        typed = forms.read_password(request.form)
        people.change_password(actor(), typed.current, typed.new, keep=login.session_id())
    except (InvalidForm, RuleBroken) as error:
        page = render_template("identity/password.html", errors=form_errors(error))
        return make_response(page, error.status)
    return acted(LastAct(text=_("Your password was changed.")), redirect=url_for("identity.start"))


@bp.post("/language")
@open_to_all("changes nothing but the language of the browser that asks")
def choose_language() -> ResponseReturnValue:
    """For pages before signing in; who is signed in has a language of their own."""
    chosen = request.form.get("locale", "")
    if chosen in people.LANGUAGES:
        session["language"] = chosen
    return see_other(forms.same_origin_path(request.form.get("next")) or url_for("identity.login"))


@bp.post("/account/sessions/<uuid:session_id>/end")
@needs(OWN_ACCOUNT, fresh=True)
def end_session(session_id: UUID) -> ResponseReturnValue:
    sessions.revoke_session(actor(), session_id)
    return acted(
        LastAct(text=_("The session was ended.")),
        redirect=url_for("identity.account"),
        panel=render_template("identity/_sessions.html", sessions=_my_sessions()),
    )


@bp.post("/account/sessions/end")
@needs(OWN_ACCOUNT, fresh=True)
def end_others() -> ResponseReturnValue:
    user = login.signed_in()
    if user is None:
        raise SignInNeeded
    count = sessions.revoke_others(actor(), user.session_id)
    said = ngettext("%(num)s other session was ended.", "%(num)s other sessions were ended.", count)
    return acted(
        LastAct(text=said),
        redirect=url_for("identity.account"),
        panel=render_template("identity/_sessions.html", sessions=_my_sessions()),
    )


def _my_sessions() -> list[queries.OpenSession]:
    user = login.signed_in()
    if user is None or user.actor.user_id is None:
        raise SignInNeeded
    return queries.open_sessions(user.actor.user_id, user.session_id)
