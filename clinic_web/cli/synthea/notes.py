"""What patients have and must not meet: conditions and allergies, until modules of their own know more."""

from __future__ import annotations

from uuid import UUID

from clinic_web.cli.synthea import wording
from clinic_web.cli.synthea.bars import Bars
from clinic_web.cli.synthea.people import People
from clinic_web.cli.synthea.reading import ALLERGIES, CONDITIONS, Export, Refused, Repeated, Row, accepted
from clinic_web.cli.synthea.report import Report
from clinic_web.kernel.actor import Actor
from clinic_web.patients import api as patients
from clinic_web.patients.api import ImportedAllergy, ImportedCondition

KINDS = {"food": "FOOD", "environment": "ENVIRONMENTAL", "medication": "MEDICATION"}
SNOMED = "SNOMED-CT"
BY_SEVERITY = ("MILD", "MODERATE", "SEVERE")


def load(actor: Actor, people: People, export: Export, bars: Bars, report: Report) -> None:
    """Add both to the patients; an export without these files has neither, which is said."""
    reader = _Reader(people)
    if export.has(ALLERGIES):
        rows = accepted(export.rows(ALLERGIES, bars), reader.allergy, report)
        report.count("allergies", new=patients.import_allergies(actor, rows), seen=reader.take_count())
    if export.has(CONDITIONS):
        rows_of_conditions = accepted(export.rows(CONDITIONS, bars), reader.condition, report)
        new = patients.import_conditions(actor, rows_of_conditions)
        report.count("conditions", new=new, seen=reader.take_count())
    missing = [name for name in (ALLERGIES, CONDITIONS) if not export.has(name)]
    if missing:
        report.notes.append(f"Not in the export: {', '.join(missing)}.")


class _Reader:
    """Makes rows into notes, each once: the files have no ids, so a row is known by what it says."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.seen: set[str] = set()

    def take_count(self) -> int:
        count = len(self.seen)
        self.seen.clear()
        return count

    def allergy(self, row: Row) -> ImportedAllergy:
        over = row.text_or_none("STOP")
        return ImportedAllergy(
            external_id=self._id("allergy", row),
            patient_id=self._patient(row),
            allergen_type=KINDS.get(row.text_or_none("CATEGORY") or "", "OTHER"),
            allergen_name=wording.finding(row.text("DESCRIPTION")),
            reaction=_reaction(row),
            severity=_severity(row),
            onset_date=row.day("START"),
            is_active=over is None,
            code=row.text("CODE"),
            code_system=row.text_or_none("SYSTEM"),
        )

    def condition(self, row: Row) -> ImportedCondition:
        over = row.text_or_none("STOP")
        return ImportedCondition(
            external_id=self._id("condition", row),
            patient_id=self._patient(row),
            condition_name=wording.finding(row.text("DESCRIPTION")),
            diagnosed_date=row.day("START"),
            resolved_date=row.day("STOP") if over else None,
            is_active=over is None,
            code=row.text("CODE"),
            code_system=SNOMED,
        )

    def _patient(self, row: Row) -> UUID:
        patient = row.text("PATIENT")
        if patient not in self.people.ids:
            raise Refused("unknown patient", patient)
        return self.people.ids[patient]

    def _id(self, kind: str, row: Row) -> str:
        said = ":".join((kind, row.text("PATIENT"), row.text("CODE"), row.text("START")))
        if said in self.seen:
            raise Repeated("an earlier line says the same", said)
        self.seen.add(said)
        return said


def _reaction(row: Row) -> str | None:
    told = [row.text_or_none(column) for column in ("DESCRIPTION1", "DESCRIPTION2")]
    return ", ".join(wording.finding(each) for each in told if each) or None


def _severity(row: Row) -> str | None:
    told = {row.text_or_none(column) for column in ("SEVERITY1", "SEVERITY2")}
    return next((each for each in reversed(BY_SEVERITY) if each in told), None)
