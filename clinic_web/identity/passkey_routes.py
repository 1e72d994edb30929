"""Passkeys: the question to the browser as JSON, and its answer as an ordinary form."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.config import Settings
from clinic_web.identity import forms, login, proof_routes, security_routes
from clinic_web.identity.permissions import OWN_ACCOUNT
from clinic_web.identity.service import passkeys
from clinic_web.identity.service.challenges import ProofGone
from clinic_web.identity.service.passkeys import Question, Site
from clinic_web.kernel.errors import RuleBroken
from clinic_web.ui.web import SignInNeeded, actor, needs, open_to_all, see_other

bp = Blueprint("passkeys", __name__)

ASKED = "passkey"  # the token of the question, in the cookie of the browser that was asked


def site() -> Site:
    settings: Settings = current_app.config["SETTINGS"]
    return Site(settings.public_url)


def _put(question: Question) -> Response:
    """The browser keeps the token in its cookie: the answer counts from there and from nowhere else."""
    session[ASKED] = question.token
    return Response(question.options, mimetype="application/json")


@bp.post("/login/passkey/options")
@open_to_all("asks for a passkey, which proves who its owner is")
def ask_anybody() -> ResponseReturnValue:
    return _put(passkeys.ask_anybody(site(), login.source()))


@bp.post("/login/passkey")
@open_to_all("this is where people prove who they are, by a passkey alone")
def enter() -> ResponseReturnValue:
    answer, asked = request.form.get("credential", ""), session.pop(ASKED, None)
    try:
        token = passkeys.enter(asked, answer, site(), login.source())
    except (ProofGone, RuleBroken) as error:
        return proof_routes.begin_again(error)
    return proof_routes.welcome(token, forms.same_origin_path(request.form.get("next")))


@bp.post("/login/second/passkey/options")
@open_to_all("asks who has just shown a password for their passkey")
def ask_at_second_step() -> ResponseReturnValue:
    return _put(passkeys.ask_at_second_step(session.get(proof_routes.HALF), site(), login.source()))


@bp.post("/login/second/passkey")
@open_to_all("this is where people show their second factor")
def enter_second_step() -> ResponseReturnValue:
    answer, asked = request.form.get("credential", ""), session.pop(ASKED, None)
    half = session.get(proof_routes.HALF)
    try:
        token = passkeys.enter_second_step(half, asked, answer, site(), login.source())
    except ProofGone as error:
        return proof_routes.begin_again(error)
    except RuleBroken as error:
        return proof_routes.second_again(error)
    return proof_routes.welcome(token, forms.same_origin_path(session.get(proof_routes.BACK)))


@bp.post("/account/prove/passkey/options")
@needs(OWN_ACCOUNT)
def ask_proof() -> ResponseReturnValue:
    who = actor()
    if who.user_id is None:
        raise SignInNeeded
    return _put(passkeys.ask_person(who.user_id, site(), login.source()))


@bp.post("/account/prove/passkey")
@needs(OWN_ACCOUNT)
def prove() -> ResponseReturnValue:
    answer, asked = request.form.get("credential", ""), session.pop(ASKED, None)
    return proof_routes.proved_by(
        lambda session_id: passkeys.prove(actor(), session_id, asked, answer, site())
    )


@bp.post("/account/passkeys/options")
@needs(OWN_ACCOUNT, fresh=True)
def ask_to_register() -> ResponseReturnValue:
    return _put(passkeys.ask_to_register(actor(), site()))


@bp.post("/account/passkeys")
@needs(OWN_ACCOUNT, fresh=True)
def register() -> ResponseReturnValue:
    answer, asked = request.form.get("credential", ""), session.pop(ASKED, None)
    name = request.form.get("name", "") or request.user_agent.platform or _("Passkey")
    try:
        codes = passkeys.register(actor(), asked, answer, name, site())
    except ProofGone:
        return see_other(url_for("identity.account"))
    except RuleBroken as error:
        return security_routes.passkey_again(error)
    login.proved_by_factor()
    return security_routes.codes_page(codes, _("Your passkey is set up."))
