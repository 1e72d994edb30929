"""What people type about lines: settings, stations, priorities, numbers on paper."""

from __future__ import annotations

from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.reception.forms import PRIORITY_CODE, Typed, collected, optional_id, short_text
from clinic_web.reception.queries.priorities import Priority
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
