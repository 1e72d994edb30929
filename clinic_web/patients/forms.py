"""What people type about patients, made into values, with a sentence for each field that is wrong."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from clinic_web.kernel import folding
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.kernel.money import DIGITS
from clinic_web.patients import born, finding, names
from clinic_web.patients.models import GENDERS
from clinic_web.patients.service import Details, Registration

T = TypeVar("T")

SHARES, IS_CHILD = "SHARES", "IS_CHILD"
LONGEST_NAME, LONGEST_LINE, LONGEST_TEXT = 200, 200, 5000
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

LINES = ("address_line1", "address_line2", "city", "state", "zip_code", "country", "language_preference")
LABELS = {
    "first_name": N_("First name"),
    "middle_name": N_("Middle name"),
    "last_name": N_("Last name"),
    "born": N_("Age or birth date"),
    "gender": N_("Sex"),
    "phone_primary": N_("Telephone"),
    "phone_secondary": N_("Second telephone"),
    "phone_of": N_("Shares the telephone of"),
    "guardian": N_("Guardian"),
    "email": N_("E-mail"),
    "address_line1": N_("Address"),
    "address_line2": N_("Address, second line"),
    "city": N_("City"),
    "state": N_("Governorate or state"),
    "zip_code": N_("Postal code"),
    "country": N_("Country"),
    "language_preference": N_("Speaks"),
    "allow_generic_substitution": N_("Generic medicines may be given instead of a brand"),
    "medical_history": N_("Known before (illnesses, allergies, operations)"),
    "is_active": N_("Is still a patient here"),
}
GENDER_WORDS = {"MALE": N_("male"), "FEMALE": N_("female"), "OTHER": N_("other"), "UNKNOWN": N_("unknown")}
LANGUAGES = {"ar": "العربية", "en": "English", "fr": "Français", "de": "Deutsch", "es": "Español"}


@dataclass(frozen=True)
class Reader:
    """Reads one form and collects what is wrong with it, so that all of it can be said at once.

    ``today`` and ``country`` (of telephones and of how dates are written) are the facility's.
    """

    form: Mapping[str, str]
    today: date
    country: str
    errors: dict[str, DomainError] = field(default_factory=dict)

    def text(self, name: str, longest: int = LONGEST_LINE) -> str | None:
        """Return the field in one line, or None when it is empty."""
        value = " ".join(_without_controls(self.form.get(name, "")).split())
        return self._not_too_long(name, value, longest)

    def paragraph(self, name: str) -> str | None:
        value = _without_controls(self.form.get(name, "").replace("\r\n", "\n")).strip()
        return self._not_too_long(name, value, LONGEST_TEXT)

    def required(self, name: str, sentence: str, longest: int = LONGEST_NAME) -> str:
        value = self.text(name, longest) or ""
        if not folding.normalise(value):
            self.errors.setdefault(name, RuleBroken(sentence, field=name))
        return value

    def one_of(self, name: str, values: tuple[str, ...]) -> str:
        value = self.form.get(name, "")
        if value not in values:
            self.errors[name] = RuleBroken(N_("Choose one of these."), field=name)
        return value

    def understood(self, name: str, parse: Callable[[], T]) -> T | None:
        """Return ``parse()``, or None when it refuses; the refusal is kept for the field."""
        try:
            return parse()
        except RuleBroken as error:
            self.errors[name] = error
            return None

    def phone(self, name: str) -> str | None:
        typed = self.form.get(name)
        found = self.understood(name, lambda: names.phone(typed, self.country, field=name))
        return found.shown if found else None

    def born(self) -> born.Born | None:
        typed = self.form.get("born")
        return self.understood("born", lambda: born.parse(typed, today=self.today, country=self.country))

    def is_checked(self, name: str) -> bool:
        return bool(self.form.get(name))

    def _not_too_long(self, name: str, value: str, longest: int) -> str | None:
        if len(value) > longest:
            sentence = N_("This is too long: %(count)s characters at most.")
            self.errors[name] = RuleBroken(sentence, field=name, count=longest)
        return value or None

    def finish(self) -> None:
        """Raise InvalidForm (422) if anything is wrong."""
        if self.errors:
            raise InvalidForm(self.errors)


def _without_controls(text: str) -> str:
    """PostgreSQL takes no NUL, and nobody means a control character in a name."""
    return "".join(each for each in text if each in "\n\t" or unicodedata.category(each) not in {"Cc", "Cs"})


def read_registration(read: Reader) -> Registration:
    """Return who is to be registered; raise InvalidForm (422) with all that is wrong."""
    name = read.required("name", N_("Enter the name."))
    found = read.born()
    gender = read.one_of("gender", GENDERS)
    phone = read.phone("phone")
    guardian = _number(read, "guardian")
    holder = uuid_of(read.form.get("holder_id"))
    relation = read.form.get("relation") if holder else None
    read.finish()
    return Registration(
        name=name,
        gender=gender,
        phone=phone,
        date_of_birth=found.on if found else None,
        date_of_birth_estimated=bool(found and found.is_estimated),
        guardian=guardian,
        guardian_id=holder if relation == IS_CHILD else None,
        phone_of_id=holder if relation == SHARES else None,
        beware_of_duplicates=True,
        somebody_else_than=_seen(read.form),
    )


def _seen(form: Mapping[str, str]) -> tuple[UUID, ...]:
    """Return who was shown as a likely duplicate, while typing or in an answer: they are somebody else."""
    listed = f"{form.get('anyway', '')} {form.get('shown', '')}".split()
    return tuple(filter(None, map(uuid_of, listed)))


def uuid_of(text: str | None) -> UUID | None:
    """Return the id that a hidden field carries, or None."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def read_details(read: Reader) -> Details:
    """Return everything the edit form holds; raise InvalidForm (422) with all that is wrong."""
    found = read.born()
    lines: dict[str, Any] = {name: read.text(name) for name in LINES}
    values = lines | {
        "first_name": read.required("first_name", N_("Enter the first name.")),
        "middle_name": read.text("middle_name", LONGEST_NAME),
        "last_name": read.text("last_name", LONGEST_NAME),
        "gender": read.one_of("gender", GENDERS),
        "date_of_birth": found.on if found else None,
        "date_of_birth_estimated": bool(found and found.is_estimated),
        "phone_primary": read.phone("phone_primary"),
        "phone_secondary": read.phone("phone_secondary"),
        "phone_of": _number(read, "phone_of"),
        "guardian": _number(read, "guardian"),
        "email": _email(read),
        "allow_generic_substitution": read.is_checked("allow_generic_substitution"),
        "medical_history": read.paragraph("medical_history"),
        "is_active": read.is_checked("is_active"),
    }
    read.finish()
    return Details(**values)


