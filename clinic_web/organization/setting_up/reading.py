"""What people type about places, people and prices, as typed values; a sentence for each wrong field."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import phonenumbers
from babel import Locale
from babel.numbers import list_currencies
from phonenumbers import PhoneNumberFormat, PhoneNumberType, shortnumberinfo

from clinic_web.kernel import ids, money
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.organization.models import PROFESSIONS
from clinic_web.organization.setting_up.kinds import (
    CHOICE,
    CODE,
    COUNTRY,
    FACILITIES,
    GENDER_WORDS,
    LANGUAGE_WORDS,
    MANY,
    PERCENT,
    PHONE,
    PRICE,
    WHOLE,
    Field,
    Kind,
    Row,
)

Values = dict[str, Any]
HUNDRED = Decimal(100)
LANGUAGES = ("en", "ar")
UNKNOWN_COUNTRY = "ZZ"  # as CLDR calls it
LONGEST_CODE = 20
CLOCK = re.compile(r"(\d{1,2})(?:[:.٫](\d{2}))?")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@cache
def timezones() -> tuple[str, ...]:
    """Return the places by which people know their time zone."""
    places = {each for each in available_timezones() if "/" in each and not each.startswith("Etc/")}
    return tuple(sorted(places | {"UTC"}))


@cache
def currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def countries() -> set[str]:
    return set(phonenumbers.SUPPORTED_REGIONS)


@cache
def country_names() -> frozenset[str]:
    """Return what a country is called, in each language of the program, and its code."""
    known = (Locale(language).territories for language in LANGUAGES)
    return frozenset(
        name.casefold()
        for territories in known
        for code, word in territories.items()
        if code.isalpha() and code != UNKNOWN_COUNTRY
        for name in (code, word)
    )


CLOSED_SETS: dict[str, Callable[[], Any]] = {
    "timezones": timezones,
    "currencies": currencies,
    "countries": countries,
    "languages": lambda: LANGUAGE_WORDS,
    "professions": lambda: PROFESSIONS,
    "genders": lambda: GENDER_WORDS,
}


def typed_in(kind: Kind, form: Mapping[str, Any]) -> dict[str, str]:
    """Return every field as it was typed; of several values, joined by commas."""
    return {each.name: _typed(each, form) for each in kind.fields}


def _typed(field: Field, form: Mapping[str, Any]) -> str:
    if field.kind == MANY and hasattr(form, "getlist"):
        return ",".join(sorted(form.getlist(field.name)))
    return str(form.get(field.name, ""))


def read(kind: Kind, typed: Mapping[str, str], *, is_new: bool, country: str = "") -> Values:
    """Return the form's values by column; raise InvalidForm (422) with all that is wrong.

    ``country`` is that of telephones written without one; a facility's form says its own.
    """
    country = typed.get("phone_country", country) if kind is FACILITIES else country
    values: Values = {}
    errors: dict[str, DomainError] = {}
    for field in kind.fields:
        if field.is_fixed and not is_new:
            continue
        try:
            value = _value(field, typed.get(field.name, ""))
            if field.kind == PHONE and value:
                _require_phone(field, value, country)
            values[field.name] = value
        except RuleBroken as error:
            errors[field.name] = error
    if errors:
        raise InvalidForm(errors)
    if "code" in values and not values["code"]:
        values["code"] = code_from(values["name"])
    return values


def _value(field: Field, typed: str) -> Any:
    text = " ".join(_without_controls(typed).split())
    if not text:
        if field.is_required:
            raise RuleBroken(N_("Please fill this in."), field=field.name)
        return _nothing(field)
    if len(text) > field.longest and field.kind != MANY:
        raise RuleBroken(
            N_("This is too long: %(count)s characters at most."), field=field.name, count=field.longest
        )
    return PARSERS[field.kind](field, text)


def _nothing(field: Field) -> Any:
    if field.kind == MANY:
        return frozenset()
    if field.kind == WHOLE or (field.kind == PERCENT and field.default):
        return int(field.default) if field.kind == WHOLE else Decimal(field.default)
    return None


def _without_controls(text: str) -> str:
    """PostgreSQL takes no NUL, and nobody means a control character in a name."""
    return "".join(each for each in text if each in "\n\t" or unicodedata.category(each) not in {"Cc", "Cs"})


def _text(field: Field, text: str) -> str:
    if field.name == "email" and not EMAIL.fullmatch(text):
        raise RuleBroken(N_("This is not an e-mail address."), field=field.name)
    return text


def _country(field: Field, text: str) -> str:
    if text.casefold() not in country_names():
        raise RuleBroken(N_("This is not the name of a country."), field=field.name)
    return text


def _require_phone(field: Field, text: str, country: str) -> None:
    """A number that could be dialled, also the short one of a hotline; it is kept as it was written."""
    plain = text.translate(money.DIGITS)
    try:
        number = phonenumbers.parse(plain, country)
    except phonenumbers.NumberParseException:
        number = None
    if number and (
        phonenumbers.is_possible_number(number)
        or shortnumberinfo.is_possible_short_number_for_region(number, country)
    ):
        return
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.FIXED_LINE)
    shown = phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL) if example else "+20 2 2555 0100"
    sentence = N_("This is not a telephone number. Write it as %(example)s.")
    raise RuleBroken(sentence, field=field.name, example=shown)


def _code(field: Field, text: str) -> str:
    code = text.upper().replace(" ", "-")
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9._-]*", code):
        raise RuleBroken(N_("Use Latin letters, digits and hyphens, such as EYE or EYE-2."), field=field.name)
    return code


def _choice(field: Field, text: str) -> Any:
    if field.of in CLOSED_SETS:
        if text not in CLOSED_SETS[field.of]():
            raise RuleBroken(N_("Choose one of these."), field=field.name)
        return text.split(",") if field.of == "languages" else text
    return _id(field, text)


def _many(field: Field, text: str) -> frozenset[UUID]:
    return frozenset(_id(field, each) for each in text.split(","))


def _id(field: Field, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise RuleBroken(N_("Choose one of these."), field=field.name) from error


def _price(field: Field, text: str) -> Decimal:
    amount = money.parse(text, field=field.name)
    if amount >= 1_000_000:  # noqa: PLR2004 - numeric(10,4) holds six digits before the point
        raise RuleBroken(N_("This amount is too large."), field=field.name)
    return amount


def _percent(field: Field, text: str) -> Decimal:
    try:
        percent = Decimal(text.translate(money.DIGITS).rstrip("%٪ "))
    except InvalidOperation:
        percent = Decimal(-1)
    if not (0 <= percent <= HUNDRED) or percent != percent.quantize(Decimal("0.01")):
        raise RuleBroken(N_("A share is a number from 0 to 100, such as 60 or 62.5."), field=field.name)
    return percent.quantize(Decimal("0.01"))


def _whole(field: Field, text: str) -> int:
    plain = text.translate(money.DIGITS)
    if not plain.isdecimal() or not field.least <= int(plain) <= field.most:
        sentence = N_("Write a whole number from %(least)s to %(most)s.")
        raise RuleBroken(sentence, field=field.name, least=field.least, most=field.most)
    return int(plain)


PARSERS: dict[str, Callable[[Field, str], Any]] = {
    "text": _text,
    PHONE: _text,
    COUNTRY: _country,
    CODE: _code,
    CHOICE: _choice,
    MANY: _many,
    PRICE: _price,
    PERCENT: _percent,
    WHOLE: _whole,
}


def code_from(name: str) -> str:
    """Return a short code made from a name: its Latin letters, or random ones where it has none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    letters = re.sub(r"[^A-Z0-9]+", "-", plain).strip("-")[:LONGEST_CODE].rstrip("-")
    return letters or ids.code(4)


