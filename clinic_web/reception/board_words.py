"""A wall's picture as HTML, in two languages at once: the screen's own leads and sets the direction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask import current_app
from flask_babel import force_locale, gettext

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_
from clinic_web.reception.queries.board import Call, Picture

FRAGMENT = "reception/board/_board.html"
OTHER = {"en": "ar", "ar": "en"}
DIRECTION = {"en": "ltr", "ar": "rtl"}
# Quantities take the reader's digits; tickets and doors keep their own.
DIGITS: dict[str, dict[int, int]] = {"en": {}, "ar": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")}

WORDS = {
    "come": N_("Please come in"),
    "last": N_("Last call"),
    "room": N_("Room"),
    "next": N_("Next"),
    "welcome": N_("Please take a seat"),
    "welcome_more": N_("Your number will appear here"),
    "nobody": N_("Nobody is waiting"),
    "pay": N_("Please pay at the desk after your visit"),
    "stale": N_("Not live since {time}. Please listen for the staff."),
    "pair": N_("Pair this screen"),
    "pair_how": N_("At a desk, open Boards and type this code:"),
    "pair_stale": N_("Not connected. Trying again…"),
    "pair_lives": N_("A new code appears every 15 minutes"),
}

# From how many letters on a name or a door's sign needs smaller type, so that it is never cut.
LONG, LONGER = 14, 22
LONG_SIGN, LONGEST_INITIALS = 5, 6


@dataclass(frozen=True)
class Two:
    """A text in the leading language and in the other; ``other`` is empty where both are the same."""

    lead: str
    other: str


@dataclass(frozen=True)
class Languages:
    """Which language leads on a screen, and which follows."""

    lead: str
    other: str
    direction: str
    other_direction: str


def languages(lead: str) -> Languages:
    """Return the screen's languages and their directions."""
    other = OTHER[lead]
    return Languages(lead, other, DIRECTION[lead], DIRECTION[other])


@cache
def _translated(sentence: str, language: str) -> str:
    with force_locale(language):
        return str(gettext(sentence))


def words(lead: str) -> dict[str, Two]:
    """Return a wall's words in both languages."""
    return {
        name: two(_translated(text, lead), _translated(text, OTHER[lead])) for name, text in WORDS.items()
    }


def two(lead: str, other: str | None) -> Two:
    return Two(lead, other if other and other != lead else "")


def name_in(lead: str, name: str, name_ar: str | None) -> Two:
    """Return a name that has an English and perhaps an Arabic form, the screen's language first."""
    return two(name_ar or name, name) if lead == "ar" else two(name, name_ar)


def doctor_in(lead: str, call: Call) -> Two | None:
    """Return how the door calls the doctor, in both languages."""
    return name_in(lead, call.doctor.short_name, call.doctor.short_name_ar) if call.doctor else None


def clock_in(lead: str, moment: datetime, timezone: str) -> str:
    """Return HH:MM on the facility's wall, in the screen's digits."""
    return clock.local(moment, timezone).strftime("%H:%M").translate(DIGITS[lead])


def length_of(text: str | None) -> str:
    """Return the class that makes room for a long text."""
    letters = len(text or "")
    return "" if letters <= LONG else "long" if letters <= LONGER else "longer"


def sign_length(text: str) -> str:
    """Return the class that fits a door's sign: numbers are large, names of rooms smaller."""
    return {1: "", 2: "", 3: "three"}.get(len(text), "long" if len(text) <= LONG_SIGN else "longer")


def _named(picture: Picture) -> str:
    """Return how the line is drawn where it names people: initials beside the number, names below it."""
    names = [waiting.who for waiting in picture.next if waiting.who]
    if not names:
        return ""
    return "named initials" if max(map(len, names)) <= LONGEST_INITIALS else "named"


def context(lead: str) -> dict[str, Any]:
    """Return what every template of a wall needs."""
    return {"say": words(lead), "languages": languages(lead)}


def render(picture: Picture, lead: str) -> str:
    """Return the board's fragment for screens whose leading language is ``lead``.

    Straight from the environment: the shell's context processors would ask who is signed in.
    """
    template = current_app.jinja_env.get_template(FRAGMENT)
    zone = picture.facility.timezone
    return template.render(
        **context(lead),
        picture=picture,
        call=picture.calls[0] if picture.calls else None,
        doctor=lambda call: doctor_in(lead, call),
        at=lambda call: clock_in(lead, call.at, zone),
        named=_named(picture),
        length_of=length_of,
        sign_length=sign_length,
    )
