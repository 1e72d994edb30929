"""Names of people who do not exist, in Latin and in Arabic letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

FEMALE = (
    ("Maryam", "مريم"),
    ("Mona", "منى"),
    ("Yara", "يارا"),
    ("Nour", "نور"),
    ("Leila", "ليلى"),
    ("Rania", "رانيا"),
    ("Dina", "دينا"),
    ("Tamara", "تمارا"),
    ("Lina", "لينا"),
    ("Huda", "هدى"),
    ("Sahar", "سحر"),
    ("Nadia", "نادية"),
    ("Amal", "أمل"),
    ("Samia", "سامية"),
    ("Ghada", "غادة"),
    ("Rita", "ريتا"),
    ("Farida", "فريدة"),
    ("Salma", "سلمى"),
    ("Hana", "هناء"),
    ("Aisha", "عائشة"),
    ("Fatma", "فاطمة"),
    ("Zeinab", "زينب"),
    ("Heba", "هبة"),
    ("Doaa", "دعاء"),
    ("Eman", "إيمان"),
    ("Asmaa", "أسماء"),
    ("Reem", "ريم"),
    ("Jana", "جنى"),
    ("Malak", "ملك"),
    ("Habiba", "حبيبة"),
)
MALE = (
    ("Ibrahim", "إبراهيم"),
    ("Samir", "سمير"),
    ("Faris", "فارس"),
    ("Basel", "باسل"),
    ("Omar", "عمر"),
    ("Jamal", "جمال"),
    ("Wael", "وائل"),
    ("Ali", "علي"),
    ("Hassan", "حسن"),
    ("Mahmoud", "محمود"),
    ("Tarek", "طارق"),
    ("Joseph", "يوسف"),
    ("Ramzi", "رمزي"),
    ("Karim", "كريم"),
    ("Ahmed", "أحمد"),
    ("Mohamed", "محمد"),
    ("Mostafa", "مصطفى"),
    ("Khaled", "خالد"),
    ("Hussein", "حسين"),
    ("Youssef", "يوسف"),
    ("Adham", "أدهم"),
    ("Ziad", "زياد"),
    ("Amr", "عمرو"),
    ("Sherif", "شريف"),
    ("Hany", "هاني"),
    ("Magdy", "مجدي"),
    ("Peter", "بيتر"),
    ("Mina", "مينا"),
    ("Bishoy", "بيشوي"),
    ("Anas", "أنس"),
)
LAST = (
    ("Tahhan", "طحان"),
    ("Zahran", "زهران"),
    ("Dabbas", "دباس"),
    ("Hamdi", "حمدي"),
    ("Haddadin", "حدادين"),
    ("Wahba", "وهبة"),
    ("Tawfik", "توفيق"),
    ("Nouman", "نعمان"),
    ("Idris", "إدريس"),
    ("Shukri", "شكري"),
    ("Jaziri", "جزيري"),
    ("Essawi", "عيساوي"),
    ("Qassem", "قاسم"),
    ("Jabbour", "جبور"),
    ("Rezk", "رزق"),
    ("Farag", "فرج"),
    ("Amrani", "عمراني"),
    ("Nassif", "ناصيف"),
    ("Frangieh", "فرنجية"),
    ("Tamimi", "تميمي"),
    ("Safadi", "صفدي"),
    ("Ghanem", "غانم"),
    ("Bishara", "بشارة"),
    ("Qubaisi", "قبيسي"),
    ("Merhi", "مرعي"),
    ("Sinjab", "سنجاب"),
    ("Melhem", "ملحم"),
    ("Kattan", "قطان"),
    ("Abdelrahman", "عبد الرحمن"),
    ("Elsayed", "السيد"),
    ("Mansour", "منصور"),
    ("Fahmy", "فهمي"),
    ("Naguib", "نجيب"),
    ("Soliman", "سليمان"),
    ("Badawi", "بدوي"),
)
ENGLISH = (
    ("Grace", "Hillier", "FEMALE"),
    ("Oskar", "Brandel", "MALE"),
    ("Clara", "Whitby", "FEMALE"),
    ("Ewa", "Lindqvist", "FEMALE"),
    ("Peter", "Ashmore", "MALE"),
    ("Thomas", "Keane", "MALE"),
    ("Martina", "Markos", "FEMALE"),
    ("Daniel", "Okafor", "MALE"),
    ("Sophie", "Laurent", "FEMALE"),
)
PREFIXES = (
    "0100",
    "0101",
    "0106",
    "0109",
    "0110",
    "0111",
    "0112",
    "0114",
    "0120",
    "0122",
    "0127",
    "0128",
    "0155",
)


@dataclass(frozen=True)
class Invented:
    """One invented patient; a quarter write their name in Arabic letters, one in twelve is from abroad."""

    first_name: str
    middle_name: str | None
    last_name: str
    gender: str
    date_of_birth: date
    phone: str | None
    language: str


def invent(count: int, today: date, random: Random) -> Iterator[Invented]:
    """Yield ``count`` patients, always the same for the same ``random``; telephones never repeat."""
    numbers = random.sample(range(1_000_000, 9_999_999), count)
    for number in numbers:
        age = int(random.triangular(0, 92, 31))
        born = today - timedelta(days=age * 365 + random.randint(0, 364))
        phone = f"{random.choice(PREFIXES)}{number}" if random.random() < 0.94 else None  # noqa: PLR2004 - some have none
        yield _named(random, born, phone)


def _named(random: Random, born: date, phone: str | None) -> Invented:
    if random.random() < 1 / 12:
        first, last, gender = random.choice(ENGLISH)
        return Invented(first, None, last, gender, born, phone, "en")
    gender = random.choice(("FEMALE", "MALE"))
    script = 1 if random.random() < 0.25 else 0  # noqa: PLR2004
    first = random.choice(FEMALE if gender == "FEMALE" else MALE)[script]
    father = random.choice(MALE)[script] if random.random() < 0.5 else None  # noqa: PLR2004
    return Invented(first, father, random.choice(LAST)[script], gender, born, phone, "ar")
