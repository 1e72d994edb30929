"""What the tests of reception have at hand: patients, visits in every state, people who act."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.organization.models import Staff
from clinic_web.reception.models import Visit
from clinic_web.reception.service import (
    booking,
    calling,
    cancelling,
    checking_in,
    finishing,
    holding,
    walking_in,
)
from clinic_web.reception.service.booking import Booked, Booking
from clinic_web.reception.service.calling import Called
from clinic_web.reception.service.walking_in import Opened, WalkIn
from tests import factories
from tests.cast import Cast

CAIRO = ZoneInfo("Africa/Cairo")


class Desk:
    """The dental clinic's desk on a day of the tests: Amina acts, Salma and Karim see patients."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.amina: Actor = cast.people["amina"].actor
        self.salma: Actor = cast.people["salma"].actor
        self.karim: Actor = cast.people["karim"].actor
        self.system: Actor = system_actor(cast.organization_id, facility_id=cast.facility_id)
        self.omar: Actor = cast.people["omar"].actor

    def taken_over_by(self, stranger: Actor) -> None:
        """Let somebody of another tenant sit at this desk."""
        self.amina = stranger
        tenant.enter(stranger.organization_id)

    def patient(self) -> UUID:
        patient_id = factories.patient(organization_id=self.cast.organization_id)
        db.session.commit()
        return patient_id

    def walk_in(self, *, key: str | None = None, **asked: Any) -> Opened:
        asked = {"patient_id": asked.pop("patient_id", None) or self.patient(), **asked}
        asked.setdefault("service_id", self.cast.cleaning)
        return walking_in.open_walk_in(self.amina, WalkIn(**asked), key=key or str(uuid4()))

    def book(self, *, at: datetime | None = None, key: str | None = None, **asked: Any) -> Booked:
        asked = {"patient_id": asked.pop("patient_id", None) or self.patient(), **asked}
        asked.setdefault("service_id", self.cast.cleaning)
        asked.setdefault("doctor_id", self.cast.salma)
        return booking.book(
            self.amina, Booking(start_time=at or self.soon(), **asked), key=key or str(uuid4())
        )

    def soon(self, minutes: int = 30) -> datetime:
        """A time today by Cairo's clock, unless it is too late in the evening there."""
        return clock.now().replace(second=0, microsecond=0) + timedelta(minutes=minutes)

    def tomorrow(self, hour: int, minute: int = 0) -> datetime:
        return self.on(1, hour, minute)

    def on(self, days_ahead: int, hour: int, minute: int = 0) -> datetime:
        day = clock.local(clock.now(), "Africa/Cairo").date() + timedelta(days=days_ahead)
        return datetime.combine(day, time(hour, minute), CAIRO)

    def next(self, actor: Actor | None = None, key: str | None = None) -> Called | None:
        return calling.call_next(actor or self.salma, key=key or str(uuid4()))

    def visit(self, visit_id: UUID) -> Visit:
        return db.session.get_one(Visit, visit_id, populate_existing=True)

    def usual_room(self, doctor_id: UUID) -> UUID | None:
        return db.session.get_one(Staff, doctor_id).room_id

    def visit_in(self, state: str) -> Visit:
        """A fresh visit that people have brought into ``state`` by the moves of the desk and the doctor."""
        visit = self.visit(self.book().visit_id)
        for bring in WAYS[state]:
            bring(self, visit)
            visit = self.visit(visit.id)
        assert visit.status == state
        return visit


def _check_in(desk: Desk, visit: Visit) -> None:
    checking_in.check_in(desk.amina, visit.id, version=visit.version)


def _call(desk: Desk, visit: Visit) -> None:
    calling.call(desk.salma, visit.id, version=visit.version)


def _open(desk: Desk, visit: Visit) -> None:
    calling.open_visit(desk.salma, visit.id, version=visit.version)


def _finish(desk: Desk, visit: Visit) -> None:
    finishing.finish(desk.salma, visit.id, version=visit.version)


def _pay(desk: Desk, visit: Visit) -> None:
    from clinic_web.payments import api as payments

    owed = payments.owed_for_visits(desk.amina, [visit.id])[visit.id]
    farida = desk.cast.people["farida"].actor
    payments.take(
        farida, payment_id=owed.payment_id, amount=owed.balance_due, method="CASH", key=str(uuid4())
    )


def _hold(desk: Desk, visit: Visit) -> None:
    holding.hold(desk.amina, visit.id, "X-ray first", version=visit.version)


def _miss(desk: Desk, visit: Visit) -> None:
    holding.miss(desk.amina, visit.id, version=visit.version)


def _cancel(desk: Desk, visit: Visit) -> None:
    cancelling.cancel_visit(desk.amina, visit.id, "ill", version=visit.version)


pay = _pay
WAYS: dict[str, list[Any]] = {
    "SCHEDULED": [],
    "WAITING": [_check_in],
    "CALLED": [_check_in, _call],
    "IN_PROGRESS": [_check_in, _call, _open],
    "ON_HOLD": [_check_in, _hold],
    "PENDING_PAYMENT": [_check_in, _call, _open, _finish],
    "COMPLETED": [_check_in, _call, _open, _pay, _finish],
    "NO_SHOW": [_miss],
    "CANCELLED": [_cancel],
}
