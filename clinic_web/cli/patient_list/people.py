"""One row of a list made into a patient, or refused with the reason."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from clinic_web.kernel.errors import RuleBroken
from clinic_web.kernel.money import DIGITS
from clinic_web.patients import api as patients
from clinic_web.patients.api import ListedPatient

LONGEST, LONGEST_NOTES = 200, 5000
UNREADABLE = "\ufffd"
MIDNIGHT = re.compile(r"[T ]0{1,2}:00(:00(\.0+)?)?$")  # how spreadsheets end a day
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
GENDERS = {
    "": "UNKNOWN", "m": "MALE", "male": "MALE", "man": "MALE", "ذكر": "MALE", "f": "FEMALE",
    "female": "FEMALE", "woman": "FEMALE", "انثي": "FEMALE", "انثى": "FEMALE", "other": "OTHER",
    "unknown": "UNKNOWN", "غير معروف": "UNKNOWN", "اخر": "OTHER",
}  # fmt: skip
LANGUAGES = {
    "arabic": "ar",
    "عربي": "ar",
    "العربيه": "ar",
    "english": "en",
    "انجليزي": "en",
    "الانجليزيه": "en",
}


class RowRefused(Exception):
    """This row is not imported; the sentence says why."""


@dataclass(frozen=True)
class Reader:
    """``today`` and ``country`` (of telephones, and of how dates are written) are the facility's."""

    columns: Mapping[str, int]
    width: int
    today: date
    country: str

    def patient(self, line: int, values: Sequence[str] | None) -> ListedPatient:
        """Return the patient of a row; raise RowRefused."""
        if values is None:
            raise RowRefused("This line can't be read as CSV.")
        if len(values) != self.width:
            raise RowRefused(f"This line has {len(values)} values for {self.width} columns.")
        try:
            return self._patient(line, values)
        except RuleBroken as broken:
            raise RowRefused(broken.sentence % broken.values) from broken

    def _patient(self, line: int, values: Sequence[str]) -> ListedPatient:
        first, middle, last = self._name(values)
        whole = patients.join(first, middle, last)
        search_name = patients.normalise(whole)
        if not search_name:
            raise RowRefused("The name is empty.")
        phone = patients.phone(self._text(values, "phone"), self.country)
        second = patients.phone(self._text(values, "phone_secondary"), self.country)
        typed = MIDNIGHT.sub("", self._text(values, "born") or "")
        born = patients.parse_born(typed, today=self.today, country=self.country)
        digits = phone.digits if phone else None
        return ListedPatient(
            line=line,
            external_id=self._external_id(values, search_name, digits, born.on if born else None),
            first_name=first,
            middle_name=middle,
            last_name=last,
            search_name=search_name,
            gender=self._gender(values),
            date_of_birth=born.on if born else None,
            date_of_birth_estimated=bool(born and born.is_estimated),
            phone_primary=phone.shown if phone else None,
            phone_digits=digits,
            phone_secondary=second.shown if second else None,
            email=self._text(values, "email"),
            address_line1=self._text(values, "address"),
            city=self._text(values, "city"),
            state=self._text(values, "state"),
            zip_code=self._text(values, "zip_code"),
            country=self._text(values, "country"),
            language_preference=self._language(values),
            medical_history=self._text(values, "notes", LONGEST_NOTES),
        )

    def _text(self, values: Sequence[str], field: str, longest: int = LONGEST) -> str | None:
        place = self.columns.get(field, -1)
        if place < 0:
            return None
        value = values[place].strip()
        if UNREADABLE in value:
            raise RowRefused(f"The {field} has letters that the file's encoding does not know.")
        value = " ".join(CONTROLS.sub(" ", value).split())
        if len(value) > longest:
            raise RowRefused(f"The {field} is longer than {longest} characters.")
        return value or None

    def _name(self, values: Sequence[str]) -> tuple[str, str | None, str | None]:
        if first := self._text(values, "first_name"):
            return first, self._text(values, "middle_name"), self._text(values, "last_name")
        parts = patients.split_name(self._text(values, "name") or self._text(values, "last_name") or "")
        return parts.first, parts.middle, parts.last

    def _gender(self, values: Sequence[str]) -> str:
        typed = self._text(values, "gender") or ""
        gender = GENDERS.get(patients.normalise(typed))
        if gender is None:
            raise RowRefused(f"The sex {typed!r} is not known: write male or female.")
        return gender

    def _language(self, values: Sequence[str]) -> str | None:
        typed = patients.normalise(self._text(values, "language") or "")
        return LANGUAGES.get(typed, typed if len(typed) == 2 else None)  # noqa: PLR2004 - ar, en

    def _external_id(
        self, values: Sequence[str], search_name: str, digits: str | None, born: date | None
    ) -> str:
        """The other program's number, or else what makes the line itself again another time."""
        if number := self._text(values, "id"):
            return number.translate(DIGITS)
        told = f"{search_name}|{digits or ''}|{born or ''}"
        return "list:" + hashlib.sha256(told.encode()).hexdigest()[:24]
