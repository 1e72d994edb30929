"""A million patients with the names that people really have: a few names are everybody's, most are rare.

The heads of the lists are written down with about how often they are met per thousand (Egyptian given names,
of which a full name has two or three in a row, and the surnames of the census of the United States); the
tails are made up of syllables and fall off as such lists do, with one over the rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, product
from random import Random

# Per thousand among men and among women; the same person may be written in either script.
MEN = (
    ("Mohamed", "محمد", 95), ("Ahmed", "أحمد", 62), ("Mahmoud", "محمود", 34), ("Mostafa", "مصطفى", 27),
    ("Ali", "علي", 26), ("Hassan", "حسن", 22), ("Ibrahim", "إبراهيم", 21), ("Khaled", "خالد", 15),
    ("Omar", "عمر", 15), ("Abdelrahman", "عبد الرحمن", 14), ("Youssef", "يوسف", 14), ("Mina", "مينا", 8),
    ("Hussein", "حسين", 12), ("Said", "سعيد", 11), ("Sayed", "سيد", 11), ("Amr", "عمرو", 10),
    ("Tarek", "طارق", 9), ("Karim", "كريم", 9), ("Abdallah", "عبد الله", 9), ("Ashraf", "أشرف", 8),
    ("Hany", "هاني", 7), ("Wael", "وائل", 7), ("Ramadan", "رمضان", 7), ("Gamal", "جمال", 7),
    ("Samir", "سمير", 6), ("Magdy", "مجدي", 6), ("Emad", "عماد", 6), ("Sherif", "شريف", 6),
    ("Salah", "صلاح", 6), ("Fathy", "فتحي", 5), ("Hamdy", "حمدي", 5), ("Adel", "عادل", 6),
    ("George", "جورج", 4), ("Girgis", "جرجس", 4), ("Medhat", "مدحت", 3), ("Reda", "رضا", 4),
    ("Yasser", "ياسر", 5), ("Hesham", "هشام", 5), ("Ayman", "أيمن", 5), ("Nabil", "نبيل", 4),
)  # fmt: skip
WOMEN = (
    ("Fatma", "فاطمة", 38), ("Mona", "منى", 22), ("Maryam", "مريم", 24), ("Nour", "نور", 15),
    ("Aya", "آية", 17), ("Heba", "هبة", 15), ("Asmaa", "أسماء", 17), ("Eman", "إيمان", 16),
    ("Sara", "سارة", 17), ("Doaa", "دعاء", 10), ("Zeinab", "زينب", 13), ("Amal", "أمل", 11),
    ("Nadia", "نادية", 9), ("Salma", "سلمى", 10), ("Hana", "هناء", 9), ("Rania", "رانيا", 8),
    ("Dina", "دينا", 8), ("Aisha", "عائشة", 7), ("Samia", "سامية", 7), ("Ghada", "غادة", 6),
    ("Sahar", "سحر", 6), ("Hoda", "هدى", 8), ("Nagwa", "نجوى", 6), ("Habiba", "حبيبة", 7),
    ("Malak", "ملك", 8), ("Yasmin", "ياسمين", 8), ("Reham", "ريهام", 6), ("Shaimaa", "شيماء", 8),
)  # fmt: skip
SURNAMES = (
    ("Smith", 8.3), ("Johnson", 6.6), ("Williams", 5.5), ("Brown", 4.9), ("Jones", 4.8), ("Garcia", 4.0),
    ("Miller", 3.9), ("Davis", 3.8), ("Rodriguez", 3.7), ("Martinez", 3.6), ("Hernandez", 3.5),
    ("Lopez", 3.0), ("Gonzalez", 2.9), ("Wilson", 2.7), ("Anderson", 2.7), ("Thomas", 2.6), ("Taylor", 2.6),
    ("Moore", 2.5), ("Jackson", 2.4), ("Martin", 2.4), ("Lee", 2.4), ("Perez", 2.3), ("Thompson", 2.3),
)  # fmt: skip
SYLLABLES = (
    "sha",
    "ban",
    "fa",
    "rag",
    "ha",
    "lim",
    "me",
    "tah",
    "ran",
    "dor",
    "wi",
    "kel",
    "na",
    "som",
    "ry",
    "bo",
)
ARABIC_SYLLABLES = (
    "شا",
    "بان",
    "فر",
    "ج",
    "حا",
    "ليم",
    "من",
    "طه",
    "ران",
    "دور",
    "وي",
    "كل",
    "نا",
    "سم",
    "ري",
    "بو",
)
TAIL = 4000  # rarer names of each list
SCRIPTS = (0, 1)


class Names:
    """Draws (first, middle, last, is_female); ``seed`` makes the same crowd again."""

    def __init__(self, seed: int = 1) -> None:
        self.random = Random(seed)
        self.men = [_weighted([(each[script], each[2]) for each in MEN], script) for script in SCRIPTS]
        self.women = [_weighted([(each[script], each[2]) for each in WOMEN], script) for script in SCRIPTS]
        self.families = _weighted(list(SURNAMES), 0)

    def draw(self, count: int) -> Iterator[tuple[str, str, str, bool]]:
        """Yield ``count`` people: half in Arabic letters, and of the others a quarter with a surname."""
        for half, script in ((count // 2, 1), (count - count // 2, 0)):
            first_men, first_women = self._many(self.men[script], half), self._many(self.women[script], half)
            fathers, grandfathers = self._many(self.men[script], half), self._many(self.men[script], half)
            families = self._many(self.families, half)
            for row in range(half):
                is_female = row % 2 == 0
                first = (first_women if is_female else first_men)[row]
                has_surname = script == 0 and row % 4 == 0
                yield first, fathers[row], (families if has_surname else grandfathers)[row], is_female

    def _many(self, weighted: tuple[list[str], list[float]], count: int) -> list[str]:
        return self.random.choices(weighted[0], cum_weights=weighted[1], k=count)


def _weighted(head: list[tuple[str, float]], script: int) -> tuple[list[str], list[float]]:
    """Return the names with their cumulative weights; the tail shares what the head leaves of a thousand."""
    rest = 1000 - sum(weight for _, weight in head)
    tail = list(_rare(script))
    harmonic = sum(1 / rank for rank in range(10, 10 + len(tail)))
    weights = [weight for _, weight in head] + [rest / harmonic / rank for rank in range(10, 10 + len(tail))]
    return [name for name, _ in head] + tail, list(accumulate(weights))


def _rare(script: int) -> Iterator[str]:
    syllables = SYLLABLES if script == 0 else ARABIC_SYLLABLES
    parts = list(product(syllables, repeat=3))
    Random(7).shuffle(parts)  # or the commonest of the rare all begin alike
    for part in parts[:TAIL]:
        yield "".join(part).capitalize()
