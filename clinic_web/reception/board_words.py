"""A wall's picture as HTML, in two languages at once: the screen's own leads and sets the direction.

Whether the other one stands beside it, takes turns with it or is not shown is the screen's style sheet's
business, so that screens of either kind share one rendering.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, lru_cache
from typing import Any

from flask import current_app
from flask_babel import force_locale, gettext
from markupsafe import Markup

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_
from clinic_web.organization.api import StaffInfo
from clinic_web.reception.models.displays import ARABIC_INDIC
from clinic_web.reception.queries.board import Call, Picture, Variant

FRAGMENT = "reception/board/_board.html"
OTHER = {"en": "ar", "ar": "en"}
DIRECTION = {"en": "ltr", "ar": "rtl"}
# Quantities take the reader's digits; tickets and doors keep their own.
TO_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")

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
    "voice": N_("Number {ticket}, please come in"),
    "voice_room": N_("Number {ticket}, please go to room {room}"),
    "voice_named": N_("Number {ticket}, please go to {room}"),
}
LATE = N_("{doctor} about {minutes} min late")

# From how many letters on a name or a door's sign needs smaller type, so that it is never cut.
LONG, LONGER = 14, 22
SHORT_SIGN, LONG_SIGN, LONG_WORD = 3, 5, 7
LONGEST_INITIALS, USUAL_TICKET = 6, 5


@dataclass(frozen=True)
class Two:
    """A text in the leading language and in the other; ``other`` is empty where both are the same.

    In a template it stands for itself: both texts, each marked with its language.
    """

    lead: str
    other: str
    language: str

    @cached_property
    def html(self) -> Markup:
        """Both texts as spans; only a text that has another may give way to it."""
        if not self.other:
            return Markup('<span lang="{}">{}</span>').format(self.language, self.lead)
        lead = Markup('<span class="own" lang="{}">{}</span>').format(self.language, self.lead)
        other = OTHER[self.language]
        return lead + Markup('<span class="other" lang="{}" dir="{}">{}</span>').format(
            other, DIRECTION[other], self.other
        )

    def __html__(self) -> Markup:
        return self.html


@dataclass(frozen=True)
class Languages:
    """Which language leads on a screen, and which follows."""

    lead: str
    other: str
    direction: str
    other_direction: str


@cache
def languages(lead: str) -> Languages:
    """Return the screen's languages and their directions."""
    other = OTHER[lead]
    return Languages(lead, other, DIRECTION[lead], DIRECTION[other])


@cache
def words(lead: str) -> dict[str, Two]:
    """Return a wall's words in both languages."""
    return {
        name: two(lead, translated(text, lead), translated(text, OTHER[lead])) for name, text in WORDS.items()
    }


@cache
def translated(sentence: str, language: str) -> str:
    """Return one of our sentences in a language, whatever the request's is."""
    with force_locale(language):
        return str(gettext(sentence))


def two(language: str, lead: str, other: str | None) -> Two:
    """Return a text in the leading ``language`` and, where it differs, in the other."""
    return Two(lead, other if other and other != lead else "", language)


@lru_cache(maxsize=4096)
def name_in(lead: str, name: str, name_ar: str | None) -> Two:
    """Return a name that has an English and perhaps an Arabic form, the screen's language first."""
    return two(lead, name_ar or name, name) if lead == "ar" else two(lead, name, name_ar)


def clock_in(digits: str, moment: datetime, timezone: str) -> str:
    """Return HH:MM on the facility's wall, in the screen's digits."""
    time = clock.local(moment, timezone).strftime("%H:%M")
    return time.translate(TO_ARABIC) if digits == ARABIC_INDIC else time


def late_in(lead: str, doctor: StaffInfo) -> Two:
    """Return how a doctor's delay is said; ``{minutes}`` is filled in by the template, then by the screen."""
    name, other = name_in(lead, doctor.short_name, doctor.short_name_ar), OTHER[lead]
    said = translated(LATE, lead).replace("{doctor}", name.lead)
    return two(lead, said, translated(LATE, other).replace("{doctor}", name.other or name.lead))


def length_of(text: str | None) -> str:
    """Return the class that makes room for a long text."""
    letters = len(text or "")
    return "" if letters <= LONG else "long" if letters <= LONGER else "longer"


def sign_length(text: str) -> str:
    """Return the class that fits a door's sign: numbers are large, names of rooms smaller. Words may wrap."""
    if len(text) <= SHORT_SIGN:
        return ("", "two" if text.isdigit() else "three", "three")[max(len(text), 1) - 1]
    word = max(map(len, text.split()), default=0)
    if len(text) <= LONG_SIGN:
        return "long"
    return "longer" if word <= LONG_WORD else "longest"


@dataclass(frozen=True, kw_only=True)
class CallView:
    """A call as the template draws it: texts and the classes that make them fit."""

    ticket: str
    ticket_length: str
    is_called: bool
    called_at: datetime
    at: str
    who: str | None
    who_length: str
    room: str | None
    room_length: str
    doctor: Two | None


def _call(call: Call, variant: Variant, timezone: str) -> CallView:
    doctor = call.doctor
    return CallView(
        ticket=call.ticket,
        ticket_length="" if len(call.ticket) <= USUAL_TICKET else "wide",
        is_called=call.is_called,
        called_at=call.at,
        at=clock_in(variant.digits, call.at, timezone),
        who=call.who,
        who_length=length_of(call.who),
        room=call.room,
        room_length=sign_length(call.room) if call.room else "",
        doctor=name_in(variant.language, doctor.short_name, doctor.short_name_ar) if doctor else None,
    )


def _named(picture: Picture) -> str:
    """Return how the line is drawn where it names people: initials beside the number, names below it."""
    names = [waiting.who for waiting in picture.next if waiting.who]
    if not names:
        return ""
    return "named initials" if max(map(len, names)) <= LONGEST_INITIALS else "named"


def spoken(name: str, language: str) -> str:
    """Return what the voice says, with ``{ticket}`` and ``{room}`` to be filled in."""
    return translated(WORDS[name], language)


def context(lead: str) -> dict[str, Any]:
    """Return what every template of a wall needs."""
    return {"say": words(lead), "languages": languages(lead), "spoken": spoken}


def render(picture: Picture, variant: Variant) -> str:
    """Return one queue's fragment for the screens of a variant.

    Straight from the environment: the shell's context processors would ask who is signed in.
    """
    lead = variant.language
    calls = [_call(call, variant, picture.facility.timezone) for call in picture.calls]
    return current_app.jinja_env.get_template(FRAGMENT).render(
        **context(lead),
        line=name_in(lead, picture.name, picture.name_ar),
        day=picture.day.isoformat(),
        call=calls[0] if calls else None,
        earlier=calls[1:],
        waiting=picture.next,
        named=_named(picture),
        late=[(each.due, each.minutes, late_in(lead, each.doctor)) for each in picture.late],
    )
