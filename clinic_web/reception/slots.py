"""Slots of a clinic's day: from shifts, the service's duration and what is booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import RuleBroken, StaleScreen

FREE, TAKEN, OVER = "FREE", "TAKEN", "OVER"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One time of one doctor. OVER: the time right after the last that fits the shift, only as an overbooking
    with a reason (so is a TAKEN one). Past times are left out."""

    doctor_id: UUID
    start_time: datetime
    end_time: datetime
    state: str = FREE
    room_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One doctor's slots of the day, in order of time."""

    doctor_id: UUID
    slots: Sequence[Slot]

    @property
    def free(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.state == FREE]


class SlotTaken(StaleScreen):
    """Somebody else has this time (409). ``nearest`` are the nearest free slots."""

    def __init__(self, sentence: str, /, nearest: Sequence[Slot] = (), **values: Any) -> None:
        super().__init__(sentence, **values)
        self.nearest = list(nearest)


class SlotRefused(RuleBroken):
    """A time that can't be booked: past, or outside working hours (422, field ``start_time``)."""

    def __init__(self, sentence: str, /, nearest: Sequence[Slot] = (), **values: Any) -> None:
        super().__init__(sentence, field="start_time", **values)
        self.nearest = list(nearest)


def slots(actor: Actor, clinic_id: UUID, service_id: UUID, day: date, doctor_id: UUID | None = None) -> list[Lane]:
    """Return one lane per doctor who works in the clinic on the facility's local ``day`` (or only that doctor's)."""
    raise NotImplementedError


def nearest_slots(
    actor: Actor,
    clinic_id: UUID,
    service_id: UUID,
    *,
    doctor_id: UUID | None = None,
    near: datetime | None = None,
    count: int = 3,
) -> list[Slot]:
    """Return the ``count`` free slots nearest to ``near`` (default now), never in the past, across doctors."""
    raise NotImplementedError
