"""The front door of patients: find, know and register the people we care for.

Reads here leave no access-log row: whoever shows them notes it once for the whole view (``audit.api.saw``).
"""

from __future__ import annotations

from clinic_web.patients.finding import find
from clinic_web.patients.importing import ImportedPatient, ids_of_imported, import_patients
from clinic_web.patients.live import patients_topic
from clinic_web.patients.queries import IS_KNOWN, PatientCard, card, cards, require
from clinic_web.patients.service import Registration, register

__all__ = [
    "IS_KNOWN",
    "ImportedPatient",
    "PatientCard",
    "Registration",
    "card",
    "cards",
    "find",
    "ids_of_imported",
    "import_patients",
    "patients_topic",
    "register",
    "require",
]
