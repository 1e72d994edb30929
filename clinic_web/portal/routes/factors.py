"""One's own second factors, and the question whether it is still oneself."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

from flask import make_response, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity.api import entrance
from clinic_web.kernel.errors import RuleBroken, StaleScreen
from clinic_web.portal.routes import ACCOUNT, bp
from clinic_web.portal.routes.account import account_page, done
from clinic_web.portal.routes.doors import back_of, put
from clinic_web.ui.web import SignInNeeded, actor, form_errors, needs, see_other
from clinic_web.ui.who import ProofNeeded


@bp.post("/account/app/begin")
@needs(ACCOUNT, fresh=True)
def begin_app() -> ResponseReturnValue:
    entrance.factors.begin_app(actor())
    return see_other(url_for("portal.app"))


@bp.get("/account/app", endpoint="app")
@needs(ACCOUNT)
def show_app() -> ResponseReturnValue:
    return _app_page()


@bp.post("/account/app", endpoint="confirm_app")
@needs(ACCOUNT)
def confirm_app() -> ResponseReturnValue:
    """The right code is the proof of a second factor: this session has one from now on."""
    try:
        fresh = entrance.factors.confirm_app(actor(), request.form.get("code", ""))
    except RuleBroken as error:
        return make_response(_app_page(form_errors(error)), error.status)
    except StaleScreen:
        return see_other(url_for("portal.account"))
    entrance.proved_by_factor()
    return codes_page(fresh, _("Your app is set up."))


def _app_page(errors: dict[str, str] | None = None) -> ResponseReturnValue:
    begun = entrance.factors.begun(actor())
    if begun is None:
        return see_other(url_for("portal.account"))
    shown = {"seed": begun.seed, "picture": entrance.picture(begun.uri), "errors": errors or {}}
    return render_template("portal/app.html", **shown)


@bp.post("/account/codes")
@needs(ACCOUNT, fresh=True)
def renew_codes() -> ResponseReturnValue:
    try:
        fresh = entrance.factors.renew_codes(actor())
    except RuleBroken as error:
        return account_page(error)
    return codes_page(fresh, _("These codes take the place of those before."))


def codes_page(codes: list[str] | None, sentence: str) -> ResponseReturnValue:
    """Show recovery codes in this one answer; they are kept nowhere."""
    if codes is None:
        return done(sentence)
    return render_template("portal/codes.html", codes=codes, sentence=sentence)


@bp.post("/account/factors/<uuid:factor_id>/remove")
@needs(ACCOUNT, fresh=True)
def remove_factor(factor_id: UUID) -> ResponseReturnValue:
    try:
        entrance.factors.remove(actor(), factor_id)
    except RuleBroken as error:
        return account_page(error)
    return done(_("It opens nothing any more."))


@bp.get("/account/passkeys/new")
@needs(ACCOUNT, fresh=True)
def new_passkey() -> ResponseReturnValue:
    return render_template("portal/passkey.html", errors={})


@bp.post("/account/passkeys/options")
@needs(ACCOUNT, fresh=True)
def ask_to_register() -> ResponseReturnValue:
    return put(entrance.passkeys.ask_to_register(actor(), entrance.site()))


@bp.post("/account/passkeys", endpoint="register_passkey")
@needs(ACCOUNT, fresh=True)
def register() -> ResponseReturnValue:
    answer, asked = request.form.get("credential", ""), session.pop(entrance.ASKED, None)
    name = request.form.get("name", "") or request.user_agent.platform or _("Passkey")
    try:
        codes = entrance.passkeys.register(actor(), asked, answer, name, entrance.site())
    except entrance.ProofGone:
        return see_other(url_for("portal.account"))
    except RuleBroken as error:
        page = render_template("portal/passkey.html", errors=form_errors(error))
        return make_response(page, error.status)
    entrance.proved_by_factor()
    return codes_page(codes, _("Your passkey is set up."))


@bp.errorhandler(ProofNeeded)
def ask_proof(error: ProofNeeded) -> ResponseReturnValue:
    """Answer a dangerous act with the question who asks; what was typed goes along and is sent again."""
    again, again_url = entrance.what_was_asked()
    return make_response(_proof_page(again, again_url), error.status)


@bp.post("/account/prove", endpoint="prove")
@needs(ACCOUNT)
def check_proof() -> ResponseReturnValue:
    return _proved_by(_prove)


@bp.post("/account/prove/passkey/options")
@needs(ACCOUNT)
def ask_passkey() -> ResponseReturnValue:
    who = actor()
    if who.user_id is None:
        raise SignInNeeded
    return put(entrance.passkeys.ask_person(who.user_id, entrance.site(), entrance.source()))


@bp.post("/account/prove/passkey")
@needs(ACCOUNT)
def prove_by_passkey() -> ResponseReturnValue:
    answer, asked = request.form.get("credential", ""), session.pop(entrance.ASKED, None)
    return _proved_by(
        lambda session_id: entrance.passkeys.prove(actor(), session_id, asked, answer, entrance.site())
    )


def _prove(session_id: UUID) -> str:
    if "code" in request.form:
        return entrance.proving.by_code(actor(), session_id, request.form["code"], entrance.source())
    return entrance.proving.by_password(
        actor(), session_id, request.form.get("password", ""), entrance.source()
    )


def _proved_by(prove: Callable[[UUID], str]) -> ResponseReturnValue:
    """Let ``prove`` say the session's new token; then what was asked about goes on."""
    user = entrance.signed_in()
    if user is None:
        raise SignInNeeded
    again, typed_url = entrance.to_do_again()
    again_url = back_of(typed_url) or url_for("portal.account")
    try:
        entrance.renew(prove(user.session_id))
    except (entrance.ProofGone, RuleBroken, entrance.TooManyTries) as error:
        return entrance.patiently(error, _proof_page(again, again_url, form_errors(error)))
    if not again:
        return see_other(again_url)
    return render_template("portal/go_on.html", again=again, again_url=again_url)


def _proof_page(again: dict[str, list[str]], again_url: str, errors: dict[str, str] | None = None) -> str:
    who = actor()
    if who.user_id is None:
        raise SignInNeeded
    fields = {"again": json.dumps(again, ensure_ascii=False) if again else "", "again_url": again_url}
    mine = entrance.factors.own(who.user_id)
    return render_template("portal/prove.html", mine=mine, fields=fields, errors=errors or {})
