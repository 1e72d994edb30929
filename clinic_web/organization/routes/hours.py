"""Working hours: for each person and clinic a week as a grid, valid for a span of days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import abort, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, NotFound, RuleBroken, StaleScreen
from clinic_web.organization import directory as kept
from clinic_web.organization.directory import ClinicInfo, Directory, StaffInfo
from clinic_web.organization.models import DOCTOR
from clinic_web.organization.routes import bp
from clinic_web.organization.setting_up import hours, reading
from clinic_web.organization.setting_up.hours import Span, Week
from clinic_web.ui import admin
from clinic_web.ui.texts import local_name
from clinic_web.ui.web import LastAct, acted, actor, form_errors, needs, page_or_fragment

MANAGE = "organization.manage"
DAYS = range(7)
SPANS = 2  # a morning and an afternoon; an import may have brought more, which are shown as well
MOST_SPANS = 6


@dataclass(frozen=True)
class Place:
    """One person in one clinic: what a week of hours belongs to."""

    person: StaffInfo
    clinic: ClinicInfo

    @property
    def url(self) -> str:
        return url_for("organization.hours_of", staff_id=self.person.id, clinic_id=self.clinic.id)


@bp.get("/hours")
@needs(MANAGE)
def hours_list() -> str:
    """Who works where, with how many weekly shifts; each line leads to the grid."""
    who = actor()
    counts = hours.hours_by_person(who)
    places = [(each, counts.get((each.person.id, each.clinic.id), 0)) for each in _places()]
    return page_or_fragment(
        "organization/hours.html",
        "organization/_hours_list.html",
        places=places,
        sections=admin.for_actor(who),
        topic=kept.topic(who.organization_id),
        part="organization/_hours_list.html",
    )


def _places() -> list[Place]:
    there = kept.directory(actor().organization_id)
    return [
        Place(person, there.clinics[clinic_id])
        for person in there.staff.values()
        if person.is_active and person.profession == DOCTOR
        for clinic_id in sorted(person.clinic_ids, key=str)
        if there.clinics[clinic_id].is_active
    ]


def _place(staff_id: UUID, clinic_id: UUID) -> Place:
    there = kept.directory(actor().organization_id)
    person, clinic = there.staff.get(staff_id), there.clinics.get(clinic_id)
    if person is None or clinic is None or clinic_id not in person.clinic_ids:
        raise NotFound
    return Place(person, clinic)


@bp.get("/hours/<uuid:staff_id>/<uuid:clinic_id>")
@needs(MANAGE)
def hours_of(staff_id: UUID, clinic_id: UUID) -> str:
    """The week that is valid today, or the one that the address names."""
    place = _place(staff_id, clinic_id)
    weeks = hours.weeks_of(actor(), staff_id, clinic_id)
    chosen = _chosen(weeks, request.args.get("week"), _today(place))
    if "new" in request.args:
        tomorrow = _today(place) + timedelta(days=1)
        typed = _as_typed(Week(tomorrow, None, chosen.spans if chosen else ()))
        return _page(place, weeks, None, typed)
    return _page(place, weeks, chosen, _as_typed(chosen or Week(None, None)))


@bp.post("/hours/<uuid:staff_id>/<uuid:clinic_id>")
@needs(MANAGE)
def save_hours(staff_id: UUID, clinic_id: UUID) -> ResponseReturnValue:
    place = _place(staff_id, clinic_id)
    instead_of = request.form.get("week") if "week" in request.form else None
    stamp = request.form.get("stamp", "")
    try:
        wanted = _read(request.form)
        hours.save_week(actor(), staff_id, clinic_id, wanted, instead_of=instead_of, stamp=stamp)
    except (InvalidForm, RuleBroken, StaleScreen) as error:
        return _refused(place, instead_of, error)
    name = local_name(place.person.short_name, place.person.short_name_ar)
    weeks = hours.weeks_of(actor(), staff_id, clinic_id)
    chosen = next((each for each in weeks if each.name == wanted.name), None)
    return acted(
        LastAct(text=_("Hours changed: %(name)s", name=name)),
        redirect=place.url,
        panel=_page(place, weeks, chosen, _as_typed(chosen or wanted)),
    )


@bp.post("/hours/<uuid:staff_id>/<uuid:clinic_id>/remove")
@needs(MANAGE)
def remove_hours(staff_id: UUID, clinic_id: UUID) -> ResponseReturnValue:
    place = _place(staff_id, clinic_id)
    name, stamp = request.form.get("week", ""), request.form.get("stamp", "")
    try:
        hours.remove_week(actor(), staff_id, clinic_id, name=name, stamp=stamp)
    except StaleScreen as error:
        return _refused(place, name, error)
    weeks = hours.weeks_of(actor(), staff_id, clinic_id)
    chosen = _chosen(weeks, None, _today(place))
    return acted(
        LastAct(text=_("These hours were removed.")),
        redirect=place.url,
        panel=_page(place, weeks, chosen, _as_typed(chosen or Week(None, None))),
    )


def _refused(place: Place, instead_of: str | None, error: DomainError) -> ResponseReturnValue:
    """The grid as it was typed, with the sentence; what stands now is told beside it."""
    weeks = hours.weeks_of(actor(), place.person.id, place.clinic.id)
    chosen = next((each for each in weeks if each.name == instead_of), None)
    now = _as_typed(chosen) if isinstance(error, StaleScreen) and chosen else {}
    typed = {name: value.strip() for name, value in request.form.items()}
    changed = {name for name, value in now.items() if typed.get(name, "") != value}
    page = _page(place, weeks, chosen, typed, errors=form_errors(error), now=now, changed=changed)
    return make_response(page, error.status)


def _today(place: Place) -> date:
    facility = kept.directory(actor().organization_id).facilities[place.clinic.facility_id]
    return clock.today(facility.timezone)


def _chosen(weeks: list[Week], name: str | None, today: date) -> Week | None:
    if name is not None:
        return next((each for each in weeks if each.name == name), None) or abort(404)
    just_today = Week(today, today)
    valid = [each for each in weeks if each.overlaps(just_today)]
    return valid[0] if valid else (weeks[-1] if weeks else None)


def _as_typed(week: Week) -> dict[str, str]:
    """Return a week as the fields of the grid hold it."""
    fields = {
        "valid_from": week.valid_from.isoformat() if week.valid_from else "",
        "valid_until": week.valid_until.isoformat() if week.valid_until else "",
    }
    for weekday in DAYS:
        for number, span in enumerate(each for each in week.spans if each.weekday == weekday):
            fields[f"from_{weekday}_{number}"] = f"{span.starts_at:%H:%M}"
            fields[f"to_{weekday}_{number}"] = f"{span.ends_at:%H:%M}"
            fields[f"room_{weekday}_{number}"] = str(span.room_id or "")
    return fields


def _read(form: Any) -> Week:
    """Return the week that was typed; raise InvalidForm (422) with a sentence for each wrong field."""
    errors: dict[str, DomainError] = {}
    spans: list[Span] = []
    for weekday in DAYS:
        for number in range(MOST_SPANS):
            try:
                spans += _span(form, weekday, number)
            except RuleBroken as error:
                errors[error.field or ""] = error
    first, last = _valid(form, errors)
    if not errors and not spans:
        errors[""] = RuleBroken(N_("There are no hours in this week. To end them all, remove the week."))
    if errors:
        raise InvalidForm(errors)
    return Week(first, last, tuple(sorted(spans, key=lambda each: (each.weekday, each.starts_at))))


def _valid(form: Any, errors: dict[str, DomainError]) -> tuple[date | None, date | None]:
    days: dict[str, date | None] = {}
    for name in ("valid_from", "valid_until"):
        try:
            days[name] = reading.day(form.get(name, ""), field=name)
        except RuleBroken as error:
            errors[name] = error
    first, last = days.get("valid_from"), days.get("valid_until")
    if first and last and last < first:
        errors["valid_until"] = RuleBroken(N_("The last day is before the first."))
    return first, last


def _span(form: Any, weekday: int, number: int) -> list[Span]:
    begins, ends = f"from_{weekday}_{number}", f"to_{weekday}_{number}"
    start = reading.clock(form.get(begins, ""), field=begins)
    end = reading.clock(form.get(ends, ""), field=ends)
    if start is None and end is None:
        return []
    if start is None or end is None:
        raise RuleBroken(N_("Write both, or neither."), field=begins if start is None else ends)
    if start >= end:
        raise RuleBroken(N_("The end is not after the beginning."), field=ends)
    room = form.get(f"room_{weekday}_{number}", "")
    try:
        return [Span(weekday, start, end, UUID(room) if room else None)]
    except ValueError as error:
        raise RuleBroken(N_("Choose one of these."), field=f"room_{weekday}_{number}") from error


def _page(place: Place, weeks: list[Week], chosen: Week | None, typed: dict[str, str], **more: Any) -> str:
    who = actor()
    there = kept.directory(who.organization_id)
    rooms = _rooms(there, place, typed)
    used = [int(name.rpartition("_")[2]) + 1 for name in typed if name.startswith("from_")]
    context = {"errors": {}, "now": {}, "changed": set()} | more
    return page_or_fragment(
        "organization/hours.html",
        "organization/_hours.html",
        spot=place,
        weeks=weeks,
        chosen=chosen,
        typed=typed,
        spans=range(max([SPANS, *used])),
        days=_days(there.facilities[place.clinic.facility_id].phone_country),
        rooms=rooms,
        usual=there.rooms.get(place.person.room_id) if place.person.room_id else None,
        timezone=there.facilities[place.clinic.facility_id].timezone,
        sections=admin.for_actor(who),
        topic=kept.topic(who.organization_id),
        part="organization/_hours.html",
        **context,
    )


def _rooms(there: Directory, place: Place, typed: dict[str, str]) -> list[tuple[str, str]]:
    """The clinic's rooms and those of no clinic; also a closed one while hours name it."""
    named = {value for name, value in typed.items() if name.startswith("room_")}
    return [
        (str(each.id), each.name)
        for each in there.rooms.values()
        if (each.is_active and each.clinic_id in (None, place.clinic.id)) or str(each.id) in named
    ]


SATURDAY_FIRST = {"EG", "SA", "AE", "JO", "IQ", "KW", "QA", "BH", "OM", "YE", "SY", "LY", "DZ", "SD"}
A_MONDAY = date(2024, 1, 1)


def _days(country: str) -> list[tuple[int, date]]:
    """Return the weekdays as the country counts them, each with a day that has its name."""
    first = 5 if country in SATURDAY_FIRST else 0
    order = [(first + offset) % 7 for offset in DAYS]
    return [(weekday, A_MONDAY + timedelta(days=weekday)) for weekday in order]
