"""One bill in hand: its lines, what settled it, who it is of; and the bills that are paid together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.billing.access import bill_for, bill_of_payment
from clinic_web.billing.live import bills_topic
from clinic_web.billing.queries.bills import Bill, bills_of_visits
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.money import ZERO
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, FacilityInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.payments import api as payments

LINES = Statement(
    """
    SELECT line_number, item_type, item_code, item_name, item_name_ar, quantity, unit_price, line_total
      FROM billing.invoice_line_items WHERE invoice_id = :id ORDER BY line_number
    """
)
ALLOCATIONS = Statement(
    """
    SELECT transaction_id, allocated_amount, allocation_type, allocated_at
      FROM billing.invoice_payment_allocations WHERE invoice_id = :id ORDER BY allocated_at, id
    """
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """``quantity`` × ``unit_price`` (four decimals) = ``line_total`` (to the cent)."""

    line_number: int
    item_type: str
    item_code: str | None
    item_name: str
    item_name_ar: str | None
    quantity: Decimal
    unit_price: Decimal
    line_total: Decimal


@dataclass(frozen=True, kw_only=True)
class Settled:
    """One movement of money as it settled the bill, negative where it went back."""

    transaction_id: UUID
    allocated_amount: Decimal
    allocation_type: str
    allocated_at: datetime


@dataclass(frozen=True, kw_only=True)
class BillInHand:
    """A bill with everything that its page and its paper say."""

    bill: Bill
    lines: list[Line]
    settled: list[Settled]
    patient: PatientCard | None
    clinic: ClinicInfo | None
    doctor: StaffInfo | None
    facility: FacilityInfo | None


def bill_in_hand(actor: Actor, invoice_id: UUID, *, action: str = "bill.view") -> BillInHand:
    """Return a bill with its lines and what settled it; NotFound (404). The look is noted as ``action``."""
    bill = bill_for(actor, invoice_id)
    with transaction():
        audit.saw(actor, action, "invoice", bill.id)
    directory = organization.directory(actor.organization_id)
    return BillInHand(
        bill=bill,
        lines=[Line(**row._asdict()) for row in LINES.all({"id": bill.id})],
        settled=[Settled(**row._asdict()) for row in ALLOCATIONS.all({"id": bill.id})],
        patient=patients.cards(actor, [bill.patient_id]).get(bill.patient_id),
        clinic=directory.clinics.get(bill.clinic_id),
        doctor=directory.staff.get(bill.doctor_id) if bill.doctor_id else None,
        facility=directory.facilities.get(bill.facility_id),
    )


@dataclass(frozen=True, kw_only=True)
class Together:
    """The bills of one visit and of what was ordered in it, and what of them is owed, in one currency."""

    bills: list[Bill]
    owed: Decimal
    currency: str

    @property
    def topics(self) -> list[str]:
        """The live topics of their clinics."""
        return sorted({bills_topic(each.clinic_id) for each in self.bills})


def bills_of_visit(actor: Actor, visit_id: UUID) -> Together:
    """Return the bills of a visit, none while they are being written; NotFound (404). The look is noted."""
    payments.require_payment_of_visit(actor, visit_id)
    found = bills_of_visits(actor, [visit_id]).get(visit_id, [])
    return _together(actor, found)


def bills_beside(actor: Actor, payment_id: UUID) -> Together:
    """Return the bill of a payment and those of the same visit; NotFound (404). The look is noted."""
    payments.require_payment(actor, payment_id)
    bill = bill_of_payment(actor, payment_id)
    if bill is None or bill.of_visit_id is None:
        return _together(actor, [bill] if bill else [])
    return _together(actor, bills_of_visits(actor, [bill.of_visit_id])[bill.of_visit_id])


def _together(actor: Actor, found: list[Bill]) -> Together:
    mine = [each for each in found if actor.facility_id in (None, each.facility_id)]
    with transaction():
        for each in mine:
            audit.saw(actor, "bill.view", "invoice", each.id)
    return Together(
        bills=mine,
        owed=sum((each.balance_due for each in mine), ZERO),
        currency=mine[0].currency if mine else "",
    )
