"""The front door of the catalogue: what can be ordered, found as one types, and what it costs.

Prices are ``Decimal`` with four decimals in the facility's currency, for one unit. Another tenant's row does
not exist here.
"""

from __future__ import annotations

from clinic_web.catalog.kinds import CHARGES, LAB_TESTS, MEDICATIONS
from clinic_web.catalog.ports import when_changed
from clinic_web.catalog.queries import (
    LabTestCard,
    MedicationCard,
    Price,
    find_lab_tests,
    find_medications,
    lab_tests,
    medications,
    prices,
)
from clinic_web.catalog.service import add

__all__ = [
    "CHARGES",
    "LAB_TESTS",
    "MEDICATIONS",
    "LabTestCard",
    "MedicationCard",
    "Price",
    "add",
    "find_lab_tests",
    "find_medications",
    "lab_tests",
    "medications",
    "prices",
    "when_changed",
]
