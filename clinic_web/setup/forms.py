"""What a newcomer types in the wizard, as typed values, with a sentence for each wrong field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time
from typing import Any
from uuid import UUID

from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.organization.api import Span, Week, clock
from clinic_web.setup.service import Beginning, Doctor

LONGEST = 200
MOST_ROOMS = 50
LONGEST_ROOM = 20
PREFIX = re.compile(r"[A-Z][A-Z0-9]{0,2}")
DAYS = range(7)


def _line(
    form: Mapping[str, str], name: str, errors: dict[str, DomainError], *, is_required: bool = True
) -> str:
    value = " ".join("".join(each for each in form.get(name, "") if each.isprintable()).split())
    if is_required and not value:
        errors[name] = RuleBroken(N_("Please fill this in."))
    elif len(value) > LONGEST:
        errors[name] = RuleBroken(N_("This is too long: %(count)s characters at most."), count=LONGEST)
    return value


def read_beginning(form: Mapping[str, str], language: str) -> Beginning:
    """Return the first page; raise InvalidForm (422) with all that is wrong."""
    errors: dict[str, DomainError] = {}
    wanted = Beginning(
        name=_line(form, "name", errors),
        name_ar=_line(form, "name_ar", errors, is_required=False) or None,
        first_name=_line(form, "first_name", errors),
        last_name=_line(form, "last_name", errors),
        username=_line(form, "username", errors),
        password=form.get("password", ""),
        language=language,
    )
    if not wanted.password:
        errors["password"] = RuleBroken(N_("Please type a new password."))
    elif wanted.password != form.get("again", ""):
        errors["again"] = RuleBroken(N_("The two are not alike."))
    if errors:
        raise InvalidForm(errors)
    return wanted


def read_rooms(form: Mapping[str, str]) -> list[str]:
    """Return the signs on the doors, separated by commas or lines. Raises RuleBroken."""
    found = [" ".join(each.split()) for each in re.split(r"[,،;\n]", form.get("rooms", ""))]
    rooms = list(dict.fromkeys(each for each in found if each))
    if not rooms:
        raise RuleBroken(N_("Write at least one room, as on its door."), field="rooms")
    if len(rooms) > MOST_ROOMS or any(len(each) > LONGEST_ROOM for each in rooms):
        raise RuleBroken(N_("A door's sign is short: 3 or 12B. Part them with commas."), field="rooms")
    return rooms


def read_prefix(form: Mapping[str, str], code: str) -> str:
    """Return the letter on the clinic's tickets; left empty, the first of its code. Raises RuleBroken."""
    typed = form.get("prefix", "").strip().upper()
    if typed and not PREFIX.fullmatch(typed):
        raise RuleBroken(N_("One to three Latin letters, such as D."), field="prefix")
    return typed or next((each for each in code.upper() if "A" <= each <= "Z"), "Q")


def read_doctor(form: Any, facility_id: UUID) -> Doctor:
    """Return a doctor with the week that was typed; raise InvalidForm (422) with all that is wrong."""
    errors: dict[str, DomainError] = {}
    names = ("first_name", "last_name", "first_name_ar", "last_name_ar", "short_name", "short_name_ar")
    typed = {name: form.get(name, "") for name in (*names, "specialty", "share_percent", "room_id")}
    clinics = form.getlist("clinic_ids")
    typed |= {
        "clinic_ids": ",".join(sorted(clinics)),
        "profession": "DOCTOR",
        "facility_id": str(facility_id),
    }
    for name in ("first_name", "last_name"):
        _line(form, name, errors)
    if not clinics:
        errors["clinic_ids"] = RuleBroken(N_("Choose at least one clinic."))
    days = [day for day in DAYS if form.get(f"day_{day}")]
    if not days:
        errors["days"] = RuleBroken(N_("Choose the days on which patients come."))
    spans = _spans(form, errors)
    if errors:
        raise InvalidForm(errors)
    week = Week(None, None, tuple(Span(day, *span) for day in days for span in spans))
    return Doctor(typed=typed, week=week, clinic_ids=frozenset(map(UUID, clinics)))


def _spans(form: Mapping[str, str], errors: dict[str, DomainError]) -> list[tuple[time, time]]:
    """Return a morning, and an afternoon where one was typed."""
    found: list[tuple[time, time]] = []
    for begins, ends in (("from_1", "to_1"), ("from_2", "to_2")):
        try:
            start = clock(form.get(begins, ""), field=begins)
            end = clock(form.get(ends, ""), field=ends)
        except RuleBroken as error:
            errors[error.field or begins] = error
            continue
        if start and end and start < end and (not found or found[-1][1] <= start):
            found.append((start, end))
        elif start or end or begins == "from_1":
            errors[ends] = RuleBroken(N_("Write when it begins and ends, the earlier first."))
    return found
