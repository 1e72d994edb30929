"""What payments knows of one patient: all bills, and what comes together when two records become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text

from clinic_web.audit import api as audit
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.kernel.money import Currency
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import Directory, ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import Finding

PAGE = 20

PAYMENTS = text(
    """
    SELECT p.id, p.due_at, p.ticket, p.service_id, p.payable, p.reference, p.doctor_id, p.currency,
           p.total_amount, p.amount_paid,
           p.amount_refunded, p.balance_due, p.status, count(*) OVER () AS total
      FROM payments.payments p
     WHERE p.organization_id = :organization_id AND p.patient_id = ANY(:ids)
     ORDER BY p.opened_at DESC, p.id DESC
     LIMIT :limit OFFSET :offset
    """
)
OWED = text(
    """
    SELECT currency, sum(balance_due) AS owed FROM payments.payments
     WHERE organization_id = :organization_id AND patient_id = ANY(:ids)
       AND status IN ('PENDING', 'PARTIALLY_PAID')
     GROUP BY currency HAVING sum(balance_due) > 0 ORDER BY currency
    """
)


@dataclass(frozen=True, kw_only=True)
class PatientPayment:
    id: UUID
    at: datetime
    ticket: str | None
    service: ServiceInfo | None
    payable: str
    reference: str | None
    doctor: StaffInfo | None
    currency: str
    total_amount: Decimal
    amount_paid: Decimal
    amount_refunded: Decimal
    balance_due: Decimal
    status: str


@dataclass(frozen=True, kw_only=True)
class PatientPayments:
    """One page of bills, the latest first, and what is owed in all, by currency."""

    patient_id: UUID
    rows: list[PatientPayment]
    owed: list[tuple[str, Decimal]]
    total: int
    page: int
    next_page: int | None


def payments_of_patient(actor: Actor, patient_id: UUID, page: int = 1) -> PatientPayments:
    """Return the bills of a patient, also those of merged records; NotFound (404), ChartClosed
    (403). The look is noted."""
    with transaction():
        patients.require(actor, patient_id)
        opened = patients.enter_chart(actor, patient_id)
        asked: dict[str, Any] = {"organization_id": actor.organization_id, "ids": patients.ids_of(patient_id)}
        limits = {"limit": PAGE, "offset": (page - 1) * PAGE}
        found = db.session.execute(PAYMENTS, asked | limits).mappings().all()
        owed = [(row.currency, row.owed) for row in db.session.execute(OWED, asked)]
        audit.saw(
            actor, "patient.payments", "patient", patient_id, emergency_id=opened.id if opened else None
        )
    directory = organization.directory(actor.organization_id)
    total = found[0]["total"] if found else 0
    return PatientPayments(
        patient_id=patient_id,
        rows=[_payment(row, directory) for row in found],
        owed=owed,
        total=total,
        page=page,
        next_page=page + 1 if page * PAGE < total else None,
    )


def _payment(row: RowMapping, directory: Directory) -> PatientPayment:
    return PatientPayment(
        id=row["id"],
        at=row["due_at"],
        ticket=row["ticket"],
        service=directory.services.get(row["service_id"]),
        payable=row["payable"],
        reference=row["reference"],
        doctor=directory.staff.get(row["doctor_id"]),
        currency=row["currency"],
        total_amount=row["total_amount"],
        amount_paid=row["amount_paid"],
        amount_refunded=row["amount_refunded"],
        balance_due=row["balance_due"],
        status=row["status"],
    )


def check_payments(actor: Actor, ours: Sequence[UUID], theirs: Sequence[UUID]) -> list[Finding]:
    """Say what each of two patients owes: nothing is in the way of seeing it together."""
    sides = (
        (N_("What stays owes %(sum)s %(currency)s."), ours),
        (N_("What is merged owes %(sum)s %(currency)s: both bills stay, and are shown together."), theirs),
    )
    return [
        Finding(sentence=sentence, values={"sum": row.owed, "currency": Currency(row.currency)})
        for sentence, ids in sides
        for row in db.session.execute(OWED, {"organization_id": actor.organization_id, "ids": list(ids)})
    ]
