"""Looking at payments: one bill, one receipt. Each view leaves one row in the access log."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.money import ZERO
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.payments.access import payment_for, payment_of_visit
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import Payment
from clinic_web.payments.ports import ports
from clinic_web.payments.queries.bill import Bill, bill_of
from clinic_web.payments.queries.books import Books, books_of
from clinic_web.payments.queries.receipts import Receipt, receipt
from clinic_web.payments.service.limits import limit_of
from clinic_web.payments.service.printing import printed
from clinic_web.payments.service.sharing import share_rule


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One payment in hand: its bill, or the receipt of one of its movements.

    ``is_copy``: the receipt has been printed before. ``refund_limit`` is how much of this payment the one who
    looks may still give back.
    """

    bill: Bill
    receipt: Receipt | None
    is_copy: bool
    refund_limit: Decimal
    patient: patients.PatientCard | None
    service: organization.ServiceInfo | None
    doctor: organization.StaffInfo | None
    clinic: organization.ClinicInfo | None
    facility: organization.FacilityInfo | None
    visit_state: str | None
    topic: str

    @property
    def receipt_in_hand(self) -> Receipt:
        """The receipt, where it was asked for; NotFound (404) otherwise."""
        if self.receipt is None:
            raise NotFound(N_("This receipt is not here (any more)."))
        return self.receipt


def panel_of_visit(actor: Actor, visit_id: UUID) -> Panel:
    """Return the bill of a visit; NotFound (404) when it has none."""
    payment = payment_of_visit(actor, visit_id)
    if payment is None:
        raise NotFound(N_("This visit has no payment."))
    return _panel(actor, payment, None)


def panel(actor: Actor, payment_id: UUID, receipt_id: UUID | None = None) -> Panel:
    """Return a payment's bill, and with ``receipt_id`` one of its receipts; NotFound (404)."""
    return _panel(actor, payment_for(actor, payment_id), receipt_id)


def _panel(actor: Actor, payment: Payment, receipt_id: UUID | None) -> Panel:
    shown = receipt(actor, receipt_id) if receipt_id else None
    if shown and shown.payment_id != payment.id:
        raise NotFound(N_("This receipt is not here (any more)."))
    bill = bill_of(payment, share_rule(actor, payment))
    states = ports.visit_states(actor, [bill.visit_id]) if bill.visit_id else {}
    directory = organization.directory(actor.organization_id)
    with transaction():
        audit.saw(actor, "payment.receipt" if shown else "payment.view", "payment", bill.id)
    limit = limit_of(actor) if bill.kept and actor.can("payment.refund") else ZERO
    return Panel(
        bill=bill,
        receipt=shown,
        is_copy=shown is not None and printed(shown.transaction_id) > 0,
        refund_limit=bill.kept if limit is None else max(ZERO, min(bill.kept, limit - bill.amount_refunded)),
        patient=patients.cards(actor, [bill.patient_id]).get(bill.patient_id),
        service=directory.services.get(bill.service_id) if bill.service_id else None,
        doctor=directory.staff.get(bill.doctor_id) if bill.doctor_id else None,
        clinic=directory.clinics.get(bill.clinic_id),
        facility=directory.facilities.get(payment.facility_id),
        visit_state=states.get(bill.visit_id) if bill.visit_id else None,
        topic=payments_topic(bill.clinic_id),
    )


@dataclass(frozen=True, kw_only=True)
class BooksPanel:
    """A payment's movements with their shares and legs, and the doctors by whose names they stand."""

    panel: Panel
    books: Books
    doctors: dict[UUID, organization.StaffInfo]


def books_panel(actor: Actor, payment_id: UUID) -> BooksPanel:
    """Return what the ledger holds of a payment; NotFound (404)."""
    shown = panel(actor, payment_id)
    doctors = organization.directory(actor.organization_id).staff
    return BooksPanel(panel=shown, books=books_of(shown.bill.id), doctors=doctors)
