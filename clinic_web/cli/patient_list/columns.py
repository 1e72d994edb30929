"""Which column of a list holds what: guessed by its name in English or Arabic, given, or asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from clinic_web.patients.api import normalise

# What a list may tell us of a patient, and how such a column is usually called (folded, without spaces).
FIELDS: dict[str, tuple[str, str]] = {
    "id": (
        "number in the other program",
        "id patientid patientno patientnumber fileno filenumber mrn code رقم رقمالمريض رقمالملف كود الرقم",
    ),
    "name": ("whole name", "name fullname patientname patient الاسم اسم اسمالمريض الاسمالكامل المريض"),
    "first_name": ("first name", "firstname first givenname الاسمالاول الاول"),
    "middle_name": ("middle name", "middlename middle fathername اسمالاب الاب"),
    "last_name": (
        "last name",
        "lastname last surname familyname family العايله اللقب اسمالعايله",
    ),
    "gender": ("sex", "gender sex الجنس النوع"),
    "born": (
        "birth date, year or age",
        "born birthdate dateofbirth dob birthday age yearofbirth تاريخالميلاد الميلاد السن العمر",
    ),
    "phone": (
        "telephone",
        "phone mobile telephone tel phonenumber mobilenumber phone1 "
        "الهاتف الموبايل التليفون المحمول رقمالهاتف رقمالموبايل تليفون موبايل",
    ),
    "phone_secondary": ("second telephone", "phone2 otherphone homephone هاتفاخر تليفون2"),
    "email": ("e-mail", "email mail البريد البريدالالكتروني ايميل"),
    "address": ("address", "address street address1 العنوان"),
    "city": ("city", "city town المدينه"),
    "state": ("governorate or state", "state governorate province المحافظه"),
    "zip_code": ("postal code", "zip zipcode postalcode postcode الرمزالبريدي"),
    "country": ("country", "country البلد الدوله"),
    "language": ("language", "language lang اللغه"),
    "notes": ("what was known before", "notes note history medicalhistory ملاحظات التاريخالمرضي"),
}
NOTHING = "-"


class BadMapping(Exception):
    """The columns given can't be used; the sentence says why."""


def guess(header: Sequence[str]) -> dict[str, int]:
    """Return the place of each field that a column's name tells."""
    found: dict[str, int] = {}
    for place, name in enumerate(header):
        plain = normalise(name).replace(" ", "")
        for field, (_, known) in FIELDS.items():
            if plain in known.split() and field not in found:
                found[field] = place
                break
    return found


def given(header: Sequence[str], pairs: Sequence[str]) -> dict[str, int]:
    """Return what ``field=Column`` options say; raise BadMapping for what is not there."""
    found: dict[str, int] = {}
    names = {name.casefold(): place for place, name in enumerate(header)}
    for pair in pairs:
        field, is_pair, column = pair.partition("=")
        if not is_pair or field not in FIELDS:
            raise BadMapping(f"Write --column as field=Column; fields are {', '.join(FIELDS)}.")
        if column != NOTHING and column.casefold() not in names:
            raise BadMapping(f"There is no column {column!r}; there are {', '.join(header)}.")
        found[field] = names.get(column.casefold(), -1)
    return found


def asked(header: Sequence[str], known: Mapping[str, int], ask: Callable[[str, str], str]) -> dict[str, int]:
    """Ask of every column what it holds; Enter takes the guess, ``-`` leaves the column out."""
    field_at = {place: field for field, place in known.items()}
    found: dict[str, int] = {}
    for place, name in enumerate(header):
        answer = ask(name, field_at.get(place, NOTHING)).strip()
        if answer in FIELDS:
            found[answer] = place
    return found


def require_a_name(columns: Mapping[str, int]) -> None:
    if not {"name", "first_name"} & {field for field, place in columns.items() if place >= 0}:
        raise BadMapping("No column holds the name. Say which: --column name=Column.")
