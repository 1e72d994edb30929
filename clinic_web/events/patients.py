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


@dataclass(frozen=True, kw_only=True)
class PatientMerged:
    """From now on rows of ``merged_id`` are rows of ``patient_id``, too: whoever asks, asks for both."""

    TOPIC: ClassVar[str] = "patient.merged"
    AGGREGATE: ClassVar[tuple[str, str]] = ("patient", "patient_id")
    organization_id: UUID
    patient_id: UUID
    merged_id: UUID
    link_id: UUID


@dataclass(frozen=True, kw_only=True)
class PatientUnmerged:
    """The two are two again, with the rows that each had; rows written since are ``patient_id``'s."""

    TOPIC: ClassVar[str] = "patient.unmerged"
    AGGREGATE: ClassVar[tuple[str, str]] = ("patient", "patient_id")
    organization_id: UUID
    patient_id: UUID
    merged_id: UUID
    link_id: UUID


@dataclass(frozen=True, kw_only=True)
class EmergencyOpened:
    """Somebody who does not treat the patient opened the chart, with a reason that stays in its row."""

    TOPIC: ClassVar[str] = "patient.emergency_opened"
    AGGREGATE: ClassVar[tuple[str, str]] = ("emergency", "emergency_id")
    organization_id: UUID
    emergency_id: UUID
    patient_id: UUID
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class EmergencyReviewed:
    TOPIC: ClassVar[str] = "patient.emergency_reviewed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("emergency", "emergency_id")
    organization_id: UUID
    emergency_id: UUID
    patient_id: UUID
    verdict: str