def as_text(kind: Kind, values: Mapping[str, Any]) -> dict[str, str]:
    """Return values by column as the form shows them, and as people write them."""
    return {each.name: plain(values.get(each.name)) for each in kind.fields}


def plain(value: Any) -> str:
    """Return one value as a form shows it."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    if isinstance(value, frozenset | set):
        return ",".join(sorted(str(each) for each in value))
    if isinstance(value, list | tuple):
        return ",".join(str(each) for each in value)
    return str(value)


def values_of(kind: Kind, row: Row, clinic_ids: frozenset[UUID] = frozenset()) -> Values:
    """Return a row's values by column, as ``read`` would return them."""
    own = {each.name: getattr(row, each.name) for each in kind.fields if each.kind != MANY}
    many = {each.name: clinic_ids for each in kind.fields if each.kind == MANY}
    return {name: list(value) if name == "languages" else value for name, value in (own | many).items()}


def clock(typed: str, *, field: str) -> time | None:
    """Return a time of the day (``9``, ``9:30``), None where nothing was typed. Raises RuleBroken."""
    plain = typed.strip().translate(money.DIGITS)
    if not plain:
        return None
    found = CLOCK.fullmatch(plain)
    if not found or int(found[1]) > 23 or int(found[2] or 0) > 59:  # noqa: PLR2004 - the clock's own limits
        raise RuleBroken(N_("Write a time as 9:00 or 16:30."), field=field)
    return time(int(found[1]), int(found[2] or 0))


def day(typed: str, *, field: str) -> date | None:
    """Return the day that a date field sent; None where it was left empty. Raises RuleBroken."""
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip().translate(money.DIGITS))
    except ValueError as error:
        raise RuleBroken(N_("Choose a day."), field=field) from error
