"""What the portal tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class PatientInvited:
    """A patient is to get an invitation by letter; its code is made when the letter is written."""

    TOPIC: ClassVar[str] = "patient.invited"
    AGGREGATE: ClassVar[tuple[str, str]] = ("patient", "patient_id")
    organization_id: UUID
    patient_id: UUID
    invitation_id: UUID
