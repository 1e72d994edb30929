"""Proving who one is beside the password: the second step of signing in, and before dangerous acts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from uuid import UUID

from flask import Blueprint, flash, make_response, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity import forms, login
from clinic_web.identity.permissions import OWN_ACCOUNT
from clinic_web.identity.ports import ports
from clinic_web.identity.service import devices, factors, proving, second_step
from clinic_web.identity.service.challenges import ProofGone
from clinic_web.identity.service.factors import WrongCode
from clinic_web.identity.service.tries import TooManyTries
from clinic_web.kernel.errors import DomainError, RuleBroken
from clinic_web.ui import nav
from clinic_web.ui.private import this_address
from clinic_web.ui.web import (
    ACT,
    LastAct,
    SignInNeeded,
    acted,
    actor,
    form_errors,
    is_htmx,
    needs,
    open_to_all,
    see_other,
)
from clinic_web.ui.who import ProofNeeded

bp = Blueprint("proof", __name__)

HALF, BACK = "second_step", "back"  # what the cookie of a half signed-in browser holds
MOST_FIELDS = 400
PRESSED = {"pressed": ["1"]}  # what is sent again of a form that is a button alone; nobody reads it


def welcome(token: str, back: str | None) -> ResponseReturnValue:
    """Let this browser in, and know it from now on."""
    user = login.begin(token)
    if user.must_change_password:
        target = url_for("identity.password")
    elif not user.actor.can(OWN_ACCOUNT):  # a patient's passkey, which works at either door
        target = url_for(ports.patients_start)
    elif user.lacks_factor:
        target = url_for("identity.account")
    else:
        target = back or nav.first_for(user.actor)
    if user.actor.user_id and devices.has_strange(user.actor.user_id, login.source()):
        told = LastAct(text=_("A device you have not named signed in as you: see My account."))
        flash(asdict(told), ACT)  # type: ignore[arg-type]
    return login.keep_device(see_other(target))


def ask_second_step(token: str, back: str | None) -> ResponseReturnValue:
    """Lead a browser on whose person has shown the password. Nothing of its former session stays."""
    login.leave()
    session[HALF] = token
    if back:
        session[BACK] = back
    return see_other(url_for("proof.second"))


@bp.get("/login/second", endpoint="second")
@open_to_all("shows a form to who has just shown a password, and else leads away")
def show_second() -> ResponseReturnValue:
    return _second_page()


@bp.post("/login/second", endpoint="enter")
@open_to_all("this is where people show their second factor")
def enter() -> ResponseReturnValue:
    try:
        token = second_step.enter(session.get(HALF), request.form.get("code", ""), login.source())
    except ProofGone as error:
        return begin_again(error)
    except (WrongCode, TooManyTries) as error:
        return second_again(error)
    return welcome(token, forms.same_origin_path(session.get(BACK)))


def _second_page(errors: dict[str, str] | None = None) -> ResponseReturnValue:
    who = second_step.waiting(session.get(HALF))
    if who is None:
        return see_other(url_for("identity.login"))
    return render_template("identity/second.html", who=who, errors=errors or {})


def second_again(error: DomainError) -> ResponseReturnValue:
    return patiently(error, _second_page(errors=form_errors(error)))


def begin_again(error: DomainError) -> ResponseReturnValue:
    """Back to the first page, which says why."""
    session.pop(HALF, None)
    page = sign_in_page(errors=form_errors(error), back=forms.same_origin_path(session.get(BACK)))
    return make_response(page, error.status)


def sign_in_page(username: str = "", errors: dict[str, str] | None = None, back: str | None = None) -> str:
    """Return the page that asks for a name and a password, or a passkey."""
    shown = {"username": username, "errors": errors or {}, "next": back, "can_mail": ports.can_mail}
    return render_template("identity/login.html", **shown)


def patiently(error: DomainError, page: ResponseReturnValue) -> ResponseReturnValue:
    response = make_response(page, error.status)
    if isinstance(error, TooManyTries):
        response.headers["Retry-After"] = str(error.seconds)
    return response


def ask_proof(error: ProofNeeded) -> ResponseReturnValue:
    """Answer a dangerous act with the question who asks. What was typed stays: on the page where htmx sent
    it, and else in the question itself, which sends it again."""
    again, again_url = what_was_asked()
    return make_response(_proof(again=again, again_url=again_url), error.status)


def what_was_asked() -> tuple[dict[str, list[str]], str]:
    """Return the form that was sent, if one was, and where to. One without fields is one, too."""
    again: dict[str, list[str]] = {}
    if request.method == "POST":
        again = {name: values for name, values in request.form.lists() if name != "csrf_token"} or PRESSED
    return again, this_address()


@bp.get("/account/prove", endpoint="prove")
@needs(OWN_ACCOUNT)
def show_prove() -> ResponseReturnValue:
    return _proof(again={}, again_url=forms.same_origin_path(request.args.get("next")))


@bp.post("/account/prove")
@needs(OWN_ACCOUNT)
def check_proof() -> ResponseReturnValue:
    return proved_by(_proved)


def proved_by(prove: Callable[[UUID], str]) -> ResponseReturnValue:
    """Let ``prove`` say the session's new token; then what was asked about goes on."""
    user = login.signed_in()
    if user is None:
        raise SignInNeeded
    again, again_url = to_do_again()
    try:
        login.renew(prove(user.session_id))
    except (ProofGone, RuleBroken, TooManyTries) as error:
        return patiently(error, _proof(again=again, again_url=again_url, errors=form_errors(error)))
    return _go_on(again, again_url)


def _proved(session_id: UUID) -> str:
    if "code" in request.form:
        return proving.by_code(actor(), session_id, request.form["code"], login.source())
    return proving.by_password(actor(), session_id, request.form.get("password", ""), login.source())


def _go_on(again: dict[str, list[str]], again_url: str | None) -> ResponseReturnValue:
    if is_htmx():
        said = LastAct(text=_("It is you, thank you. What you typed is still there: press its button again."))
        return acted(said, redirect=url_for("identity.account"))
    if not again:
        return see_other(again_url or url_for("identity.account"))
    return render_template("identity/go_on.html", again=again, again_url=again_url)


def to_do_again() -> tuple[dict[str, list[str]], str | None]:
    """Return the form that the question carries along. The CSRF token guards it like any form of ours."""
    url = forms.same_origin_path(request.form.get("again_url"))
    try:
        kept = json.loads(request.form.get("again", "") or "{}")
    except ValueError:
        kept = {}
    if url is None or not isinstance(kept, dict) or len(kept) > MOST_FIELDS:
        return {}, url
    return {
        str(name): [str(value) for value in values]
        for name, values in kept.items()
        if isinstance(values, list)
    }, url


def _proof(
    *, again: dict[str, list[str]], again_url: str | None, errors: dict[str, str] | None = None
) -> str:
    who = actor()
    if who.user_id is None:
        raise SignInNeeded
    return render_template(
        "identity/_prove.html" if is_htmx() else "identity/prove.html",
        mine=factors.own(who.user_id),
        again=json.dumps(again, ensure_ascii=False) if again else "",
        again_url=again_url or "",
        errors=errors or {},
    )
