"""What the booking and the walk-in panel offer: services, doctors, and the times that can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import NotFound
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, Directory, ServiceInfo, StaffInfo
from clinic_web.reception.slots import FREE, OVER, TAKEN, Lane, Slot, nearest_slots, slots

NEAREST = 3

Listed = TypeVar("Listed", ServiceInfo, StaffInfo)


@dataclass(frozen=True)
class Choices:
    """What a clinic offers. ``service`` is the one chosen, the first of the list until somebody chooses."""

    clinic: ClinicInfo
    currency: str
    services: list[ServiceInfo]
    doctors: list[StaffInfo]
    service: ServiceInfo | None
    doctor: StaffInfo | None


@dataclass(frozen=True)
class Time:
    """One time of a doctor. ``near`` is its place among the nearest (1, 2, 3), by which a key takes it."""

    slot: Slot
    doctor: StaffInfo
    near: int | None = None

    @property
    def value(self) -> str:
        """How the form names it; an overbooking says so."""
        return f"{self.slot.doctor_id}|{self.slot.start_time.isoformat()}{'|over' if self.is_over else ''}"

    @property
    def is_free(self) -> bool:
        return self.slot.state == FREE

    @property
    def is_over(self) -> bool:
        return self.slot.state == OVER

    @property
    def is_taken(self) -> bool:
        return self.slot.state == TAKEN


@dataclass(frozen=True)
class Times:
    """The times of one day by doctor, and the nearest of all (of a later day when this one is full)."""

    day: date
    today: date
    nearest: list[Time]
    lanes: list[tuple[StaffInfo, list[Time]]]

    @property
    def is_today(self) -> bool:
        return self.day == self.today


def choices(actor: Actor, clinic_id: UUID, service_id: UUID | None, doctor_id: UUID | None) -> Choices:
    """Return what the clinic offers; NotFound (404) for a clinic, service or doctor that is not there."""
    facility = organization.facility(actor)
    directory = organization.directory(actor.organization_id)
    clinic = directory.clinics.get(clinic_id)
    if clinic is None or clinic.facility_id != facility.id:
        raise NotFound
    services, doctors = directory.services_of(clinic_id), directory.doctors_of(clinic_id)
    return Choices(
        clinic=clinic,
        currency=facility.currency,
        services=services,
        doctors=doctors,
        service=_chosen(services, service_id) or next(iter(services), None),
        doctor=_chosen(doctors, doctor_id),
    )


def _chosen(listed: list[Listed], wanted: UUID | None) -> Listed | None:
    if wanted is None:
        return None
    for each in listed:
        if each.id == wanted:
            return each
    raise NotFound


def times(actor: Actor, offer: Choices, day: date, *, instead: Sequence[Slot] = ()) -> Times:
    """Return the times of ``day``; ``instead`` are the nearest that a refusal brought."""
    today = clock.today(organization.facility(actor).timezone)
    if offer.service is None:
        return Times(day, today, [], [])
    doctor_id = offer.doctor.id if offer.doctor else None
    directory = organization.directory(actor.organization_id)
    lanes = slots(actor, offer.clinic.id, offer.service.id, day, doctor_id)
    near = list(instead) or sorted((slot for lane in lanes for slot in lane.free), key=_soonest)[:NEAREST]
    if not near:
        near = nearest_slots(actor, offer.clinic.id, offer.service.id, doctor_id=doctor_id, count=NEAREST)
    places = {(slot.doctor_id, slot.start_time): place for place, slot in enumerate(near, 1)}
    return Times(
        day,
        today,
        [Time(slot, directory.staff[slot.doctor_id], place) for place, slot in enumerate(near, 1)],
        [_lane(lane, directory, places) for lane in sorted(lanes, key=_first_free)],
    )


def _lane(
    lane: Lane, directory: Directory, places: dict[tuple[UUID, datetime], int]
) -> tuple[StaffInfo, list[Time]]:
    doctor = directory.staff[lane.doctor_id]
    return doctor, [Time(slot, doctor, places.get((slot.doctor_id, slot.start_time))) for slot in lane.slots]


def _soonest(slot: Slot) -> tuple[datetime, UUID]:
    return slot.start_time, slot.doctor_id


def _first_free(lane: Lane) -> tuple[bool, datetime, UUID]:
    """Who can take somebody soonest comes first; full days last."""
    free = lane.free
    return not free, free[0].start_time if free else datetime.max.replace(tzinfo=UTC), lane.doctor_id
