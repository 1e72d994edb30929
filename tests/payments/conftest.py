"""A filling by Salma for Maryam that owes 600.00, and the doctor's share of it is 60 %."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments import api
from clinic_web.payments.models import LedgerEntry, Payment, PaymentTransaction
from tests import factories
from tests.cast import Cast


@dataclass(frozen=True)
class Bill:
    payment_id: UUID
    visit_id: UUID
    patient_id: UUID


Opens = Callable[..., Bill]


def open_bill(cast: Cast, total: str = "600.00", *, due_at: datetime | None = None, **fields: Any) -> Bill:
    """Open a payment as reception does; a patient is made unless one is given."""
    patient_id = fields.pop("patient_id", None) or factories.patient(organization_id=cast.organization_id)
    values: dict[str, Any] = {
        "facility_id": cast.facility_id,
        "clinic_id": cast.dental,
        "doctor_id": cast.salma,
        "service_id": cast.filling,
        "ticket": "D-034",
        "currency": "EGP",
        "share_percent": Decimal(60),
        "share_rule_version": 1,
    } | fields
    bill = Bill(new_id(), new_id(), patient_id)
    with transaction():
        api.open_payment(
            cast.people["amina"].actor,
            api.NewPayment(
                id=bill.payment_id,
                visit_id=bill.visit_id,
                patient_id=bill.patient_id,
                total_amount=Decimal(total),
                due_at=due_at,
                **values,
            ),
        )
    return bill


@pytest.fixture
def bill(cast: Cast) -> Bill:
    return open_bill(cast)


@pytest.fixture
def opens(cast: Cast) -> Opens:
    def opened(total: str = "600.00", **fields: Any) -> Bill:
        return open_bill(cast, total, **fields)

    return opened


def payment(payment_id: UUID) -> Payment:
    db.session.expire_all()
    found = db.session.get(Payment, payment_id)
    assert found is not None
    return found


def movements(payment_id: UUID) -> list[PaymentTransaction]:
    found = db.select(PaymentTransaction).filter_by(payment_id=payment_id).order_by("payment_date", "id")
    return list(db.session.execute(found).scalars())


def legs(transaction_id: UUID) -> dict[str, Decimal]:
    """The sum of each account of one movement."""
    found = db.session.execute(db.select(LedgerEntry).filter_by(transaction_id=transaction_id)).scalars()
    sums: dict[str, Decimal] = {}
    for entry in found:
        sums[entry.account] = sums.get(entry.account, Decimal(0)) + entry.amount
    return sums
