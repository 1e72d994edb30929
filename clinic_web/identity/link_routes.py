"""Forgotten passwords, and where the links in letters lead. A link's token leaves the address bar at once."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity import forms, login
from clinic_web.identity.links import VERIFY
from clinic_web.identity.ports import ports
from clinic_web.identity.service import links
from clinic_web.identity.service.links import LinkGone
from clinic_web.identity.service.tries import TooManyTries
from clinic_web.kernel.errors import InvalidForm, NotFound, RuleBroken
from clinic_web.ui.web import form_errors, open_to_all, see_other

bp = Blueprint("links", __name__)

LINK = "link"  # the token, in the cookie of the browser that followed the link
DONE = "done"  # the category under which the sign-in page is told what was done


@bp.get("/login/forgotten", endpoint="forgotten")
@open_to_all("shows an empty form")
def show_forgotten() -> ResponseReturnValue:
    if not ports.can_mail:
        raise NotFound
    return render_template("identity/forgotten.html", typed="", errors={}, is_sent=False)


@bp.post("/login/forgotten", endpoint="send_link")
@open_to_all("answers the same whoever asks about whomever")
def forget_password() -> ResponseReturnValue:
    if not ports.can_mail:
        raise NotFound
    typed = request.form.get("username", "").strip()
    shown: dict[str, object] = {"typed": typed, "errors": {}, "is_sent": bool(typed)}
    if not typed:
        shown["errors"] = {"username": _("Please type your user name.")}
        return make_response(render_template("identity/forgotten.html", **shown), RuleBroken.status)
    try:
        links.forgotten(typed, login.source())
    except TooManyTries as error:
        shown |= {"errors": form_errors(error), "is_sent": False}
        response = make_response(render_template("identity/forgotten.html", **shown), error.status)
        response.headers["Retry-After"] = str(error.seconds)
        return response
    return render_template("identity/forgotten.html", **shown)


@bp.get("/link/<token>")
@open_to_all("the token in a letter is the proof; it moves into the cookie and out of the address bar")
def follow(token: str) -> ResponseReturnValue:
    session[LINK] = token
    return see_other(url_for("links.opened"))


@bp.get("/link", endpoint="opened")
@open_to_all("shows what the link in the cookie is for, if it is one")
def show_link() -> ResponseReturnValue:
    return _page()


@bp.post("/link", endpoint="use")
@open_to_all("uses the link in the cookie up, if it is one")
def use() -> ResponseReturnValue:
    token = session.get(LINK)
    try:
        if links.opened(token).purpose == VERIFY:
            links.confirm_address(token)
            said = _("Thank you: this address is yours.")
        else:
            links.choose_password(token, forms.read_new_password(request.form))
            said = _("Your password is chosen. Please sign in with it.")
    except LinkGone:
        return _page()
    except (InvalidForm, RuleBroken) as error:
        return _page(form_errors(error), error.status)
    session.pop(LINK, None)
    flash(said, DONE)
    return see_other(url_for("identity.login"))


def _page(errors: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    try:
        link = links.opened(session.get(LINK))
    except LinkGone as error:
        session.pop(LINK, None)
        page = render_template(
            "identity/link.html", link=None, can_mail=ports.can_mail, errors=form_errors(error)
        )
        return make_response(page, error.status)
    shown = {"link": link, "is_verify": link.purpose == VERIFY, "errors": errors or {}}
    return make_response(render_template("identity/link.html", **shown), status)
