"""The past month of the demo centre, loaded as an import would load it: closed visits and what they paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.money import CENT
from clinic_web.organization import api as organization
from clinic_web.organization.api import ServiceInfo, Shift
from clinic_web.payments import api as payments
from clinic_web.reception import api as reception

DAYS = 30
HALF_HOUR = timedelta(minutes=30)
MISSED, CANCELLED = 0.05, 0.04


@dataclass(frozen=True)
class Slot:
    shift: Shift
    start: datetime
    patient_id: UUID
    service: ServiceInfo


@dataclass(frozen=True)
class Past:
    visit: reception.PastVisit
    payment: payments.PastPayment | None


def load(actor: Actor, patients: list[UUID], today: date, random: Random) -> int:
    """Load the month before ``today``; return how many visits there were."""
    past = [
        each
        for back in range(DAYS, 0, -1)
        for clinic in organization.directory(actor.organization_id).clinics.values()
        for each in _clinic_day(actor, clinic.id, today - timedelta(days=back), patients, random)
    ]
    reception.import_past_visits(actor, [each.visit for each in past])
    payments.import_past_payments(actor, [each.payment for each in past if each.payment])
    return len(past)


def _clinic_day(
    actor: Actor, clinic_id: UUID, day: date, patients: list[UUID], random: Random
) -> Iterator[Past]:
    services = organization.directory(actor.organization_id).services_of(clinic_id)
    todays = random.sample(patients, 80)
    for shift in organization.shifts(actor, clinic_id, day):
        if random.random() < 0.2:  # noqa: PLR2004 - a doctor is away one shift in five
            continue
        start = shift.starts_at
        while start + HALF_HOUR <= shift.ends_at:
            if random.random() < 0.55:  # noqa: PLR2004 - how full an ordinary day is
                slot = Slot(shift, start, todays.pop(), random.choice(services))
                yield _happened(actor, slot, random)
            start += HALF_HOUR


def _happened(actor: Actor, slot: Slot, random: Random) -> Past:
    fate = random.random()
    status = "NO_SHOW" if fate < MISSED else "CANCELLED" if fate < MISSED + CANCELLED else "COMPLETED"
    is_seen = status == "COMPLETED"
    began = slot.start + timedelta(minutes=random.randint(0, 20))
    ended = began + timedelta(minutes=slot.service.duration_minutes + random.randint(-4, 9))
    visit = reception.PastVisit(
        patient_id=slot.patient_id,
        service_id=slot.service.id,
        clinic_id=slot.service.clinic_id,
        facility_id=organization.facility(actor).id,
        doctor_id=slot.shift.staff_id,
        status=status,
        scheduled_at=slot.start,
        minutes=slot.service.duration_minutes,
        booked_at=slot.start - timedelta(days=random.randint(1, 6)),
        came_at=slot.start - timedelta(minutes=random.randint(2, 25)) if is_seen else None,
        called_at=began - timedelta(minutes=1) if is_seen else None,
        opened_at=began if is_seen else None,
        finished_at=ended if is_seen else None,
        left_at=None if is_seen else slot.start + timedelta(minutes=40),
        reason="Asked to cancel by phone" if status == "CANCELLED" else None,
        has_number=True,
    )
    return Past(visit, _payment(actor, visit, slot, random) if is_seen else None)


def _payment(actor: Actor, visit: reception.PastVisit, slot: Slot, random: Random) -> payments.PastPayment:
    facility = organization.facility(actor)
    doctor = organization.directory(actor.organization_id).staff[slot.shift.staff_id]
    total = slot.service.price.quantize(CENT)
    received = (total / 2).quantize(CENT) if random.random() < 0.015 else total  # noqa: PLR2004 - some still owe
    return payments.PastPayment(
        visit_id=visit.id,
        patient_id=slot.patient_id,
        facility_id=facility.id,
        clinic_id=slot.service.clinic_id,
        doctor_id=slot.shift.staff_id,
        service_id=slot.service.id,
        total_amount=total,
        received_amount=received,
        currency=facility.currency,
        share_percent=slot.service.share_percent or doctor.share_percent,
        share_rule_version=slot.service.share_rule_version,
        opened_at=slot.start,
        received_at=slot.start + timedelta(minutes=random.randint(30, 55)),
        method=random.choices(("CASH", "VISA", "BANK_TRANSFER"), (60, 30, 10))[0],
    )
