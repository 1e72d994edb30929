"""Which day of which facility is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from clinic_web.organization import api as organization

STATES = (
    "SCHEDULED",
    "WAITING",
    "CALLED",
    "IN_PROGRESS",
    "ON_HOLD",
    "PENDING_PAYMENT",
    "COMPLETED",
    "NO_SHOW",
    "CANCELLED",
)
PLACES = ("DRAWER", "BANK", "CARD", "RECEIVABLE")
ACCOUNTS = (*PLACES, "DOCTOR_PAYABLE", "CENTRE_INCOME", "UNASSIGNED_SHARE", "PATIENT_CREDIT")


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which day of which facility: the local ``day`` from ``begins`` up to, not including, ``ends``."""

    organization_id: UUID
    facility_id: UUID
    timezone: str
    day: date
    begins: datetime
    ends: datetime
    clinics: tuple[UUID, ...]

    @property
    def values(self) -> dict[str, Any]:
        return vars(self) | {
            "clinics": list(self.clinics),
            "states": list(STATES),
            "accounts": list(ACCOUNTS),
        }


def question_of(organization_id: UUID, facility_id: UUID, day: date) -> Question:
    """Return the question for one day; also clinics that are closed by now had their days."""
    directory = organization.directory(organization_id)
    facility = directory.facilities[facility_id]
    return Question(
        organization_id=organization_id,
        facility_id=facility_id,
        timezone=facility.timezone,
        day=day,
        begins=organization.moment_at(day, time(), facility.timezone),
        ends=organization.moment_at(day + timedelta(days=1), time(), facility.timezone),
        clinics=tuple(each.id for each in directory.clinics.values() if each.facility_id == facility_id),
    )
