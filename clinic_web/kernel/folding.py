"""Words as machines compare them, so that people find each other and things however they write.

A word is folded letter by letter, so that a letter of the folded word can be traced back to the one on the
screen (that is how found letters are marked).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from clinic_web.kernel.money import DIGITS

# What decomposition leaves: letters that are one letter to a reader and two to Unicode.
SAME = str.maketrans(
    {
        "ٱ": "ا",
        "ى": "ي",
        "ی": "ي",
        "ې": "ي",
        "ة": "ه",
        "ۀ": "ه",
        "ہ": "ه",
        "ھ": "ه",
        "ک": "ك",
        "گ": "ك",
        "ء": None,
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
    }
)
DROPPED = frozenset({"Mn", "Me", "Mc", "Cf", "Lm", "Sk"})  # accents, harakat, joiners, tatweel and the like
GLUE = frozenset("'’‘`´ʹʼʾʿ")  # O'Brien is typed obrien


@lru_cache(maxsize=4096)
def fold_letter(letter: str) -> str:
    """Return what one letter is compared as: nothing for marks, a space for what parts words."""
    if letter in GLUE:
        return ""
    folded = unicodedata.normalize("NFKD", letter.translate(DIGITS)).casefold()
    kept = "".join(each for each in folded if unicodedata.category(each) not in DROPPED)
    return "".join(each if each.isalnum() else " " for each in kept.translate(SAME))


def normalise(words: str) -> str:
    """Return the words as they are searched: lower case, no marks, one form of each letter, single spaces."""
    return " ".join("".join(fold_letter(letter) for letter in words).split())
