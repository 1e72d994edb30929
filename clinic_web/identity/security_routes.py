"""One's own second factors and devices, as /account shows them."""

from __future__ import annotations

import io
from uuid import UUID

import segno
from flask import Blueprint, make_response, render_template, url_for
from flask import request as asked
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from clinic_web.identity import forms, login
from clinic_web.identity.permissions import OWN_ACCOUNT
from clinic_web.identity.ports import ports
from clinic_web.identity.service import devices, factors, letters
from clinic_web.kernel.errors import DomainError, RuleBroken, StaleScreen
from clinic_web.ui.texts import say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, needs, see_other

bp = Blueprint("security", __name__, url_prefix="/account")


@bp.post("/app/begin")
@needs(OWN_ACCOUNT, fresh=True)
def begin_app() -> ResponseReturnValue:
    """Pressed again it makes another seed; the one before was never confirmed."""
    factors.begin_app(actor())
    return see_other(url_for("security.app"))


@bp.get("/app", endpoint="app")
@needs(OWN_ACCOUNT)
def show_app() -> ResponseReturnValue:
    return _app_page()


@bp.post("/app")
@needs(OWN_ACCOUNT)
def confirm_app() -> ResponseReturnValue:
    """The right code is the proof of a second factor: this session has one from now on."""
    try:
        fresh = factors.confirm_app(actor(), asked.form.get("code", ""))
    except RuleBroken as error:
        return make_response(_app_page(form_errors(error)), error.status)
    except StaleScreen:
        return see_other(url_for("identity.account"))
    login.proved_by_factor()
    return codes_page(fresh, _("Your app is set up."))


def _app_page(errors: dict[str, str] | None = None) -> ResponseReturnValue:
    begun = factors.begun(actor())
    if begun is None:
        return see_other(url_for("identity.account"))
    shown = {"seed": begun.seed, "picture": picture(begun.uri), "errors": errors or {}}
    return render_template("identity/app.html", **shown)


def picture(uri: str) -> Markup:
    """Return a QR code as SVG: shapes and classes only, because the page allows no inline style."""
    out = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        omitsize=True,
        border=4,
        svgclass="qr",
        lineclass=None,
        nl=False,
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno from our own address


@bp.post("/codes")
@needs(OWN_ACCOUNT, fresh=True)
def renew_codes() -> ResponseReturnValue:
    return codes_page(factors.renew_codes(actor()), _("These codes take the place of those before."))


def codes_page(codes: list[str] | None, sentence: str) -> ResponseReturnValue:
    """Show recovery codes in this one answer; they are kept nowhere."""
    if codes is None:
        return acted(LastAct(text=sentence), redirect=url_for("identity.account"))
    return render_template("identity/codes.html", codes=codes, sentence=sentence)


@bp.post("/factors/<uuid:factor_id>/remove")
@needs(OWN_ACCOUNT, fresh=True)
def remove_factor(factor_id: UUID) -> ResponseReturnValue:
    try:
        factors.remove(actor(), factor_id)
    except RuleBroken as error:
        return refused(error)
    return acted(
        LastAct(text=_("It opens nothing any more.")),
        redirect=url_for("identity.account"),
        panel=security_panel(),
    )


@bp.get("/passkeys/new")
@needs(OWN_ACCOUNT, fresh=True)
def new_passkey() -> ResponseReturnValue:
    return render_template("identity/passkey.html", errors={})


def passkey_again(error: DomainError) -> ResponseReturnValue:
    page = render_template("identity/passkey.html", errors=form_errors(error))
    return make_response(page, error.status)


@bp.post("/devices/<uuid:device_id>/mine")
@needs(OWN_ACCOUNT)
def accept_device(device_id: UUID) -> ResponseReturnValue:
    try:
        devices.accept(actor(), device_id, login.source())
    except RuleBroken as error:
        return make_response(devices_panel({"device": say(error)}), error.status)
    return _of_devices(_("Noted: this device is yours."))


@bp.post("/devices/<uuid:device_id>/forget")
@needs(OWN_ACCOUNT)
def forget_device(device_id: UUID) -> ResponseReturnValue:
    devices.forget(actor(), device_id)
    return _of_devices(_("The device was signed out and forgotten."))


def _of_devices(sentence: str) -> ResponseReturnValue:
    return acted(LastAct(text=sentence), redirect=url_for("identity.account"), panel=devices_panel())


def devices_panel(errors: dict[str, str] | None = None) -> str:
    who = actor()
    assert who.user_id is not None  # noqa: S101 - a route that people use
    known = devices.own(who.user_id, login.source())
    return render_template("identity/_devices.html", devices=known, errors=errors or {})


@bp.post("/email")
@needs(OWN_ACCOUNT, fresh=True)
def change_email() -> ResponseReturnValue:
    try:
        letters.change_address(actor(), forms.read_email(asked.form))
    except RuleBroken as error:
        typed = {"typed": asked.form.get("email", ""), "is_verified": False, "can_mail": False}
        page = render_template("identity/_email.html", email=typed, errors=form_errors(error))
        return make_response(page, error.status)
    panel = render_template("identity/_email.html", email=address(), errors={})
    return acted(
        LastAct(text=_("Your address was changed.")), redirect=url_for("identity.account"), panel=panel
    )


def address() -> dict[str, object]:
    typed, is_verified = letters.address_of(actor())
    return {"typed": typed, "is_verified": is_verified, "can_mail": ports.can_mail}


def refused(error: DomainError) -> ResponseReturnValue:
    return make_response(security_panel(form_errors(error)), error.status)


def security_panel(errors: dict[str, str] | None = None) -> str:
    who = actor()
    assert who.user_id is not None  # noqa: S101 - a route that people use
    return render_template("identity/_security.html", mine=factors.own(who.user_id), errors=errors or {})
