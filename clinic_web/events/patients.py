"""What patients tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class PatientRegistered:
    TOPIC: ClassVar[str] = "patient.registered"
    AGGREGATE: ClassVar[tuple[str, str]] = ("patient", "patient_id")
    organization_id: UUID
    patient_id: UUID


@dataclass(frozen=True, kw_only=True)
class PatientChanged:
    TOPIC: ClassVar[str] = "patient.changed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("patient", "patient_id")
    organization_id: UUID
    patient_id: UUID
