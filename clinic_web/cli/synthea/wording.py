"""Names as people write them: Synthea numbers its people and shouts its hospitals."""

from __future__ import annotations

import re

from clinic_web.cli.synthea.reading import Refused

DIGITS = re.compile(r"[0-9]+")
SPACES = re.compile(r"\s+")
SEMANTIC_TAG = re.compile(r"\s+\(procedure\)$")  # SNOMED's word for the kind of code, not for a patient

KEPT = {"CD", "II", "LLC", "MA", "MGH", "PC", "PLLC"}
SMALL = {"AND", "FOR", "OF", "THE"}
ALPHABET = 26


def person(name: str) -> str:
    """``Ludivina884`` → ``Ludivina``; refused when nothing is left."""
    plain = SPACES.sub(" ", DIGITS.sub("", name)).strip()
    if not plain:
        raise Refused("the name has no letters", name)
    return plain


def first_and_last(name: str) -> tuple[str, str]:
    first, _, last = person(name).rpartition(" ")
    if not first:
        raise Refused("NAME is no first and last name", name)
    return first, last


def place(name: str) -> str:
    """``BOSTON CHILDREN'S HOSPITAL`` → ``Boston Children's Hospital``; what has digits or is short for
    something stays as it is."""
    words = SPACES.sub(" ", name).strip().split(" ")
    return " ".join(_place_word(word, is_first=number == 0) for number, word in enumerate(words))


def _place_word(word: str, *, is_first: bool) -> str:
    letters = re.sub(r"[^A-Za-z]", "", word).upper()
    if DIGITS.search(word) or letters in KEPT:
        return word
    if letters in SMALL and not is_first:
        return word.lower()
    return "-".join(part.capitalize() if part[:1].isalpha() else part.title() for part in word.split("-"))


def service(description: str) -> str:
    return SEMANTIC_TAG.sub("", description)


def prefix(number: int) -> str:
    """The letters of a queue's tickets: A, B … Z, AA, AB … for 0, 1 …"""
    letters = ""
    while number >= 0:
        number, letter = divmod(number, ALPHABET)
        letters = chr(ord("A") + letter) + letters
        number -= 1
    return letters
