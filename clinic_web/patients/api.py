"""The front door of patients: find, know and register the people we care for.

Reads here leave no access-log row: whoever shows them notes it once for the whole view (``audit.api.saw``).
"""

from __future__ import annotations

from clinic_web.patients.checks import Finding, merge_check
from clinic_web.patients.finding import find
from clinic_web.patients.importing import ImportedPatient, ids_of_imported, import_patients
from clinic_web.patients.links import ids_of, survivors_of
from clinic_web.patients.queries import IS_KNOWN, PatientCard, card, cards, require
from clinic_web.patients.service import Registration, register

__all__ = [
    "IS_KNOWN",
    "Finding",
    "ImportedPatient",
    "PatientCard",
    "Registration",
    "card",
    "cards",
    "find",
    "ids_of",
    "ids_of_imported",
    "import_patients",
    "merge_check",
    "register",
    "require",
    "survivors_of",
]
