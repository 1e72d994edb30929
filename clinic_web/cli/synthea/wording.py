"""Names as people write them: Synthea numbers its people and shouts its hospitals."""

from __future__ import annotations

import re

from clinic_web.cli.synthea.reading import Refused

DIGITS = re.compile(r"[0-9]+")
SPACES = re.compile(r"\s+")
SEMANTIC_TAG = re.compile(r"\s+\(procedure\)$")  # SNOMED's word for the kind of code, not for a patient

ANY_SEMANTIC_TAG = re.compile(r"\s+\([a-z ]+\)$")  # (disorder), (finding), (substance) …

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
    """``BOSTON CHILDREN'S HOSPITAL`` → ``Boston Children's Hospital``. What has digits or is short for
    something stays as it is."""
    words = SPACES.sub(" ", name).strip(" -").split(" ")
    inner = range(1, len(words) - 1)
    return " ".join(_place_word(word, is_inner=number in inner) for number, word in enumerate(words))


def _place_word(word: str, *, is_inner: bool) -> str:
    if is_inner and word.upper() in SMALL:
        return word.lower()
    return "-".join(_place_part(part) for part in word.split("-"))


def _place_part(part: str) -> str:
    if DIGITS.search(part) or part.upper() in KEPT:
        return part
    return part.capitalize() if part[:1].isalpha() else part.title()


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


def finding(description: str) -> str:
    """``Latex (substance)`` → ``Latex``."""
    return ANY_SEMANTIC_TAG.sub("", SPACES.sub(" ", description)).strip()
