"""The portal's door: password, second step, passkey; out again."""

from __future__ import annotations

from flask import Response, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity import api as identity
from clinic_web.identity.api import entrance
from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken
from clinic_web.portal import forms
from clinic_web.portal.door import lead_to_door
from clinic_web.portal.routes import ACCOUNT, JOIN, bp
from clinic_web.ui.headers import emptied
from clinic_web.ui.web import SignInNeeded, actor_or_none, form_errors, open_to_all, see_other

DONE = "done"  # the category under which the sign-in page is told what was done


bp.register_error_handler(SignInNeeded, lead_to_door)


def back_of(target: str | None) -> str | None:
    """Return a page of the portal's to go back to."""
    path = entrance.same_origin_path(target)
    return path if path and (path == "/portal" or path.startswith("/portal/")) else None


def welcome(token: str, back: str | None) -> ResponseReturnValue:
    """Let this browser in. An invitation that was proved in it is still to be answered."""
    proof = session.get(JOIN)
    user = entrance.begin(token)
    if not user.actor.can(ACCOUNT):
        return entrance.keep_device(see_other(url_for("identity.start")))  # a colleague's passkey
    if proof:
        session[JOIN] = proof
        target = url_for("portal.join_account")
    elif user.lacks_factor:
        target = url_for("portal.account")
    else:
        target = back or url_for("portal.home")
    return entrance.keep_device(see_other(target))


@bp.get("/login", endpoint="login")
@open_to_all("shows the empty form")
def show_sign_in() -> ResponseReturnValue:
    who = actor_or_none()
    if who and who.can(ACCOUNT):
        return redirect(back_of(request.args.get("next")) or url_for("portal.home"))
    return _sign_in_page(back=back_of(request.args.get("next")))


@bp.post("/login", endpoint="enter")
@open_to_all("this is where patients prove who they are")
def sign_in() -> ResponseReturnValue:
    back = back_of(request.form.get("next"))
    try:
        typed = entrance.read_sign_in(request.form)
        name = forms.username(typed.username)
        entry = entrance.signing_in.sign_in(name, typed.password, entrance.source(), kind=entrance.PATIENT)
    except (InvalidForm, identity.SignInRefused, entrance.TooManyTries) as error:
        page = _sign_in_page(request.form.get("username", ""), form_errors(error), back)
        return entrance.patiently(error, page)
    if entry.second_step:
        return _ask_second_step(entry.second_step, back)
    return welcome(str(entry.session), back)


def _sign_in_page(username: str = "", errors: dict[str, str] | None = None, back: str | None = None) -> str:
    shown = {"username": username, "errors": errors or {}, "next": back, "can_mail": entrance.ports.can_mail}
    return render_template("portal/login.html", is_joining=JOIN in session, **shown)


def _ask_second_step(token: str, back: str | None) -> ResponseReturnValue:
    """Lead a browser on whose person has shown the password. Nothing else of its former session stays."""
    proof = session.get(JOIN)
    entrance.leave()
    session[entrance.HALF] = token
    for name, value in ((entrance.BACK, back), (JOIN, proof)):
        if value:
            session[name] = value
    return see_other(url_for("portal.second"))


@bp.get("/login/second", endpoint="second")
@open_to_all("shows a form to who has just shown a password, and else leads away")
def show_second() -> ResponseReturnValue:
    return _second_page()


@bp.post("/login/second", endpoint="enter_second")
@open_to_all("this is where patients show their second factor")
def enter_second() -> ResponseReturnValue:
    half, code = session.get(entrance.HALF), request.form.get("code", "")
    try:
        token = entrance.second_step.enter(half, code, entrance.source())
    except entrance.ProofGone as error:
        return begin_again(error)
    except (entrance.WrongCode, entrance.TooManyTries) as error:
        return entrance.patiently(error, _second_page(form_errors(error)))
    return welcome(token, back_of(session.get(entrance.BACK)))


def _second_page(errors: dict[str, str] | None = None) -> ResponseReturnValue:
    who = entrance.second_step.waiting(session.get(entrance.HALF))
    if who is None:
        return see_other(url_for("portal.login"))
    return render_template("portal/second.html", who=who, errors=errors or {})


def begin_again(error: DomainError) -> ResponseReturnValue:
    """Back to the first page, which says why."""
    session.pop(entrance.HALF, None)
    page = _sign_in_page(errors=form_errors(error), back=back_of(session.get(entrance.BACK)))
    return make_response(page, error.status)


@bp.post("/login/passkey/options")
@open_to_all("asks for a passkey, which proves who its owner is")
def ask_anybody() -> ResponseReturnValue:
    return put(entrance.passkeys.ask_anybody(entrance.site(), entrance.source()))


def put(question: entrance.passkeys.Question) -> Response:
    """The browser keeps the token in its cookie: the answer counts from there and from nowhere else."""
    session[entrance.ASKED] = question.token
    return Response(question.options, mimetype="application/json")


@bp.post("/login/passkey")
@open_to_all("this is where patients prove who they are, by a passkey alone")
def enter_by_passkey() -> ResponseReturnValue:
    answer, asked = request.form.get("credential", ""), session.pop(entrance.ASKED, None)
    try:
        token = entrance.passkeys.enter(asked, answer, entrance.site(), entrance.source())
    except (entrance.ProofGone, RuleBroken) as error:
        return begin_again(error)
    return welcome(token, back_of(request.form.get("next")))


@bp.post("/login/second/passkey/options")
@open_to_all("asks who has just shown a password for their passkey")
def ask_at_second_step() -> ResponseReturnValue:
    return put(
        entrance.passkeys.ask_at_second_step(session.get(entrance.HALF), entrance.site(), entrance.source())
    )


@bp.post("/login/second/passkey")
@open_to_all("this is where patients show their second factor")
def enter_second_by_passkey() -> ResponseReturnValue:
    answer, asked = request.form.get("credential", ""), session.pop(entrance.ASKED, None)
    half = session.get(entrance.HALF)
    try:
        token = entrance.passkeys.enter_second_step(half, asked, answer, entrance.site(), entrance.source())
    except entrance.ProofGone as error:
        return begin_again(error)
    except RuleBroken as error:
        return entrance.patiently(error, _second_page(form_errors(error)))
    return welcome(token, back_of(session.get(entrance.BACK)))


@bp.post("/logout")
@open_to_all("ends only the session it came with")
def sign_out() -> ResponseReturnValue:
    entrance.leave()
    flash(_("You are signed out."), DONE)
    return emptied(see_other(url_for("portal.login")))
