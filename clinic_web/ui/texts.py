"""Words and figures as a person reads them: translation of messages, times, money and numbers.

Identifiers (tickets, rooms, phones) keep their digits in every language; quantities take the reader's.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_symbol
from flask_babel import get_locale, gettext

from clinic_web.kernel import clock
from clinic_web.kernel.errors import DomainError
from clinic_web.kernel.money import Currency
from clinic_web.ui.who import place

ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
SEPARATORS = str.maketrans(",.", "٬٫")
RIGHT_TO_LEFT = {"ar"}
LANGUAGES = ("en", "ar")


def say(message: DomainError | str) -> str:
    """Return an error's sentence, or a marked message, in the reader's language."""
    if isinstance(message, DomainError):
        return str(gettext(message.sentence)) % {
            name: _shown(value) for name, value in message.values.items()
        }
    return str(gettext(message))


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock_time(value)
    if isinstance(value, Decimal):
        return money(value)
    if isinstance(value, Currency):
        return currency_sign(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _digits(str(value))  # a limit or a year: no thousands set apart
    return value


def language() -> str:
    return str(getattr(get_locale(), "language", "en"))


def _locale() -> str:
    """Arabic with Arabic-Indic digits, as used in Egypt; English otherwise."""
    return "ar_EG" if language() == "ar" else "en_GB"


def _digits(text: str, signs: dict[int, int] | None = None) -> str:
    """Give figures the reader's digits: Babel sets Arabic signs, but leaves the digits as they are."""
    return text.translate(ARABIC_DIGITS | (signs or {})) if language() == "ar" else text


def timezone() -> str:
    here = place()
    return here.timezone if here else "UTC"


def clock_time(moment: datetime | None, zone: str | None = None) -> str:
    """Return HH:MM on the facility's wall, or on that of another place (an IANA time zone)."""
    if moment is None:
        return ""
    return _digits(f"{clock.local(moment, zone or timezone()):%H:%M}")


def day(moment: datetime | date | None, form: str = "EEE d MMM") -> str:
    """Return the facility's local day, for example ``Tue 17 Nov``."""
    if moment is None:
        return ""
    local = clock.local(moment, timezone()).date() if isinstance(moment, datetime) else moment
    return _digits(_written(local, form, _locale()))


@lru_cache(maxsize=2000)
def _written(day: date, form: str, locale: str) -> str:
    """A list shows few days many times, and CLDR's patterns take their time."""
    return format_date(day, form, locale=locale)


def money(amount: Decimal | int | None) -> str:
    """Return an amount with two decimals and grouped thousands; the currency stands beside it."""
    if amount is None:
        return ""
    return _digits(f"{Decimal(amount):,.2f}", SEPARATORS)


def unit_price(price: Decimal) -> str:
    """Return what one costs: with two decimals, or with as many of its four as it needs."""
    is_whole_cents = price == price.quantize(Decimal("0.01"))
    return money(price) if is_whole_cents else _digits(f"{price.normalize():,f}", SEPARATORS)


def currency_sign(code: str) -> str:
    """Return the sign of a currency in Arabic (``ج.م``), its code (``EGP``) in English."""
    return get_currency_symbol(code, locale=_locale()).strip("\u200f.") if language() == "ar" else code


def number(value: int | Decimal | None) -> str:
    if value is None:
        return ""
    return _digits(format_decimal(value, "#,##0.###", locale="en"), SEPARATORS)


def minutes_since(moment: datetime | None) -> int:
    """Return whole minutes from ``moment`` to now, never negative."""
    if moment is None:
        return 0
    return max(0, int((clock.now() - moment).total_seconds() // 60))


def local_name(name: str, name_ar: str | None) -> str:
    """Return the Arabic name to an Arabic reader where there is one."""
    return name_ar if name_ar and language() == "ar" else name


FILTERS = {
    "say": say,
    "clock": clock_time,
    "day": day,
    "money": money,
    "currency": currency_sign,
    "number": number,
    "minutes_since": minutes_since,
    "localname": local_name,
}
