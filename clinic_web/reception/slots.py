"""Slots of a clinic's day: from shifts, the service's duration and what is booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.organization import api as organization
from clinic_web.organization.api import ServiceInfo, Shift
from clinic_web.reception.models import Appointment
from clinic_web.reception.models.appointments import CHECKED_IN, CONFIRMED
from clinic_web.reception.service import hours

FREE, TAKEN, OVER = "FREE", "TAKEN", "OVER"
DAYS_AHEAD = 14

Span = tuple[datetime, datetime]


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
    slots: Sequence[Slot] = field(default_factory=list)

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


def slots(
    actor: Actor, clinic_id: UUID, service_id: UUID, day: date, doctor_id: UUID | None = None
) -> list[Lane]:
    """Return a lane per doctor who works in the clinic on the facility's local ``day`` (or only that one's).

    Two statements. NotFound (404) when the service is not offered in the clinic.
    """
    length = timedelta(minutes=_service(actor, clinic_id, service_id).duration_minutes)
    shifts = [shift for shift in hours.shifts(actor, clinic_id, day) if doctor_id in (None, shift.staff_id)]
    taken = _taken(actor, shifts)
    lanes: dict[UUID, list[Slot]] = defaultdict(list)
    for shift in shifts:
        lane = _slots_of(shift, length, taken[shift.staff_id])
        lanes[shift.staff_id].extend(slot for slot in lane if not _is_in_next_shift(slot, shift, shifts))
    return [Lane(doctor_id=each, slots=lane) for each, lane in lanes.items()]


def nearest_slots(
    actor: Actor,
    clinic_id: UUID,
    service_id: UUID,
    *,
    doctor_id: UUID | None = None,
    near: datetime | None = None,
    count: int = 3,
) -> list[Slot]:
    """Return the ``count`` free slots nearest to ``near`` (default now), never in the past, across doctors.

    Looks at the day of ``near`` first and then at the days after it, up to two weeks.
    """
    moment = max(near or clock.now(), clock.now())
    first_day = clock.local(moment, _timezone(actor, clinic_id)).date()
    found: list[Slot] = []
    for ahead in range(DAYS_AHEAD):
        for lane in slots(actor, clinic_id, service_id, first_day + timedelta(days=ahead), doctor_id):
            found.extend(lane.free)
        if len(found) >= count:
            break
    found.sort(key=lambda slot: (abs(slot.start_time - moment), slot.doctor_id))
    return found[:count]


def _timezone(actor: Actor, clinic_id: UUID) -> str:
    there = organization.directory(actor.organization_id)
    return there.facilities[there.clinics[clinic_id].facility_id].timezone


def _service(actor: Actor, clinic_id: UUID, service_id: UUID) -> ServiceInfo:
    service = organization.directory(actor.organization_id).services.get(service_id)
    if service is None or service.clinic_id != clinic_id or not service.is_active:
        raise NotFound(N_("This service is not offered (any more)."))
    return service


def _taken(actor: Actor, shifts: Sequence[Shift]) -> defaultdict[UUID, list[Span]]:
    """Return the spans in which the doctors have appointments, in whichever clinic."""
    spans: defaultdict[UUID, list[Span]] = defaultdict(list)
    if not shifts:
        return spans
    first = min(shift.starts_at for shift in shifts)
    last = max(shift.ends_at for shift in shifts)
    rows = db.session.execute(
        select(Appointment.doctor_id, Appointment.start_time, Appointment.end_time).where(
            Appointment.organization_id == actor.organization_id,
            Appointment.doctor_id.in_({shift.staff_id for shift in shifts}),
            Appointment.status.in_((CONFIRMED, CHECKED_IN)),
            # An appointment lasts eight hours at most (services' durations): that bounds the index scan.
            Appointment.start_time.between(first - timedelta(hours=8), last),
            Appointment.end_time > first,
        )
    )
    for staff_id, start, end in rows:
        spans[staff_id].append((start, end))
    return spans


def _slots_of(shift: Shift, length: timedelta, taken: Sequence[Span]) -> Iterator[Slot]:
    """Return the shift's times from now on, each as long as the service; one more goes over the end."""
    now = clock.now()
    start = shift.starts_at
    while start <= shift.ends_at:
        end = start + length
        goes_over = end > shift.ends_at
        if start > now:
            is_taken = any(begins < end and start < ends for begins, ends in taken)
            state = TAKEN if is_taken else OVER if goes_over else FREE
            yield Slot(
                doctor_id=shift.staff_id, start_time=start, end_time=end, state=state, room_id=shift.room_id
            )
        if goes_over:
            return
        start = end


def _is_in_next_shift(slot: Slot, shift: Shift, shifts: Sequence[Shift]) -> bool:
    """Whether a time over the end of one shift lies in another of the same doctor, and is drawn there."""
    return slot.state == OVER and any(
        other is not shift
        and other.staff_id == slot.doctor_id
        and other.starts_at < slot.end_time
        and slot.start_time < other.ends_at
        for other in shifts
    )
