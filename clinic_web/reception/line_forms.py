"""What people type about lines: settings, stations, priorities, numbers on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from uuid import UUID

from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.reception.forms import (
    PRIORITY_CODE,
    Typed,
    collected,
    optional_id,
    required_id,
    short_text,
)
from clinic_web.reception.queries.blocks import OpenNumber
from clinic_web.reception.queries.priorities import Priority
from clinic_web.reception.service.blocks import Written
from clinic_web.reception.service.settings import NewStation, PriorityRow, QueueSettings

LONGEST_NAME = 60
LONGEST_PREFIX = 4
ARABIC_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩", "0123456789")
NEW = "NEW"  # the row of a priority that does not exist yet


def settings(typed: Typed) -> QueueSettings:
    """Return how a line is to work; InvalidForm (422) with a sentence for every field that is wrong."""
    errors: dict[str, DomainError] = {}
    target = collected(errors, "wait_target_minutes", lambda: whole(typed, "wait_target_minutes"))
    name = collected(errors, "name", lambda: short_text(typed, "name", LONGEST_NAME))
    name_ar = collected(errors, "name_ar", lambda: short_text(typed, "name_ar", LONGEST_NAME))
    room_id = collected(errors, "room", lambda: optional_id(typed, "room"))
    if errors or target is None:
        raise InvalidForm(errors)
    return QueueSettings(
        policy=typed.get("policy", ""),
        draw_at=typed.get("draw_at", ""),
        privacy=typed.get("privacy", ""),
        wait_target_minutes=target,
        is_active=bool(typed.get("is_active")),
        takes_unpaid=bool(typed.get("takes_unpaid")),
        room_id=room_id,
        name=name,
        name_ar=name_ar,
    )


def station(typed: Typed) -> NewStation:
    """Return the station to open; InvalidForm (422) as above."""
    errors: dict[str, DomainError] = {}
    name = collected(errors, "name", lambda: short_text(typed, "name", LONGEST_NAME))
    name_ar = collected(errors, "name_ar", lambda: short_text(typed, "name_ar", LONGEST_NAME))
    prefix = collected(errors, "prefix", lambda: prefix_of(typed))
    room_id = collected(errors, "room", lambda: optional_id(typed, "room"))
    if errors or prefix is None:
        raise InvalidForm(errors)
    return NewStation(
        kind=typed.get("kind", ""), name=name or "", name_ar=name_ar, prefix=prefix, room_id=room_id
    )


def prefix_of(typed: Typed) -> str:
    """Return the letters of a line's tickets; they are called and printed the same in every language."""
    prefix = typed.get("prefix", "").strip().upper()
    if not (prefix.isascii() and prefix.isalnum() and prefix[0].isalpha() and len(prefix) <= LONGEST_PREFIX):
        raise RuleBroken(N_("Give one to four Latin letters or figures, a letter first."), field="prefix")
    return prefix


def priorities(typed: Typed, known: list[Priority]) -> list[PriorityRow]:
    """Return all rows as they were filled in, and a new one where it has a name; InvalidForm (422)."""
    errors: dict[str, DomainError] = {}
    codes = [each.code for each in known]
    if typed.get(f"name-{NEW}", "").strip() or typed.get(f"name_ar-{NEW}", "").strip():
        codes.append(NEW)
    rows = [_row(typed, code, known, errors) for code in codes]
    if errors:
        raise InvalidForm(errors)
    return [row for row in rows if row is not None]


def _row(
    typed: Typed, code: str, known: list[Priority], errors: dict[str, DomainError]
) -> PriorityRow | None:
    rank = collected(errors, f"rank-{code}", lambda: whole(typed, f"rank-{code}"))
    name = collected(errors, f"name-{code}", lambda: short_text(typed, f"name-{code}", LONGEST_NAME))
    name_ar = collected(errors, f"name_ar-{code}", lambda: short_text(typed, f"name_ar-{code}", LONGEST_NAME))
    if rank is None:
        return None
    version = typed.get(f"version-{code}", "")
    return PriorityRow(
        code=_new_code(name or "", known) if code == NEW else code,
        name=name or "",
        name_ar=name_ar or "",
        rank=rank,
        is_active=code == NEW or bool(typed.get(f"is_active-{code}")),
        version=int(version) if version.isdecimal() else None,
    )


def _new_code(name: str, known: list[Priority]) -> str:
    """Return a code made of the name: letters that every system can carry, and not taken yet."""
    letters = "".join(each if each.isascii() and each.isalnum() else "_" for each in name.upper())
    code = letters.strip("_")[:24]
    code = code if PRIORITY_CODE.fullmatch(code) else "PRIORITY"
    taken = {each.code for each in known} | {NEW}
    candidates = [code, *(f"{code}_{number}" for number in range(2, len(taken) + 2))]
    return next(each for each in candidates if each not in taken)


def whole(typed: Typed, name: str) -> int:
    """Return a whole number, also in Arabic digits; RuleBroken (422) at its field."""
    text = (typed.get(name) or "").strip().translate(ARABIC_DIGITS)
    if not text.isdecimal() or len(text) > 6:  # noqa: PLR2004 - nothing here needs more digits
        raise RuleBroken(N_("Give a whole number."), field=name)
    return int(text)


@dataclass(frozen=True)
class Slip:
    """A slip as it was typed in: the block its number belongs to, and what was written."""

    block_id: UUID
    written: Written


def slip(typed: Typed, patient_id: UUID, open_numbers: list[OpenNumber], timezone: str) -> Slip:
    """Return what stands on a slip; InvalidForm (422) with a sentence for every field that is wrong."""
    errors: dict[str, DomainError] = {}
    found = collected(errors, "number", lambda: _number_of(typed, open_numbers))
    at = collected(errors, "written_at", lambda: _time_of(typed))
    service_id = collected(errors, "service", lambda: required_id(typed, "service", N_("Choose a service.")))
    doctor_id = collected(errors, "doctor", lambda: optional_id(typed, "doctor"))
    if errors or found is None or at is None or service_id is None:
        raise InvalidForm(errors)
    written = Written(
        number=found.number,
        patient_id=patient_id,
        service_id=service_id,
        written_at=organization.moment_at(found.day, at, timezone),
        doctor_id=doctor_id,
        was_seen=bool(typed.get("was_seen")),
    )
    return Slip(found.block_id, written)


def _number_of(typed: Typed, open_numbers: list[OpenNumber]) -> OpenNumber:
    chosen = typed.get("number")
    for each in open_numbers:
        if f"{each.block_id}|{each.number}" == chosen:
            return each
    raise RuleBroken(N_("This number is not open any more. Choose another one."), field="number")


def _time_of(typed: Typed) -> time:
    """Return the wall-clock time that was written."""
    text = (typed.get("written_at") or "").strip().translate(ARABIC_DIGITS)
    try:
        return time.fromisoformat(text.zfill(5)).replace(tzinfo=None)
    except ValueError as error:
        raise RuleBroken(N_("Give the time as 10:30."), field="written_at") from error
