"""Names and telephone numbers as machines compare them, so that people find each other however they write.

A name is folded letter by letter, so that a letter of the folded name can be traced back to the one on the
screen (that is how found letters are marked).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers

from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.folding import DROPPED, fold_letter, normalise
from clinic_web.kernel.money import DIGITS

# Parts that belong to the word after them: Abdel Rahman, van Houten, أبو بكر.
PARTICLES = frozenset(
    {"al", "el", "abd", "abdel", "abdul", "abu", "abo", "bin", "bint", "ibn"}
    | {"van", "von", "der", "den", "de", "da", "di", "del", "la", "le"}
    | {"عبد", "ابو", "ابن", "بن", "بنت", "ال"}
)


def marked(name: str, words: list[str]) -> list[tuple[str, bool]]:
    """Return the name in pieces, each with whether it was typed; the beginning of a word goes first."""
    folded, source = _traced(name)
    hit = [False] * len(name)
    for word in words:
        start = (" " + folded).find(" " + word)
        start = start if start >= 0 else folded.find(word)
        for position in range(start, start + len(word)) if start >= 0 else ():
            hit[source[position]] = True
    return _pieces(name, hit)


def _traced(name: str) -> tuple[str, list[int]]:
    """Return the folded name and, for each of its letters, the place of the letter it came from."""
    folded: list[str] = []
    source: list[int] = []
    for place, letter in enumerate(name):
        for each in fold_letter(letter):
            folded.append(each)
            source.append(place)
    return "".join(folded), source


def _pieces(name: str, hit: list[bool]) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = []
    for letter, is_hit in zip(name, hit, strict=True):
        # A mark belongs to the letter that carries it, whatever is underlined.
        joins = pieces and (pieces[-1][1] == is_hit or unicodedata.category(letter) in DROPPED)
        if joins:
            pieces[-1] = (pieces[-1][0] + letter, pieces[-1][1])
        else:
            pieces.append((letter, is_hit))
    return pieces


@dataclass(frozen=True)
class NameParts:
    first: str
    middle: str | None
    last: str | None


def split(name: str) -> NameParts:
    """Return first, middle and last name of a name typed in one field; particles stay with their word."""
    words: list[str] = []
    for word in name.split():
        if words and _is_particle(words[-1].split()[-1]):
            words[-1] += f" {word}"
        else:
            words.append(word)
    last = words.pop() if len(words) > 1 else None
    return NameParts(words[0] if words else "", " ".join(words[1:]) or None, last)


def _is_particle(word: str) -> bool:
    return normalise(word) in PARTICLES


def join(first: str, middle: str | None, last: str | None) -> str:
    """Return the whole name."""
    return " ".join(filter(None, (first, middle, last)))


EGYPT = 20
EGYPTIAN_MOBILE = re.compile(r"(1\d\d)(\d{3})(\d{4})")


@dataclass(frozen=True)
class Phone:
    """``shown`` as people here write it, ``digits`` as compared: country code and number, without a plus."""

    shown: str
    digits: str


def phone(typed: str | None, country: str, *, field: str = "phone") -> Phone | None:
    """Return the number that a person typed, or None for an empty field.

    Arabic-Indic digits and any separators are understood. Raises RuleBroken (422) when it can't be a number.
    """
    plain = (typed or "").translate(DIGITS).strip()
    if not plain:
        return None
    try:
        number = phonenumbers.parse(plain, country)
    except phonenumbers.NumberParseException as error:
        raise _not_a_phone(field, country) from error
    if not phonenumbers.is_possible_number(number):
        raise _not_a_phone(field, country)
    number.extension = None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(_shown(number, country), e164.lstrip("+"))


def _shown(number: phonenumbers.PhoneNumber, country: str) -> str:
    """Return the number as people of ``country`` write it; Egyptians in groups: 0100 555 0142."""
    form = phonenumbers.PhoneNumberFormat
    if number.country_code != phonenumbers.country_code_for_region(country):
        return phonenumbers.format_number(number, form.INTERNATIONAL)
    if number.country_code == EGYPT and EGYPTIAN_MOBILE.fullmatch(str(number.national_number)):
        return EGYPTIAN_MOBILE.sub(r"0\1 \2 \3", str(number.national_number))
    return phonenumbers.format_number(number, form.NATIONAL)


def _not_a_phone(field: str, country: str) -> RuleBroken:
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    form = phonenumbers.PhoneNumberFormat.NATIONAL
    shown = phonenumbers.format_number(example, form) if example else "+20 100 555 0142"
    sentence = N_("This is not a telephone number. Write it as %(example)s.")
    return RuleBroken(sentence, field=field, example=shown)


def phone_beginnings(digits: str, country: str) -> list[str]:
    """Return how ``Phone.digits`` may begin when a person begins the number with ``digits``."""
    code = str(phonenumbers.country_code_for_region(country) or "")
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    trunk = (metadata.national_prefix if metadata else None) or ""
    if digits.startswith("00"):
        return [digits[2:]]
    national = digits[len(trunk) :] if trunk and digits.startswith(trunk) else digits
    return list(dict.fromkeys([code + national, digits]))
