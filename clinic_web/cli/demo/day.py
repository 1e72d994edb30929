"""A working day, played through the real services with the clock moved through the morning.

Patients were booked, come early or late, walk in, wait, are called, seen, and pay. The random numbers are
seeded by the day, so two centres of one day look alike.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from uuid import UUID

from clinic_web.cli.demo import orders
from clinic_web.kernel import clock, ids
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import DomainError
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.payments import api as payments
from clinic_web.reception.service import (
    booking,
    calling,
    cancelling,
    checking_in,
    finishing,
    holding,
    walking_in,
)

MINUTE = timedelta(minutes=1)
# People write down why in their own language; whoever reads the demo may read either.
SWELLING = "Swelling, fever / تورّم وحرارة"
STEPPED_OUT = "Stepped out / خرج قليلًا"
BY_PHONE = "Asked to cancel by phone / طلب الإلغاء هاتفيًا"
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
OLD, SMALL, MAY_BE_PREGNANT = 70, 6, range(20, 41)  # years
LATEST_ARRIVAL = timedelta(minutes=40)


@dataclass
class Day:
    """What the day is played with. ``doctors`` maps a doctor's staff id to the actor they are."""

    desk: Actor
    pharmacist: Actor
    technician: Actor
    doctors: dict[UUID, Actor]
    shelf: orders.Shelf
    patients: list[UUID]
    now: datetime
    random: Random
    agenda: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    order: Iterator[int] = field(default_factory=count)

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        """Do ``act`` when the clock gets there; what lies after the present does not happen."""
        if moment <= self.now:
            heapq.heappush(self.agenda, (moment, next(self.order), act))

    def somebody(self) -> UUID:
        return self.patients.pop()


@contextmanager
def moved_clock() -> Iterator[None]:
    """Give the real time back whatever happens."""
    try:
        yield
    finally:
        clock.shift(timedelta(0))


def play(day: Day) -> int:
    """Play the day up to the present; return how many acts there were."""
    done = 0
    with moved_clock():
        while day.agenda:
            moment, _, act = heapq.heappop(day.agenda)
            _set_clock(moment)
            try:
                act()
            except DomainError:
                continue  # as at a real desk: the slot is gone, the patient was called meanwhile
            done += 1
    return done


def _set_clock(moment: datetime) -> None:
    clock.shift(clock.offset() + (moment - clock.now()))


def plan(day: Day, clinic_id: UUID, *, crowd: float) -> None:
    """Plan one clinic's day: bookings before it opens, arrivals, walk-ins and the doctors' work.

    ``crowd`` is the part of the slots that is booked, 0 to 1.
    """
    shifts = organization.shifts(day.desk, clinic_id, clock.local(day.now, _zone(day)).date())
    services = organization.directory(day.desk.organization_id).services_of(clinic_id)
    opening = min(shift.starts_at for shift in shifts)
    for shift in shifts:
        moment = shift.starts_at
        while moment < shift.ends_at:
            service = day.random.choice(services)
            if day.random.random() < crowd:
                _plan_booking(day, opening, shift.staff_id, service.id, moment)
            moment += timedelta(minutes=30 if service.duration_minutes > 20 else 20)  # noqa: PLR2004
    _plan_walk_ins(
        day, opening, [service.id for service in services], len({shift.staff_id for shift in shifts})
    )
    for staff_id in {shift.staff_id for shift in shifts}:
        first = min(shift.starts_at for shift in shifts if shift.staff_id == staff_id)
        day.at(first + day.random.randint(1, 9) * MINUTE, partial(_work, day, staff_id))


def _zone(day: Day) -> str:
    return organization.facility(day.desk).timezone


def _plan_booking(day: Day, opening: datetime, doctor_id: UUID, service_id: UUID, start: datetime) -> None:
    patient_id = day.somebody()

    def book() -> None:
        booked = booking.book(
            day.desk,
            booking.Booking(
                patient_id=patient_id, service_id=service_id, doctor_id=doctor_id, start_time=start
            ),
            key=str(ids.new_id()),
        )
        _plan_arrival(day, booked, patient_id, start)

    day.at(opening - timedelta(minutes=30), book)


def _plan_arrival(day: Day, booked: booking.Booked, patient_id: UUID, start: datetime) -> None:
    fate = day.random.random()
    if fate < 0.03:  # noqa: PLR2004 - one in thirty calls to cancel
        day.at(start - timedelta(minutes=50), lambda: _cancel(day, booked))
    elif fate < 0.07:  # noqa: PLR2004 - and one in twenty-five does not come
        day.at(start + LATEST_ARRIVAL, lambda: _miss(day, booked))
    else:
        arrival = start + timedelta(minutes=day.random.triangular(-28, 18, -9))
        day.at(arrival, lambda: _arrive(day, booked.visit_id, patient_id, booked.version))


def _cancel(day: Day, booked: booking.Booked) -> None:
    cancelling.cancel_visit(day.desk, booked.visit_id, BY_PHONE, version=booked.version)


def _miss(day: Day, booked: booking.Booked) -> None:
    holding.miss(day.desk, booked.visit_id, version=booked.version)


