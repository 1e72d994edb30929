"""What people type about who waits for a time: text in, a wish out, a sentence at the field that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from typing import TypeVar

from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.reception import forms
from clinic_web.reception.service.waiting import Wish, nonsense

USUALLY = timedelta(days=30)  # for how long a wish stands when nobody says

T = TypeVar("T")


def wish(typed: Mapping[str, str], today: date) -> Wish:
    """Return the wish; InvalidForm (422) with a sentence for every field that is wrong."""
    errors: dict[str, DomainError] = {}

    def field(name: str, parse: Callable[[], T]) -> T | None:
        try:
            return parse()
        except RuleBroken as error:
            errors[error.field or name] = error
            return None

    patient = field("patient", lambda: forms.required_id(typed, "patient", N_("Choose a patient.")))
    service = field("service", lambda: forms.required_id(typed, "service", N_("Choose a service.")))
    doctor = field("doctor", lambda: forms.optional_id(typed, "doctor"))
    earlier = field("appointment", lambda: forms.optional_id(typed, "appointment"))
    first = field("from_date", lambda: _day(typed, "from_date", today))
    last = field("until_date", lambda: _day(typed, "until_date", (first or today) + USUALLY))
    begins = field("from_time", lambda: _time(typed, "from_time"))
    ends = field("until_time", lambda: _time(typed, "until_time"))
    note = field("note", lambda: forms.short_text(typed, "note", forms.LONGEST_NOTE))
    urgency = typed.get("urgency") or "NORMAL"
    for wrong in nonsense((first, last), (begins, ends), urgency):
        errors.setdefault(wrong.field or "", wrong)
    if errors or first is None or last is None or patient is None or service is None:
        raise InvalidForm(errors)
    return Wish(
        patient_id=patient,
        service_id=service,
        doctor_id=doctor,
        appointment_id=earlier,
        from_date=first,
        until_date=last,
        from_time=begins,
        until_time=ends,
        urgency=urgency,
        note=note,
    )


def _day(typed: Mapping[str, str], name: str, usual: date) -> date:
    try:
        return date.fromisoformat(typed[name]) if typed.get(name) else usual
    except ValueError as error:
        raise RuleBroken(N_("This is not a day. Write it as 2026-11-17."), field=name) from error


def _time(typed: Mapping[str, str], name: str) -> time | None:
    try:
        return time.fromisoformat(typed[name]) if typed.get(name) else None
    except ValueError as error:
        raise RuleBroken(N_("This is not a time. Write it as 09:30."), field=name) from error
