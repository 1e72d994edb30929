"""What organization tells: what it consists of, when a doctor is away, and when not after all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class OrganizationChanged:
    """Something that screens show by name, time or price was changed by a person; once per change."""

    TOPIC: ClassVar[str] = "organization.changed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("organization", "organization_id")
    organization_id: UUID


@dataclass(frozen=True, kw_only=True)
class ClinicAdded:
    """A clinic was added by a person; its queue is reception's to make."""

    TOPIC: ClassVar[str] = "clinic.added"
    AGGREGATE: ClassVar[tuple[str, str]] = ("clinic", "clinic_id")
    organization_id: UUID
    clinic_id: UUID
    facility_id: UUID


@dataclass(frozen=True, kw_only=True)
class _Leave:
    """``clinic_id`` is set where the doctor is away from that clinic only."""

    AGGREGATE: ClassVar[tuple[str, str]] = ("leave", "leave_id")
    organization_id: UUID
    leave_id: UUID
    staff_id: UUID
    starts_at: datetime
    ends_at: datetime
    clinic_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class LeaveAdded(_Leave):
    TOPIC: ClassVar[str] = "leave.added"


@dataclass(frozen=True, kw_only=True)
class LeaveRemoved(_Leave):
    TOPIC: ClassVar[str] = "leave.removed"