def _arrive(day: Day, visit_id: UUID, patient_id: UUID, version: int) -> None:
    moved = checking_in.check_in(day.desk, visit_id, version=version)
    if day.random.random() < 0.45:  # noqa: PLR2004 - many pay before they are seen
        _pay(day, visit_id)
    if day.random.random() < 0.02:  # noqa: PLR2004
        holding.hold(day.desk, visit_id, STEPPED_OUT, version=moved.version)
    elif day.random.random() < 0.4:  # noqa: PLR2004 - not everybody who could asks for it
        card = patients.cards(day.desk, [patient_id])[patient_id]
        if found := priority_of(card.age, card.gender, day.random.randint(1, 30)):
            checking_in.prioritise(day.desk, visit_id, *found, version=moved.version)


def priority_of(age: int | None, gender: str, month: int) -> tuple[str, str] | None:
    """Return the priority that fits somebody's age (years) and sex, and the reason to write down.

    ``month`` is that of a pregnancy; beyond the ninth there is none.
    """
    if age is None:
        return None
    years = str(age).translate(ARABIC_DIGITS)
    if age >= OLD:
        return "ELDERLY", f"{age} years old / العمر {years}"
    if age <= SMALL:
        return "CHILD", f"{age} years old / العمر {years}"
    if gender == "FEMALE" and age in MAY_BE_PREGNANT and 6 <= month <= 9:  # noqa: PLR2004
        return "PREGNANT", f"Month {month} / الشهر {str(month).translate(ARABIC_DIGITS)}"
    return None


def _plan_walk_ins(day: Day, opening: datetime, services: list[UUID], doctors: int) -> None:
    moment = opening
    while moment < opening + timedelta(hours=8):
        moment += timedelta(minutes=day.random.expovariate(doctors / 62))
        day.at(moment, lambda: _walk_in(day, day.random.choice(services)))


def _walk_in(day: Day, service_id: UUID) -> None:
    is_emergency = day.random.random() < 0.06  # noqa: PLR2004
    walk_in = walking_in.WalkIn(
        patient_id=day.somebody(),
        service_id=service_id,
        doctor_id=None,
        priority="EMERGENCY" if is_emergency else None,
        priority_reason=SWELLING if is_emergency else None,
    )
    walking_in.open_walk_in(day.desk, walk_in, key=str(ids.new_id()))


def _work(day: Day, staff_id: UUID) -> None:
    """A doctor calls the next patient, sees them, and comes back; with nobody waiting, looks again soon."""
    doctor = day.doctors[staff_id]
    called = calling.call_next(doctor, key=str(ids.new_id()))
    if called is None:
        day.at(clock.now() + 3 * MINUTE, lambda: _work(day, staff_id))
        return
    opened_at = clock.now() + day.random.randint(40, 150) * timedelta(seconds=1)
    day.at(opened_at, lambda: _see(day, staff_id, called))


def _see(day: Day, staff_id: UUID, called: calling.Called) -> None:
    doctor = day.doctors[staff_id]
    opened = calling.open_visit(doctor, called.visit_id, version=called.version)
    minutes = day.random.triangular(11, 34, 20)
    finish_at = clock.now() + timedelta(minutes=minutes)
    if day.random.random() < 0.3:  # noqa: PLR2004 - sometimes there is a break before the next patient
        day.at(finish_at, lambda: _finish(day, doctor, opened.visit_id, opened.version))
        day.at(finish_at + 4 * MINUTE, lambda: _work(day, staff_id))
    else:
        day.at(finish_at, lambda: _work(day, staff_id))
    day.at(finish_at + day.random.randint(2, 14) * MINUTE, lambda: _pay(day, called.visit_id))
    day.at(finish_at - 3 * MINUTE, lambda: _order(day, doctor, called.visit_id))


def _order(day: Day, doctor: Actor, visit_id: UUID) -> None:
    """Near the end of a visit the doctor may order something; most patients go there from the room."""
    order_id = orders.perhaps(doctor, visit_id, day.shelf, day.random)
    if order_id is not None and day.random.random() < 0.7:  # noqa: PLR2004 - the others come later, or never
        later = clock.now() + day.random.randint(10, 35) * MINUTE
        day.at(later, lambda: orders.fetched(day.pharmacist, order_id))
        day.at(later, lambda: orders.taken(day.technician, order_id))


def _finish(day: Day, doctor: Actor, visit_id: UUID, version: int) -> None:
    finishing.finish(doctor, visit_id, version=version)


def _pay(day: Day, visit_id: UUID) -> None:
    owed = payments.owed_for_visits(day.desk, [visit_id])[visit_id]
    if not owed.balance_due:
        return
    method = day.random.choices(("CASH", "VISA", "BANK_TRANSFER"), (60, 30, 10))[0]
    amount = owed.balance_due
    if day.random.random() < 0.06:  # noqa: PLR2004 - a few pay a part
        amount = (amount / 2).quantize(owed.balance_due)
    payments.take(
        day.desk,
        payment_id=owed.payment_id,
        amount=amount,
        method=method,
        handed_over=amount if method == "CASH" else None,
        key=str(ids.new_id()),
    )