def _number(read: Reader, name: str) -> str | None:
    """Return a patient number however it was typed: 123, p-123, P-000123."""
    typed = read.text(name)
    number = finding.understand(typed).patient_number if typed else None
    if typed and number is None:
        read.errors[name] = RuleBroken(N_("Write a patient's number, such as P-000123."), field=name)
    return number


def _email(read: Reader) -> str | None:
    typed = read.text("email")
    if typed and not EMAIL.fullmatch(typed):
        read.errors["email"] = RuleBroken(N_("This is not an e-mail address."), field="email")
    return typed


def text_of(details: Details, country: str) -> dict[str, str]:
    """Return what the edit form's fields hold; checked boxes hold ``1``."""
    texts = {each.name: _text(getattr(details, each.name)) for each in fields(Details)}
    is_estimated = details.date_of_birth_estimated
    texts["born"] = born.shown(details.date_of_birth, is_estimated=is_estimated, country=country)
    return {name: texts[name] for name in LABELS}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value)


def with_way_out(form: Mapping[str, str]) -> Mapping[str, str]:
    """Return the form as meant after a clash of telephones: shared with its holder, or the guardian's."""
    holder, way_out = form.get("holder", ""), form.get("way_out")
    if not holder or way_out not in (SHARES, IS_CHILD):
        return form
    field = "phone_of" if way_out == SHARES else "guardian"
    return {**{name: form[name] for name in form}, "phone_primary": "", field: holder}


def typed_in(form: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, as it was typed, for every field of the edit form."""
    return {name: form.get(name, "") for name in LABELS}


def opened_with(form: Mapping[str, str]) -> dict[str, str]:
    """Return what the edit form began with, as it carries it; nothing where somebody tampered with it."""
    try:
        opened = json.loads(form.get("opened", ""))
    except ValueError:
        return {}
    return {name: str(opened[name]) for name in LABELS if name in opened} if isinstance(opened, dict) else {}


@dataclass(frozen=True)
class Clash:
    """Two people changed one patient. ``rows``: (field, typed, what it is now, changed by the other person).

    ``merged`` is what the form goes on with: what this person changed, and the other's changes elsewhere.
    """

    rows: list[tuple[str, str, str, bool]]
    merged: dict[str, str]


def clash(opened: Mapping[str, str], typed: Mapping[str, str], now: Mapping[str, str]) -> Clash:
    """Compare what the form began with, what it holds and what is true by now."""
    rows, merged = [], dict(typed)
    for name in LABELS:
        is_theirs = opened.get(name, now[name]) != now[name]
        is_mine = opened.get(name, now[name]) != typed[name].replace("\r\n", "\n")
        if is_theirs and not is_mine:
            merged[name] = now[name]
        if typed[name].translate(DIGITS) != now[name] and (is_theirs or is_mine):
            rows.append((name, typed[name], now[name], is_theirs))
    return Clash(rows, merged)
