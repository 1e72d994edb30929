"""The words of messages: a kind's wording in a language, filled with what is true when it is sent."""

from __future__ import annotations

import gettext
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from babel.dates import format_datetime
from babel.numbers import get_currency_symbol

from clinic_web.kernel import clock
from clinic_web.notifications.kinds import KINDS, OTHER_REASON, REASONS
from clinic_web.organization.api import Directory, FacilityInfo

CATALOGUES = Path(__file__).parents[1] / "translations"
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
SEPARATORS = str.maketrans(",.", "٬٫")
SHIPPED = re.compile(r"%\((\w+)\)s")
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
BRACES = re.compile(r"\{\{|\}\}")
MISSING = "–"


@dataclass(frozen=True)
class Wording:
    """What a message says; ``{{words}}`` are filled in when it is sent. Only a letter shows its subject."""

    subject: str
    body: str

    def filled(self, values: Mapping[str, str]) -> Wording:
        """Return the text with every placeholder filled; one without a value is a dash."""

        def fill(text: str) -> str:
            return PLACEHOLDER.sub(lambda found: values.get(found[1]) or MISSING, text)

        return Wording(fill(self.subject), fill(self.body))


def pieces(text: str) -> list[tuple[str, bool]]:
    """Return the text in pieces, each with whether it is a word to be filled in: braces read from left to
    right, also in a sentence that does not."""
    found, end = [], 0
    for word in PLACEHOLDER.finditer(text):
        found += [(text[end : word.start()], False), (word[0], True)]
        end = word.end()
    return [*found, (text[end:], False)]


def shipped(template: str, language: str) -> Wording:
    """Return the words that the program brings along."""
    kind, say = KINDS[template], catalogue(language).gettext
    return Wording(say(kind.subject), SHIPPED.sub(r"{{\1}}", say(kind.body)))


def values_of(data: Mapping[str, Any], language: str, directory: Directory, patient: str) -> dict[str, str]:
    """Return what stands for each placeholder; names come from the directory at the moment of sending."""
    is_arabic = language == "ar"

    def named(thing: Any, name: str = "name") -> str:
        arabic: str | None = getattr(thing, f"{name}_ar", None) if is_arabic else None
        return arabic or str(getattr(thing, name, ""))

    facility = facility_of(data, directory)
    when = datetime.fromisoformat(data["start_time"]) if data.get("start_time") else None
    return {
        "place": named(facility),
        "clinic": named(_found(directory.clinics, data.get("clinic_id"))),
        "doctor": named(_found(directory.staff, data.get("doctor_id")), "short_name"),
        "room": named(_found(directory.rooms, data.get("room_id"))),
        "patient": patient,
        "when": moment(clock.local(when, facility.timezone), is_arabic=is_arabic) if when else "",
        "ticket": data.get("ticket") or "",
        "booking_id": data.get("booking_id") or "",
        "before": digits(str(data.get("before", "")), is_arabic=is_arabic),
        "amount": money(data["amount"], data["currency"], is_arabic=is_arabic) if "amount" in data else "",
        "reason": catalogue(language).gettext(REASONS.get(data.get("reason", ""), OTHER_REASON)),
    }


def facility_of(data: Mapping[str, Any], directory: Directory) -> FacilityInfo:
    """Return where it happens: the place that is named, that of the clinic, or else the first there is."""
    clinic = _found(directory.clinics, data.get("clinic_id"))
    named = data.get("facility_id") or (clinic and clinic.facility_id)
    found: FacilityInfo | None = _found(directory.facilities, named)
    return found or next(iter(directory.facilities.values()))


def _found(things: Mapping[UUID, Any], key: UUID | str | None) -> Any:
    return things.get(UUID(str(key))) if key else None


def moment(when: datetime, *, is_arabic: bool) -> str:
    """Babel writes the words in Arabic, and leaves the digits as they are."""
    locale = "ar_EG" if is_arabic else "en_GB"
    return digits(format_datetime(when, "EEEE d MMMM HH:mm", locale=locale), is_arabic=is_arabic)


def money(amount: str, currency: str, *, is_arabic: bool) -> str:
    plain = f"{Decimal(amount):,.2f}"
    if not is_arabic:
        return f"{plain} {currency}"
    sign = get_currency_symbol(currency, locale="ar_EG").strip("\u200f.")
    return f"{plain.translate(SEPARATORS).translate(ARABIC_DIGITS)} {sign}"


def digits(text: str, *, is_arabic: bool) -> str:
    return text.translate(ARABIC_DIGITS) if is_arabic else text


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("messages", CATALOGUES, [language], fallback=True)
