"""The wizard's pages. The first is opened by a key that the program printed; the others by signing in.

It can be left and taken up again at any time: what is done is read from what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from clinic_web.identity import api as identity
from clinic_web.kernel.errors import InvalidForm, RuleBroken, StaleScreen
from clinic_web.organization import api as organization
from clinic_web.setup import forms, service
from clinic_web.setup.pages import (
    MANAGE,
    REFUSALS,
    bp,
    chosen_id,
    clinic_choices,
    facility_id_or_none,
    first_missing,
    is_open,
    page,
    the_facility,
    version,
    while_setting_up,
    wrong,
)
from clinic_web.ui import texts
from clinic_web.ui.ports import ports
from clinic_web.ui.web import (
    actor,
    actor_or_none,
    form_errors,
    form_key,
    needs,
    open_to_all,
    see_other,
)

KEY = "setup_key"  # in the browser's session


@bp.get("", strict_slashes=False)
@open_to_all("asks for the key that the program printed when it started")
def start() -> ResponseReturnValue:
    """The first page; afterwards it leads to where the administrator left off."""
    if not is_open():
        who = actor_or_none()
        is_going_on = who is not None and organization.is_being_set_up(who)
        return redirect(url_for(first_missing(who)) if who and is_going_on else url_for("identity.start"))
    if "key" in request.args:  # out of the address, which people show and browsers keep
        session[KEY] = request.args["key"]
        return redirect(url_for("setup.start"))
    return _beginning({})


@bp.post("", strict_slashes=False)
@open_to_all("asks for the key that the program printed when it started")
def begin() -> ResponseReturnValue:
    key = request.form.get("key") or session.get(KEY)
    try:
        wanted = forms.read_beginning(request.form, texts.language())
        user_id = service.begin(key, wanted)
    except StaleScreen:
        return see_other(url_for("identity.start"))
    except (InvalidForm, RuleBroken) as error:
        return make_response(_beginning(request.form, form_errors(error)), error.status)
    source = identity.Source(ip_address=request.remote_addr, user_agent=request.headers.get("User-Agent"))
    token = identity.open_session(user_id, source)
    ports.begin_session(token)
    return see_other(url_for("setup.facility"))


def _beginning(values: Mapping[str, str], errors: dict[str, str] | None = None) -> str:
    return render_template(
        "setup/begin.html",
        values=values,
        errors=errors or {},
        has_key=service.opens(session.get(KEY)),
        was_wrong=bool(session.get(KEY)) and not service.opens(session.get(KEY)),
    )


@bp.get("/facility")
@needs(MANAGE)
@while_setting_up
def facility() -> str:
    facility_id = facility_id_or_none()
    row = organization.opened(actor(), "facilities", facility_id) if facility_id else None
    usual = {"timezone": "Africa/Cairo", "currency": "EGP", "phone_country": "EG", "languages": "ar,en"}
    return _facility_page(row.values if row else usual, row, is_guess=row is None)


def _facility_page(values: Mapping[str, str], row: organization.Opened | None, **context: Any) -> str:
    return page(
        "facility.html",
        "facility",
        values=values,
        row=row,
        version=context.pop("version", row.version if row else 0),
        offered=organization.choices(actor(), "facilities"),
        **context,
    )


FACILITY = (
    "name", "name_ar", "timezone", "currency", "phone_country", "languages", "phone", "address", "address_ar",
    "registration", "registration_ar",
)  # fmt: skip


@bp.post("/facility")
@needs(MANAGE)
@while_setting_up
def save_facility() -> ResponseReturnValue:
    typed = {name: request.form.get(name, "") for name in FACILITY}
    facility_id = facility_id_or_none()
    try:
        service.save_facility(actor(), typed, facility_id=facility_id, version=version(), key=form_key())
    except REFUSALS as error:
        row = organization.opened(actor(), "facilities", facility_id) if facility_id else None
        return wrong(error, _facility_page(typed, row, errors=form_errors(error), is_guess=False))
    return see_other(url_for("setup.clinics"))


@bp.get("/clinics")
@needs(MANAGE)
@while_setting_up
def clinics() -> str:
    the_facility()
    clinic_id = chosen_id("clinic")
    row = organization.opened(actor(), "clinics", clinic_id) if clinic_id else None
    rooms = ", ".join(_rooms().get(clinic_id, [])) if clinic_id else ""
    return _clinics_page((row.values | {"rooms": rooms}) if row else {}, row)


def _rooms() -> dict[UUID | None, list[str]]:
    found: dict[UUID | None, list[str]] = {}
    for room in organization.lines(actor(), "rooms"):
        found.setdefault(room.values["clinic_id"], []).append(room.name)
    return found


def _clinics_page(values: Mapping[str, str], row: organization.Opened | None, **context: Any) -> str:
    return page(
        "clinics.html",
        "clinics",
        values=values,
        row=row,
        version=row.version if row else 0,
        lines=organization.lines(actor(), "clinics"),
        rooms=_rooms(),
        **context,
    )


@bp.post("/clinics")
@needs(MANAGE)
@while_setting_up
def save_clinic() -> ResponseReturnValue:
    clinic_id, key = chosen_id("clinic"), form_key() or ""
    typed = {name: request.form.get(name, "") for name in ("name", "name_ar")}
    try:
        rooms = forms.read_rooms(request.form)
        if clinic_id:
            service.change_clinic(actor(), clinic_id, typed, rooms, version=version(), key=key)
        else:
            typed["facility_id"] = str(the_facility())
            prefix = forms.read_prefix(request.form, typed["name"])
            service.add_clinic(actor(), typed, rooms, prefix, key=key)
    except REFUSALS as error:
        row = organization.opened(actor(), "clinics", clinic_id) if clinic_id else None
        return wrong(error, _clinics_page(request.form, row, errors=form_errors(error)))
    return see_other(url_for("setup.clinics"))


@bp.get("/services")
@needs(MANAGE)
@while_setting_up
def services() -> str:
    service_id = chosen_id("service")
    row = organization.opened(actor(), "services", service_id) if service_id else None
    return _services_page(row.values if row else {"duration_minutes": "20"}, row)


def _services_page(values: Mapping[str, str], row: organization.Opened | None, **context: Any) -> str:
    facility_id = the_facility()
    return page(
        "services.html",
        "services",
        values=values,
        row=row,
        version=row.version if row else 0,
        lines=organization.lines(actor(), "services"),
        clinics=clinic_choices(),
        currency=organization.opened(actor(), "facilities", facility_id).values["currency"],
        **context,
    )


SERVICE = ("name", "name_ar", "clinic_id", "duration_minutes", "price", "share_percent")


@bp.post("/services")
@needs(MANAGE)
@while_setting_up
def save_service() -> ResponseReturnValue:
    service_id = chosen_id("service")
    typed = {name: request.form.get(name, "") for name in SERVICE}
    try:
        if service_id:
            organization.change_row(actor(), "services", service_id, typed, version=version())
        else:
            organization.add_row(actor(), "services", typed, key=form_key())
    except REFUSALS as error:
        row = organization.opened(actor(), "services", service_id) if service_id else None
        return wrong(error, _services_page(typed, row, errors=form_errors(error)))
    return see_other(url_for("setup.services"))
