"""Choices and values of set-up in the reader's words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any
from uuid import UUID

import phonenumbers
from babel import Locale
from babel.numbers import get_currency_name
from flask_babel import get_locale
from flask_babel import gettext as _

from clinic_web.kernel.actor import Actor
from clinic_web.organization import directory as kept
from clinic_web.organization.directory import Directory
from clinic_web.organization.setting_up import listing, reading
from clinic_web.organization.setting_up.kinds import (
    GENDER_WORDS,
    LANGUAGE_WORDS,
    MANY,
    PROFESSION_WORDS,
    Field,
    Kind,
)
from clinic_web.ui.texts import local_name, number, say

Choice = tuple[str, str]


def choices(actor: Actor, kind: Kind, only: Collection[str] | None = None) -> dict[str, list[Choice]]:
    """Return what each choice of a form offers, by the field's name; ``only`` some of them."""
    there = kept.directory(actor.organization_id)
    asked = [each for each in kind.fields if each.of and (only is None or each.name in only)]
    return {field.name: _offered(actor, there, field) for field in asked}


def _offered(actor: Actor, there: Directory, field: Field) -> list[Choice]:
    closed_sets: dict[str, Callable[[], list[Choice]]] = {
        "timezones": lambda: [(each, each.replace("_", " ")) for each in reading.timezones()],
        "currencies": _currencies,
        "countries": _countries,
        "languages": lambda: [(value, say(word)) for value, word in LANGUAGE_WORDS.items()],
        "professions": lambda: [(value, say(word)) for value, word in PROFESSION_WORDS.items()],
        "genders": lambda: [(value, say(word)) for value, word in GENDER_WORDS.items()],
        "departments": lambda: [
            (str(row_id), local_name(name, name_ar)) for row_id, name, name_ar in listing.departments(actor)
        ],
    }
    if field.of in closed_sets:
        return closed_sets[field.of]()
    return [
        (str(each.id), _named(there, each)) for each in getattr(there, field.of).values() if each.is_active
    ]


def _named(there: Directory, each: Any) -> str:
    """A clinic of a centre with several facilities says of which one it is."""
    name = local_name(each.name, getattr(each, "name_ar", None))
    facility = there.facilities.get(getattr(each, "facility_id", None))  # type: ignore[arg-type]
    if facility is None or len(there.facilities) < 2:  # noqa: PLR2004 - one is no choice
        return name
    return f"{name} ({local_name(facility.name, facility.name_ar)})"


def _currencies() -> list[Choice]:
    """The three-letter code leads: it is what a newcomer has on the receipts."""
    names = ((code, get_currency_name(code, locale=get_locale())) for code in reading.currencies())
    return sorted((code, f"{code} ({name})") for code, name in names if name != code)


def _countries() -> list[Choice]:
    territories = Locale.parse(str(get_locale())).territories
    named = [
        (
            region,
            f"{territories.get(region, region)} (+{phonenumbers.country_code_for_region(region)})",
        )
        for region in phonenumbers.SUPPORTED_REGIONS
    ]
    return sorted(named, key=lambda each: each[1])


def shown(field: Field, value: Any, offered: dict[str, list[Choice]], there: Directory) -> str:
    """Return one typed value of a list as a person reads it."""
    if value is None or value == frozenset():
        return ""
    if field.kind == MANY:
        names = [there.clinics[each] for each in value if each in there.clinics]
        return str(_(", ")).join(local_name(each.name, each.name_ar) for each in names)
    if field.of:
        return _word(field, value, offered, there)
    return number(value) if isinstance(value, int | Decimal) else str(value)


def _word(field: Field, value: Any, offered: dict[str, list[Choice]], there: Directory) -> str:
    if isinstance(value, UUID):
        known = getattr(there, field.of, {}).get(value)
        if known is not None:
            return local_name(known.name, getattr(known, "name_ar", None))
    if field.of == "currencies":
        return str(value)
    return dict(offered.get(field.name, [])).get(reading.plain(value), "")


def as_read(field: Field, text: str, offered: dict[str, list[Choice]]) -> str:
    """Return a form's value as the table of a conflict shows it: the words of what was chosen."""
    if not field.of or not text:
        return text
    words = dict(offered.get(field.name, []))
    return str(_(", ")).join(
        words.get(each, "?") for each in (text.split(",") if field.kind == MANY else [text])
    )
