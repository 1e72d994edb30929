"""The wizard's last steps: doctors with their hours, who signs in, and the end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import request, url_for
from flask.typing import ResponseReturnValue

from clinic_web.identity import api as identity
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.setup import forms, service
from clinic_web.setup.pages import (
    GIVE_ACCESS,
    MANAGE,
    REFUSALS,
    bp,
    chosen_id,
    clinic_choices,
    page,
    the_facility,
    version,
    while_setting_up,
    wrong,
)
from clinic_web.ui import texts
from clinic_web.ui.texts import say
from clinic_web.ui.web import actor, form_errors, form_key, needs, see_other

A_MONDAY = date(2024, 1, 1)
SATURDAY = 5
ACCOUNT = ("first_name", "last_name", "username", "language")
ROLES = {
    "receptionist": N_("Receptionist"),
    "cashier": N_("Cashier"),
    "doctor": N_("Doctor"),
    "nurse": N_("Nurse"),
    "manager": N_("Manager"),
}


@bp.get("/doctors")
@needs(MANAGE)
@while_setting_up
def doctors() -> str:
    staff_id = chosen_id("doctor")
    if staff_id is None:
        usual = {"from_1": "09:00", "to_1": "14:00", "share_percent": "0"}
        days = {f"day_{day}": "1" for day in (6, 0, 1, 2, 3)}
        return _doctors_page(usual | days, None)
    row = organization.opened(actor(), "staff", staff_id)
    return _doctors_page(row.values | _hours_typed(staff_id, row), row)


def _hours_typed(staff_id: UUID, row: organization.Opened) -> dict[str, str]:
    """The wizard knows one week for all clinics; what was made apart since is edited under Set-up."""
    first = row.values["clinic_ids"].split(",")[0]
    weeks = organization.weeks_of(actor(), staff_id, UUID(first)) if first else []
    spans = weeks[0].spans if weeks else ()
    typed = {f"day_{each.weekday}": "1" for each in spans}
    for number, span in enumerate([each for each in spans if each.weekday == spans[0].weekday][:2], start=1):
        typed[f"from_{number}"], typed[f"to_{number}"] = f"{span.starts_at:%H:%M}", f"{span.ends_at:%H:%M}"
    return typed


def _doctors_page(values: Mapping[str, str], row: organization.Opened | None, **context: Any) -> str:
    who = actor()
    the_facility()
    order = [(SATURDAY + offset) % 7 for offset in range(7)]
    lines = [each for each in organization.lines(who, "staff") if each.values["profession"] == "DOCTOR"]
    return page(
        "doctors.html",
        "doctors",
        values=values,
        chosen=request.form.getlist("clinic_ids") or values.get("clinic_ids", "").split(","),
        row=row,
        version=row.version if row else 0,
        lines=lines,
        clinics=clinic_choices(),
        rooms=[(str(each.id), each.name) for each in organization.lines(who, "rooms")],
        days=[(day, A_MONDAY + timedelta(days=day)) for day in order],
        shifts=organization.hours_by_person(who),
        **context,
    )


@bp.post("/doctors")
@needs(MANAGE)
@while_setting_up
def save_doctor() -> ResponseReturnValue:
    staff_id = chosen_id("doctor")
    try:
        wanted = forms.read_doctor(request.form, the_facility())
        service.save_doctor(actor(), wanted, staff_id=staff_id, version=version(), key=form_key())
    except REFUSALS as error:
        row = organization.opened(actor(), "staff", staff_id) if staff_id else None
        return wrong(error, _doctors_page(request.form, row, errors=form_errors(error)))
    return see_other(url_for("setup.doctors"))


@bp.get("/people")
@needs(GIVE_ACCESS)
@while_setting_up
def people() -> str:
    """A doctor's name leads here with the form filled in."""
    staff_id = chosen_id("staff")
    usual = {"role": "receptionist", "language": texts.language()}
    if staff_id:
        row = organization.opened(actor(), "staff", staff_id)
        named = {name: row.values[name] for name in ("first_name", "last_name")}
        usual |= {"role": "doctor", "staff_id": str(staff_id), **named}
    return _people_page(usual)


def _people_page(values: Mapping[str, str], **context: Any) -> str:
    who = actor()
    known = identity.actors_of(who.organization_id)
    without = [
        each
        for each in organization.staff_offered(who)
        if each.id not in {person.staff_id for person in known.values()}
    ]
    return page(
        "people.html",
        "people",
        values=values,
        known=sorted((person.name, username) for username, person in known.items()),
        without=without,
        staff=[(str(each.id), texts.local_name(each.name, each.name_ar)) for each in without],
        roles=[(name, say(word)) for name, word in ROLES.items()],
        **context,
    )


@bp.post("/people")
@needs(GIVE_ACCESS)
@while_setting_up
def add_person() -> ResponseReturnValue:
    """The password is on this one answer only, as everywhere else."""
    try:
        if request.form.get("role") not in ROLES:
            raise RuleBroken(N_("Choose one of these."), field="role")
        if request.form["role"] == "doctor" and not request.form.get("staff_id"):
            raise RuleBroken(N_("Say which doctor this is: their own line depends on it."), field="staff_id")
        handed = identity.hand_access(
            actor(),
            {
                name: request.form.get(name, "")
                for name in ("first_name", "last_name", "username", "language")
            },
            role=request.form["role"],
            facility_id=the_facility(),
            staff_id=chosen_id("staff_id"),
            key=form_key(),
        )
    except REFUSALS as error:
        return wrong(error, _people_page(request.form, errors=form_errors(error)))
    usual = {"role": "receptionist", "language": texts.language()}
    return _people_page(usual, handed=handed, username=request.form.get("username", ""))


@bp.get("/done")
@needs(MANAGE)
@while_setting_up
def done() -> str:
    return page("done.html", "done")


@bp.post("/done")
@needs(MANAGE)
@while_setting_up
def finish() -> ResponseReturnValue:
    """The wizard closes for good once a desk could book somebody."""
    if not organization.survey(actor()).can_open:
        error = RuleBroken(N_("Something a day's work needs is still missing; see the steps without a tick."))
        return wrong(error, page("done.html", "done", errors=form_errors(error)))
    organization.finish_set_up(actor())
    return see_other(url_for("reception.desk"))
