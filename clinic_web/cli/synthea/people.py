"""Patients. Synthea knows no telephones; what it knows beyond our columns is left out and said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from clinic_web.cli.synthea import wording
from clinic_web.cli.synthea.bars import Bars
from clinic_web.cli.synthea.ids import id_of
from clinic_web.cli.synthea.reading import PATIENTS, Export, Refused, Repeated, Row, accepted
from clinic_web.cli.synthea.report import Report
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.patients import api as patients
from clinic_web.patients.api import ImportedPatient

GENDERS = {"M": "MALE", "F": "FEMALE"}


@dataclass
class People:
    """The tenant's patients by their id in the export, and which of them have died."""

    ids: dict[str, UUID] = field(default_factory=dict)
    died: set[str] = field(default_factory=set)


def load(actor: Actor, export: Export, bars: Bars, report: Report) -> People:
    """Register the patients that are not known yet."""
    people = People()
    seen: set[str] = set()

    def parse(row: Row) -> ImportedPatient:
        patient = _read(actor, row)
        if patient.external_id in seen:
            raise Repeated("Id is on an earlier line, too", patient.external_id)
        seen.add(patient.external_id)
        if row.text_or_none("DEATHDATE") and row.day("DEATHDATE"):
            people.died.add(patient.external_id)
        return patient

    new = patients.import_patients(actor, accepted(export.rows(PATIENTS, bars), parse, report))
    report.count("patients", new=new, seen=len(seen))
    people.ids = patients.ids_of_imported(actor)
    report.notes.extend(_notes(people))
    return people


def _read(actor: Actor, row: Row) -> ImportedPatient:
    external_id, born = row.text("Id"), row.day("BIRTHDATE")
    if born > clock.now().date():
        raise Refused("BIRTHDATE is in the future", row.text("BIRTHDATE"))
    return ImportedPatient(
        id=id_of(actor, "patient", external_id),
        external_id=external_id,
        first_name=wording.person(row.text("FIRST")),
        last_name=wording.person(row.text("LAST")),
        gender=_gender(row),
        date_of_birth=born,
        address_line1=row.text_or_none("ADDRESS"),
        city=row.text_or_none("CITY"),
        state=row.text_or_none("STATE"),
        zip_code=row.text_or_none("ZIP"),
        country="US",
        language_preference="en",
    )


def _gender(row: Row) -> str:
    letter = row.text_or_none("GENDER")
    if letter is None:
        return "UNKNOWN"
    if letter not in GENDERS:
        raise Refused("GENDER is neither M nor F", letter)
    return GENDERS[letter]


def _notes(people: People) -> Iterator[str]:
    if people.died:
        yield (
            f"Patients who have died: {len(people.died):,}. They are imported without it, because a "
            "patient here has no date of death; --today leaves them alone."
        )
