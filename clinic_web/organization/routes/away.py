"""Leave: who is away and when; who has an appointment then is one link away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.organization import directory as kept
from clinic_web.organization import leave
from clinic_web.organization.directory import Directory, StaffInfo
from clinic_web.organization.models import LEAVE_KINDS, SESSION_CANCELLED
from clinic_web.organization.routes import bp
from clinic_web.organization.setting_up import away, reading
from clinic_web.organization.setting_up.away import Away
from clinic_web.ui import admin
from clinic_web.ui.texts import local_name, say
from clinic_web.ui.web import (
    LastAct,
    acted,
    actor,
    form_errors,
    form_key,
    needs,
    new_key,
    page_or_fragment,
)

MANAGE = "organization.manage"
KIND_WORDS = {
    "VACATION": N_("Vacation"),
    "SICK": N_("Ill"),
    "TRAINING": N_("Training"),
    "OTHER": N_("Other"),
    SESSION_CANCELLED: N_("Session cancelled"),
}


@bp.get("/leave", endpoint="leave")
@needs(MANAGE)
def show() -> str:
    return _page({})


@bp.post("/leave", endpoint="add_leave")
@needs(MANAGE)
def add() -> ResponseReturnValue:
    try:
        wanted = _read(request.form)
        away.add(actor(), wanted, _timezone(wanted.staff_id), key=form_key())
    except (InvalidForm, RuleBroken) as error:
        return make_response(_page(request.form, form_errors(error)), error.status)
    return _done(_("Added leave: %(name)s", name=_name(wanted.staff_id)))


@bp.post("/leave/<uuid:leave_id>/remove", endpoint="remove_leave")
@needs(MANAGE)
def remove(leave_id: UUID) -> ResponseReturnValue:
    """Appointments of those days stay as they are; the doctor is offered again."""
    gone = leave.remove_leave(actor(), leave_id)
    return _done(_("Removed leave: %(name)s", name=_name(gone.staff_id)))


def _done(sentence: str) -> ResponseReturnValue:
    return acted(LastAct(text=sentence), redirect=url_for("organization.leave"), panel=_page({}))


def _read(form: Any) -> Away:
    """Return the leave that was typed; raise InvalidForm (422) with a sentence for each wrong field."""
    errors: dict[str, DomainError] = {}

    def read(name: str, parse: Any) -> Any:
        try:
            return parse(form.get(name, ""), field=name)
        except RuleBroken as error:
            errors[name] = error
            return None

    first, last = read("first", reading.day), read("last", reading.day)
    starts, ends = read("starts", reading.clock), read("ends", reading.clock)
    staff_id, clinic_id = read("staff_id", _id), read("clinic_id", _id)
    if staff_id is None:
        errors.setdefault("staff_id", RuleBroken(N_("Please fill this in.")))
    if first is None:
        errors.setdefault("first", RuleBroken(N_("Please fill this in.")))
    if form.get("kind") not in LEAVE_KINDS:
        errors["kind"] = RuleBroken(N_("Choose one of these."))
    if errors:
        raise InvalidForm(errors)
    return Away(
        staff_id=staff_id,
        clinic_id=clinic_id,
        first=first,
        last=last or first,
        starts=starts,
        ends=ends,
        kind=form["kind"],
        note=" ".join(form.get("note", "").split()) or None,
    )


def _id(text: str, *, field: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise RuleBroken(N_("Choose one of these."), field=field) from error


def _timezone(staff_id: UUID) -> str:
    """Days are of the facility in whose clinics the person works."""
    there = kept.directory(actor().organization_id)
    person = there.staff.get(staff_id)
    clinic = there.clinics.get(next(iter(person.clinic_ids), None)) if person else None  # type: ignore[arg-type]
    facility = there.facilities.get(clinic.facility_id) if clinic else None
    return (facility or kept.facility(actor())).timezone


def _name(staff_id: UUID) -> str:
    person = kept.directory(actor().organization_id).staff.get(staff_id)
    return local_name(person.short_name, person.short_name_ar) if person else ""


def _page(typed: Any, errors: dict[str, str] | None = None) -> str:
    who = actor()
    there = kept.directory(who.organization_id)
    return page_or_fragment(
        "organization/leave.html",
        "organization/_leave.html",
        lines=[_line(there, each) for each in leave.leaves(who, since=clock.now())],
        people=[(str(each.id), local_name(each.name, each.name_ar)) for each in _people(there)],
        clinics=[
            (str(each.id), local_name(each.name, each.name_ar))
            for each in there.clinics.values()
            if each.is_active
        ],
        kinds=[(name, say(word)) for name, word in KIND_WORDS.items() if name != SESSION_CANCELLED],
        words={name: say(word) for name, word in KIND_WORDS.items()},
        values=typed,
        errors=errors or {},
        key=request.form.get("idempotency_key", "") if errors else new_key(),
        topic=kept.topic(who.organization_id),
        sections=admin.for_actor(who),
    )


def _people(there: Directory) -> list[StaffInfo]:
    return [each for each in there.staff.values() if each.is_active and each.clinic_ids]


def _line(there: Directory, each: leave.Leave) -> dict[str, Any]:
    """``affected`` leads to who has an appointment in this span."""
    timezone = _timezone(each.staff_id)
    last = clock.local(each.ends_at - timedelta(microseconds=1), timezone).date()
    begins, ends = (f"{clock.local(at, timezone):%H:%M}" for at in (each.starts_at, each.ends_at))
    asked: dict[str, Any] = {
        "staff": each.staff_id,
        "from": each.starts_at.isoformat(),
        "to": each.ends_at.isoformat(),
    }
    return {
        "leave": each,
        "name": _name(each.staff_id),
        "clinic": there.clinics.get(each.clinic_id) if each.clinic_id else None,
        "last": last,
        "is_whole": begins == ends == "00:00",
        "affected": url_for("reception.affected", clinic=each.clinic_id, **asked),
    }
