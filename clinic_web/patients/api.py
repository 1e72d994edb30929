"""The front door of patients: find, know and register the people we care for.

Reads here leave no access-log row: whoever shows them notes it once for the whole view (``audit.api.saw``).
"""

from __future__ import annotations

from clinic_web.kernel.folding import normalise
from clinic_web.patients.allergic import AllergyNote, allergies_of
from clinic_web.patients.born import parse as parse_born
from clinic_web.patients.chart import Opened
from clinic_web.patients.chart import enter as enter_chart
from clinic_web.patients.checks import Finding, merge_check
from clinic_web.patients.finding import find
from clinic_web.patients.holding import IS_KNOWN, hold, hold_ids
from clinic_web.patients.importing import ImportedPatient, ids_of_imported, import_patients
from clinic_web.patients.importing_list import CHUNK as IMPORTED_AT_ONCE
from clinic_web.patients.importing_list import ListedPatient, Outcome, import_list
from clinic_web.patients.importing_notes import (
    ImportedAllergy,
    ImportedCondition,
    import_allergies,
    import_conditions,
)
from clinic_web.patients.links import all_below, ids_of, survivors_of
from clinic_web.patients.live import patients_topic
from clinic_web.patients.names import join, phone
from clinic_web.patients.names import split as split_name
from clinic_web.patients.queries import PatientCard, by_every_id, card, cards, ids_of_card, require
from clinic_web.patients.reach import email_of
from clinic_web.patients.service import Registration, register

__all__ = [
    "IMPORTED_AT_ONCE",
    "IS_KNOWN",
    "AllergyNote",
    "Finding",
    "ImportedAllergy",
    "ImportedCondition",
    "ImportedPatient",
    "ListedPatient",
    "Opened",
    "Outcome",
    "PatientCard",
    "Registration",
    "all_below",
    "allergies_of",
    "by_every_id",
    "card",
    "cards",
    "email_of",
    "enter_chart",
    "find",
    "hold",
    "hold_ids",
    "ids_of",
    "ids_of_card",
    "ids_of_imported",
    "import_allergies",
    "import_conditions",
    "import_list",
    "import_patients",
    "join",
    "merge_check",
    "normalise",
    "parse_born",
    "patients_topic",
    "phone",
    "register",
    "require",
    "split_name",
    "survivors_of",
]
