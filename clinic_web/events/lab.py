"""What the laboratory tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class _OfOrder:
    AGGREGATE: ClassVar[tuple[str, str]] = ("order", "order_id")
    organization_id: UUID
    facility_id: UUID
    order_id: UUID
    patient_id: UUID


@dataclass(frozen=True, kw_only=True)
class LabScheduled(_OfOrder):
    """Every test has its slot; the patient is expected at ``starts_at``, the first of them."""

    TOPIC: ClassVar[str] = "lab.scheduled"
    starts_at: datetime


@dataclass(frozen=True, kw_only=True)
class LabSchedulingFailed(_OfOrder):
    """No slot is held. ``reason``: FULL, NOT_OFFERED, INACTIVE or CANCELLED; the line, where there is one."""

    TOPIC: ClassVar[str] = "lab.scheduling_failed"
    reason: str
    line_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class LabReleased(_OfOrder):
    """No slot is held for the order any more, and none will be."""

    TOPIC: ClassVar[str] = "lab.released"


@dataclass(frozen=True, kw_only=True)
class LabRescheduled(_OfOrder):
    """A person gave the tests another time; ``move_id`` tells one move from the next."""

    TOPIC: ClassVar[str] = "lab.rescheduled"
    move_id: UUID
    starts_at: datetime


@dataclass(frozen=True, kw_only=True)
class LabResultReady(_OfOrder):
    TOPIC: ClassVar[str] = "lab.result_ready"
    lab_order_id: UUID
