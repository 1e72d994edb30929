"""What people type at the portal's door, as typed values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from clinic_web.identity.api import entrance
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.kernel.money import DIGITS

NAMES = ("first_name", "last_name")
LONGEST_NAME = 80
FEWEST_DIGITS, MOST_DIGITS = 7, 15
BETWEEN_DIGITS = re.compile(r"[\s()./\-\u200e\u200f]")


@dataclass(frozen=True)
class Proof:
    code: str
    born: date


@dataclass(frozen=True)
class NewAccount:
    """``first_name`` and ``last_name`` are asked only of who looks after somebody."""

    username: str
    password: str
    first_name: str = ""
    last_name: str = ""


def username(typed: str) -> str:
    """Return an address in small letters, or a telephone number as its digits, whichever way it was typed."""
    plain = typed.translate(DIGITS).strip().lower()
    if "@" in plain:
        return plain
    return BETWEEN_DIGITS.sub("", plain)


def read_proof(form: Mapping[str, str]) -> Proof:
    """Return the code and the day of birth. Raises InvalidForm: empty, or not a day."""
    errors: dict[str, DomainError] = {}
    code, born = form.get("code", "").strip(), _day(form)
    if not code:
        errors["code"] = RuleBroken(N_("Please type the code on your paper."))
    if born is None:
        errors["born"] = RuleBroken(N_("Please give the day, the month and the year."))
    if errors or born is None:
        raise InvalidForm(errors)
    return Proof(code[:100], born)


def _day(form: Mapping[str, str]) -> date | None:
    parts = [form.get(name, "").translate(DIGITS).strip() for name in ("year", "month", "day")]
    if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
        return None
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        return None


def read_account(form: Mapping[str, str], *, with_name: bool) -> NewAccount:
    """Return the new account. Raises InvalidForm."""
    errors: dict[str, DomainError] = {}
    name, password = username(form.get("username", "")), ""
    if not _may_be_name(name):
        errors["username"] = RuleBroken(N_("Please type your e-mail address or your telephone number."))
    try:
        password = entrance.read_new_password(form)
    except InvalidForm as error:
        errors |= error.errors
    names = {each: " ".join(form.get(each, "").split())[:LONGEST_NAME] for each in NAMES}
    if with_name:
        errors |= {each: RuleBroken(N_("Please fill this in.")) for each, value in names.items() if not value}
    if errors:
        raise InvalidForm(errors)
    return NewAccount(name, password, **names)


def _may_be_name(name: str) -> bool:
    if "@" in name:
        return len(name) <= entrance.LONGEST_ADDRESS and bool(entrance.ADDRESS.fullmatch(name))
    return bool(re.fullmatch(rf"\+?[0-9]{{{FEWEST_DIGITS},{MOST_DIGITS}}}", name))
