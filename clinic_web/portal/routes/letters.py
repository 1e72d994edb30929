"""Forgotten passwords, and where the links in letters lead. A link's token leaves the address bar at once."""

from __future__ import annotations

from flask import flash, make_response, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity.api import entrance
from clinic_web.kernel.errors import InvalidForm, NotFound, RuleBroken
from clinic_web.portal import forms
from clinic_web.portal.routes import bp
from clinic_web.portal.routes.doors import DONE
from clinic_web.ui.web import form_errors, open_to_all, see_other

LINK = "portal_link"


@bp.get("/login/forgotten", endpoint="forgotten")
@open_to_all("shows an empty form")
def show_forgotten() -> ResponseReturnValue:
    if not entrance.ports.can_mail:
        raise NotFound
    return render_template("portal/forgotten.html", typed="", errors={}, is_sent=False)


@bp.post("/login/forgotten", endpoint="send_link")
@open_to_all("answers the same whoever asks about whomever")
def forget_password() -> ResponseReturnValue:
    if not entrance.ports.can_mail:
        raise NotFound
    typed = request.form.get("username", "").strip()
    shown: dict[str, object] = {"typed": typed, "errors": {}, "is_sent": bool(typed)}
    if not typed:
        shown["errors"] = {"username": _("Please type your e-mail address or your telephone number.")}
        return make_response(render_template("portal/forgotten.html", **shown), RuleBroken.status)
    try:
        entrance.links.forgotten(forms.username(typed), entrance.source(), kind=entrance.PATIENT)
    except entrance.TooManyTries as error:
        shown |= {"errors": form_errors(error), "is_sent": False}
        return entrance.patiently(error, render_template("portal/forgotten.html", **shown))
    return render_template("portal/forgotten.html", **shown)


@bp.get("/link/<token>")
@open_to_all("the token in a letter is the proof; it moves into the cookie and out of the address bar")
def follow(token: str) -> ResponseReturnValue:
    session[LINK] = token
    return see_other(url_for("portal.opened"))


@bp.get("/link", endpoint="opened")
@open_to_all("shows what the link in the cookie is for, if it is one")
def show_link() -> ResponseReturnValue:
    return _page()


@bp.post("/link", endpoint="use")
@open_to_all("uses the link in the cookie up, if it is one")
def use() -> ResponseReturnValue:
    token = session.get(LINK)
    try:
        if entrance.links.opened(token, kind=entrance.PATIENT).purpose == entrance.VERIFY:
            entrance.links.confirm_address(token, kind=entrance.PATIENT)
            said = _("Thank you: this address is yours.")
        else:
            entrance.links.choose_password(
                token, entrance.read_new_password(request.form), kind=entrance.PATIENT
            )
            said = _("Your password is chosen. Please sign in with it.")
    except entrance.LinkGone:
        return _page()
    except (InvalidForm, RuleBroken) as error:
        return _page(form_errors(error), error.status)
    session.pop(LINK, None)
    flash(said, DONE)
    return see_other(url_for("portal.login"))


def _page(errors: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    can_mail = entrance.ports.can_mail
    try:
        link = entrance.links.opened(session.get(LINK), kind=entrance.PATIENT)
    except entrance.LinkGone as error:
        session.pop(LINK, None)
        page = render_template("portal/link.html", link=None, can_mail=can_mail, errors=form_errors(error))
        return make_response(page, error.status)
    shown = {"link": link, "is_verify": link.purpose == entrance.VERIFY, "errors": errors or {}}
    return make_response(render_template("portal/link.html", **shown), status)
