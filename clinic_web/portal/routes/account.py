"""One's own account of the portal: language, password, address, sessions."""

from __future__ import annotations

from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from clinic_web.identity.api import entrance
from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken
from clinic_web.portal.routes import ACCOUNT, bp
from clinic_web.portal.routes.doors import back_of
from clinic_web.ui.web import LastAct, SignInNeeded, acted, actor, form_errors, needs, see_other


@bp.get("/account", endpoint="account")
@needs(ACCOUNT)
def show_account() -> ResponseReturnValue:
    return account_page()


def account_page(error: DomainError | None = None) -> ResponseReturnValue:
    """Return the page; what was refused stands on top of it."""
    user = entrance.signed_in()
    if user is None or user.actor.user_id is None:
        raise SignInNeeded
    address, is_verified = entrance.letters.address_of(user.actor)
    page = render_template(
        "portal/account.html",
        sessions=entrance.open_sessions(user.actor.user_id, user.session_id),
        mine=entrance.factors.own(user.actor.user_id),
        address=request.form.get("email", address) if error else address,
        is_verified=is_verified,
        can_mail=entrance.ports.can_mail,
        errors=form_errors(error) if error else {},
    )
    return make_response(page, error.status if error else 200)


def done(sentence: str) -> ResponseReturnValue:
    return acted(LastAct(text=sentence), redirect=url_for("portal.account"))


@bp.post("/account/settings")
@needs(ACCOUNT)
def save_settings() -> ResponseReturnValue:
    form = request.form
    entrance.people.choose(actor(), language=form.get("locale") or None, theme=form.get("theme") or None)
    return see_other(back_of(form.get("next")) or url_for("portal.account"))


@bp.get("/account/password", endpoint="password")
@needs(ACCOUNT)
def show_password() -> str:
    return render_template("portal/password.html", errors={})


@bp.post("/account/password", endpoint="change_password")
@needs(ACCOUNT)
def change_password() -> ResponseReturnValue:
    """Other browsers are signed out; this one goes on."""
    try:
        typed = entrance.read_password(request.form)
        entrance.people.change_password(actor(), typed.current, typed.new, keep=entrance.session_id())
    except (InvalidForm, RuleBroken) as error:
        page = render_template("portal/password.html", errors=form_errors(error))
        return make_response(page, error.status)
    return done(_("Your password was changed."))


@bp.post("/account/email")
@needs(ACCOUNT, fresh=True)
def change_email() -> ResponseReturnValue:
    try:
        entrance.letters.change_address(actor(), entrance.read_email(request.form))
    except RuleBroken as error:
        return account_page(error)
    return done(_("Your address was changed."))


@bp.post("/account/sessions/<uuid:session_id>/end")
@needs(ACCOUNT, fresh=True)
def end_session(session_id: UUID) -> ResponseReturnValue:
    entrance.sessions.revoke_session(actor(), session_id)
    return done(_("The session was ended."))


@bp.post("/account/sessions/end")
@needs(ACCOUNT, fresh=True)
def end_others() -> ResponseReturnValue:
    user = entrance.signed_in()
    if user is None:
        raise SignInNeeded
    count = entrance.sessions.revoke_others(actor(), user.session_id)
    return done(ngettext("%(num)s other session was ended.", "%(num)s other sessions were ended.", count))
