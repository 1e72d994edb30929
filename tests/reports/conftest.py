"""A small yesterday at North Garden: five expected at the dentists', one walk-in, money by three methods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.payments import api as payments
from clinic_web.payments.api import PastPayment
from clinic_web.reception import api as reception
from clinic_web.reception.api import PastVisit
from tests import factories
from tests.cast import Cast

ZONE = "Africa/Cairo"
MINUTE = timedelta(minutes=1)


@dataclass
class Past:
    """Lays out visits and payments of days that are over."""

    cast: Cast

    @property
    def system(self) -> Actor:
        assert self.cast.system is not None
        return self.cast.system

    def day(self, back: int = 1) -> date:
        return clock.today(ZONE) - timedelta(days=back)

    def at(self, hour: int, minute: int = 0, *, back: int = 1) -> datetime:
        return datetime.combine(self.day(back), time(hour, minute), ZoneInfo(ZONE))

    def visit(self, **fields: Any) -> PastVisit:
        values: dict[str, Any] = {
            "patient_id": factories.patient(organization_id=self.cast.organization_id),
            "service_id": self.cast.cleaning,
            "clinic_id": self.cast.dental,
            "facility_id": self.cast.facility_id,
            "doctor_id": self.cast.salma,
        }
        row = PastVisit(**(values | fields))
        reception.import_past_visits(self.system, [row])
        return row

    def seen(self, came: datetime, *, waits: int, takes: int, **fields: Any) -> PastVisit:
        called = came + waits * MINUTE
        times = {"came_at": came, "called_at": called, "opened_at": called + MINUTE}
        return self.visit(**times, finished_at=called + (1 + takes) * MINUTE, **fields)

    def paid(
        self, visit: PastVisit, total: str, received: str, method: str, at: datetime, currency: str = "EGP"
    ) -> PastPayment:
        row = PastPayment(
            visit_id=visit.id,
            patient_id=visit.patient_id,
            facility_id=visit.facility_id,
            clinic_id=visit.clinic_id,
            doctor_id=visit.doctor_id,
            service_id=visit.service_id,
            total_amount=Decimal(total),
            received_amount=Decimal(received),
            currency=currency,
            share_percent=Decimal(60),
            share_rule_version=1,
            opened_at=at,
            method=method,
        )
        payments.import_past_payments(self.system, [row])
        return row

    def an_ordinary_day(self, *, back: int = 1) -> None:
        """Waits of 5, 10, 40 and 12 minutes; twice 450 in cash, 300.05 of 600 by card, 450 by transfer."""
        cast = self.cast
        nine, ten = self.at(9, back=back), self.at(10, 5, back=back)
        rows = [
            self.seen(nine, waits=5, takes=20, scheduled_at=nine, booked_at=nine - timedelta(days=2)),
            self.seen(nine, waits=10, takes=30, scheduled_at=nine + 20 * MINUTE, service_id=cast.filling),
            self.seen(ten, waits=40, takes=15, scheduled_at=ten, doctor_id=cast.karim),
            self.seen(ten + 30 * MINUTE, waits=12, takes=25),
        ]
        self.visit(scheduled_at=ten, status="NO_SHOW", left_at=ten + 40 * MINUTE)
        self.visit(scheduled_at=ten, status="CANCELLED", left_at=nine, reason="Asked by phone")
        sums = [("450", "450", "CASH"), ("600", "300.05", "VISA"), ("450", "450", "BANK_TRANSFER"),
                ("450", "450", "CASH")]  # fmt: skip
        for row, (total, received, method) in zip(rows, sums, strict=True):
            self.paid(row, total, received, method, ten)


@pytest.fixture
def past(cast: Cast) -> Past:
    return Past(cast)
