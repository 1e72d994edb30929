"""What organization tells."""

from __future__ import annotations

from dataclasses import dataclass
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
