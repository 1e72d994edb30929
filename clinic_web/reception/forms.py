"""What people type at the desk: text in, typed values out, a sentence at the field that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID

from clinic_web.kernel.errors import N_, BadRequest, DomainError, InvalidForm, RuleBroken
from clinic_web.reception.service.booking import Booking
from clinic_web.reception.service.walking_in import WalkIn

LONGEST_NOTE = 500
LONGEST_REASON = 200
AT_THE_DESK = "WALK_IN"  # booked by somebody who stands here

PAYS_LATER, PAYS_NOW, PAYS_PART = "later", "now", "part"
PAYS = (PAYS_LATER, PAYS_NOW, PAYS_PART)

PRIORITY_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,29}")
ELDERLY_FROM, CHILD_UNTIL = 70, 6

Typed = Mapping[str, str]
T = TypeVar("T")


def booking(typed: Typed, patient_id: UUID) -> Booking:
    """Return what to book; InvalidForm (422) with a sentence for every field that is wrong."""
    errors: dict[str, DomainError] = {}
    service_id = collected(errors, "service", lambda: required_id(typed, "service", N_("Choose a service.")))
    slot = collected(errors, "slot", lambda: slot_of(typed.get("slot")))
    note = collected(errors, "note", lambda: short_text(typed, "note", LONGEST_NOTE))
    reason = collected(
        errors, "overbooking_reason", lambda: short_text(typed, "overbooking_reason", LONGEST_REASON)
    )
    is_over = typed.get("slot", "").endswith(OVERBOOKED)
    if is_over and reason is None:
        errors.setdefault(
            "overbooking_reason", RuleBroken(N_("Say why this time is booked on top of the others."))
        )
    if errors or slot is None or service_id is None:
        raise InvalidForm(errors)
    return Booking(
        patient_id=patient_id,
        service_id=service_id,
        doctor_id=slot[0],
        start_time=slot[1],
        booking_source=source_of(typed),
        notes=note,
        overbooking_reason=reason if is_over else None,
    )


def source_of(typed: Typed) -> str:
    """Return how the booking came; what is not said came to the desk."""
    return typed.get("source") or AT_THE_DESK


def walk_in(typed: Typed, patient_id: UUID) -> WalkIn:
    """Return whom to let in without an appointment; InvalidForm (422) as above."""
    errors: dict[str, DomainError] = {}
    service_id = collected(errors, "service", lambda: required_id(typed, "service", N_("Choose a service.")))
    doctor_id = collected(errors, "doctor", lambda: optional_id(typed, "doctor"))
    priority = collected(errors, "priority", lambda: priority_of(typed))
    if errors or service_id is None:
        raise InvalidForm(errors)
    kind, reason = priority or (None, None)
    return WalkIn(
        patient_id=patient_id,
        service_id=service_id,
        doctor_id=doctor_id,
        priority=kind,
        priority_reason=reason,
    )


def priority_of(typed: Typed) -> tuple[str | None, str | None]:
    """Return a priority with its reason, or neither; RuleBroken (422) when one is missing or unknown."""
    kind = typed.get("priority") or None
    reason = short_text(typed, "priority_reason", LONGEST_REASON)
    if kind is None:
        return None, None
    if not PRIORITY_CODE.fullmatch(kind):
        raise RuleBroken(N_("Choose one of the priorities."), field="priority")
    if reason is None:
        raise RuleBroken(
            N_("Say why: the reason stands beside the priority in every list."), field="priority_reason"
        )
    return kind, reason


def suggested_priority(age: int | None) -> tuple[str, str] | None:
    """Return the priority that an age suggests, with its reason; the desk decides."""
    if age is None:
        return None
    if age >= ELDERLY_FROM:
        return "ELDERLY", str(age)
    return ("CHILD", str(age)) if age <= CHILD_UNTIL else None


# A slot travels as "<doctor>|<moment>", and with this behind it when it is a deliberate overbooking.
OVERBOOKED = "|over"


def slot_of(typed: str | None) -> tuple[UUID, datetime]:
    """Return the doctor and the moment (UTC) that a slot names."""
    if not typed:
        raise RuleBroken(N_("Choose a time."), field="slot")
    try:
        doctor, moment = typed.removesuffix(OVERBOOKED).split("|")
        start = datetime.fromisoformat(moment)
        if start.tzinfo is None:
            raise ValueError(moment)
        return UUID(doctor), start.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RuleBroken(N_("This is not a time of this list. Choose one again."), field="slot") from error


def day_of(typed: str | None, today: date) -> date:
    """Return the day whose times are wanted, today without one; RuleBroken (422) if it is past or no day."""
    if not typed:
        return today
    try:
        day = date.fromisoformat(typed)
    except ValueError as error:
        raise RuleBroken(N_("This is not a day. Write it as 2026-11-17."), field="day") from error
    if day < today:
        raise RuleBroken(N_("This day is past. Choose today or a later one."), field="day")
    return day


def any_day(typed: str | None) -> date | None:
    """Return a day of the calendar, also a past one; None without one, and for what is none: an address is
    not a form."""
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        return None


def version_of(typed: Typed) -> int:
    """Return the version that the screen showed; BadRequest (400) without one."""
    try:
        return int(typed.get("version", ""))
    except ValueError as error:
        raise BadRequest(N_("This form came without its version. Please open it again.")) from error


def reason_of(typed: Typed) -> str:
    """Return why, never empty; RuleBroken (422) at the field ``reason``."""
    reason = short_text(typed, "reason", LONGEST_REASON)
    if reason is None:
        raise RuleBroken(N_("Say why, in a few words."), field="reason")
    return reason


def short_text(typed: Typed, name: str, longest: int) -> str | None:
    """Return a text without the spaces around it; None when nothing is left of it."""
    text = " ".join((typed.get(name) or "").replace("\x00", "").split())
    if len(text) > longest:
        raise RuleBroken(N_("This is too long: %(longest)s characters at most."), field=name, longest=longest)
    return text or None


def required_id(typed: Typed, name: str, sentence: str) -> UUID:
    found = optional_id(typed, name)
    if found is None:
        raise RuleBroken(sentence, field=name)
    return found


def optional_id(typed: Typed, name: str) -> UUID | None:
    text = typed.get(name)
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise RuleBroken(N_("Choose one from the list."), field=name) from error


def collected(errors: dict[str, DomainError], name: str, parse: Callable[[], T]) -> T | None:
    """Return what ``parse`` finds, or note its refusal under the field's name and return None."""
    try:
        return parse()
    except RuleBroken as error:
        errors[error.field or name] = error
        return None
