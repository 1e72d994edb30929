"""A payable is opened with its visit, given its ticket, locked when the visit finishes, and given up with it.

These run inside reception's transactions, some in every booking and every call: one lean statement each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.events.payments import PaymentReopened
from clinic_web.kernel import bus, clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.money import ZERO
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization.api import Terms
from clinic_web.payments.access import payment_of_visit
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import PAID, PENDING, Payment
from clinic_web.payments.queries.owed import COLUMNS, Owed, owed_of
from clinic_web.payments.service import sharing

# These three go to the driver as they stand: through text() each would cost twice the CPU, and a booking
# or a call is only a handful of statements.
OPEN = """
    INSERT INTO payments.payments
           (id, organization_id, facility_id, clinic_id, doctor_id, service_id, visit_id, patient_id, ticket,
            currency, total_amount, share_percent, share_rule_version,
            status, opened_at, due_at, paid_at, created_by)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
# The same inside a statement of the hot path that opens the visit: from the CTE ``row``, which returns its
# ticket. The other parameters are ``values_of_opening``; the stream to move is ``OPENED_TOPIC``.
OPENED_TOPIC = "'payments:' || CAST(:clinic_id AS text)"


def opened_with(row: str) -> str:
    """Return the CTE that opens a visit's payment, due now (see ``kernel.at_once``)."""
    return f"""
    payment AS (
        INSERT INTO payments.payments
               (id, organization_id, facility_id, clinic_id, doctor_id, service_id, visit_id, patient_id,
                ticket, currency, total_amount, share_percent, share_rule_version,
                status, opened_at, due_at, paid_at, created_by)
        SELECT :payment_id, :organization_id, :facility_id, :clinic_id, CAST(:doctor_id AS uuid), :service_id,
               :visit_id, :patient_id, {row}.ticket, :currency, :total_amount, :share_percent,
               :share_rule_version, :payment_status, :now, :now, CAST(:paid_at AS timestamptz), :user_id
          FROM {row})"""  # noqa: S608 - the name of a CTE


LOCK = (
    f"SELECT {COLUMNS} FROM payments.payments"  # noqa: S608 - the columns are a constant
    " WHERE organization_id = %s AND visit_id = %s FOR UPDATE"
)
# What an order costs is the centre's alone. The ticket is the one that the patient has from the visit.
OPEN_FOR_ORDER = Statement(
    """
    INSERT INTO payments.payments
           (id, organization_id, facility_id, clinic_id, doctor_id, patient_id, payable, reference, ticket,
            currency, total_amount, share_percent, share_rule_version, status, opened_at, due_at, paid_at)
    SELECT :id, :organization_id, :facility_id, :clinic_id, :doctor_id, :patient_id, :payable, :reference,
           (SELECT p.ticket FROM payments.payments p
             WHERE p.organization_id = :organization_id AND p.visit_id = CAST(:of_visit_id AS uuid)),
           :currency, :total_amount, 0, 0, :status, :now, :now, CAST(:paid_at AS timestamptz)
    """
)
# The row as it was is needed to see whether another doctor takes over money that has already been shared.
GIVE_TICKET = """
    WITH before AS (
        SELECT id, doctor_id, doctor_share, unassigned_share FROM payments.payments
         WHERE organization_id = %(organization_id)s AND visit_id = %(visit_id)s FOR UPDATE
    )
    UPDATE payments.payments p
       SET ticket = COALESCE(%(ticket)s, p.ticket), doctor_id = COALESCE(%(doctor_id)s, p.doctor_id),
           version = p.version + 1, updated_at = now(), updated_by = %(user_id)s
      FROM before WHERE p.id = before.id
    RETURNING p.id, p.clinic_id, p.doctor_id, before.doctor_id AS former_doctor_id, before.doctor_share,
              before.unassigned_share
"""


@dataclass(frozen=True, kw_only=True)
class NewPayment:
    """A payable as it is opened: priced once, with the share rule as it stands (frozen when money moves).

    ``id`` is made by the caller (``kernel.ids.new_id``). ``due_at`` is the appointment's time; without it the
    payment is due when it is opened. The cashier's list shows a payment on the local day on which it is due.
    """

    id: UUID
    visit_id: UUID | None
    patient_id: UUID
    facility_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID | None
    ticket: str | None
    total_amount: Decimal
    currency: str
    share_percent: Decimal
    share_rule_version: int
    due_at: datetime | None = None


def values_of_opening(terms: Terms, now: datetime) -> dict[str, Any]:
    """Return what ``opened_with`` needs of the terms; what costs nothing is PAID from the start."""
    is_free = not terms.price
    return {
        "payment_id": new_id(),
        "facility_id": terms.facility_id,
        "clinic_id": terms.clinic_id,
        "currency": terms.currency,
        "total_amount": terms.price,
        "share_percent": terms.share_percent,
        "share_rule_version": terms.share_rule_version,
        "payment_status": PAID if is_free else PENDING,
        "paid_at": now if is_free else None,
    }


def open_payment(actor: Actor, new: NewPayment) -> None:
    """Open a payment with one INSERT; what costs nothing is PAID from the start.

    A second one of a visit is refused by the unique key (IntegrityError, ``uq_payments_visit_id``).
    """
    now = clock.now()
    is_free = not new.total_amount
    values = (
        new.id,
        actor.organization_id,
        new.facility_id,
        new.clinic_id,
        new.doctor_id,
        new.service_id,
        new.visit_id,
        new.patient_id,
        new.ticket,
        new.currency,
        new.total_amount,
        new.share_percent,
        new.share_rule_version,
        PAID if is_free else PENDING,
        now,
        new.due_at or now,
        now if is_free else None,
        actor.user_id,
    )
    with transaction():
        db.session.connection().exec_driver_sql(OPEN, values)
        push.changed(payments_topic(new.clinic_id))


@dataclass(frozen=True, kw_only=True)
class NewOrderPayment:
    """What an order owes: ``payable`` PRESCRIPTION or LAB, ``reference`` the number of its bill.

    ``of_visit_id``: the visit in which it was ordered, whose ticket it gets; None without one.
    """

    id: UUID
    payable: str
    reference: str
    patient_id: UUID
    facility_id: UUID
    clinic_id: UUID
    doctor_id: UUID
    of_visit_id: UUID | None
    total_amount: Decimal
    currency: str


def open_order_payment(actor: Actor, new: NewOrderPayment) -> None:
    """Open what an order owes with one INSERT; what costs nothing is PAID from the start."""
    now, is_free = clock.now(), new.total_amount == ZERO
    with transaction():
        OPEN_FOR_ORDER.run(
            {
                **vars(new),
                "organization_id": actor.organization_id,
                "status": PAID if is_free else PENDING,
                "now": now,
                "paid_at": now if is_free else None,
            }
        )
        push.changed(payments_topic(new.clinic_id))


def lock_for_visit(actor: Actor, visit_id: UUID) -> Owed:
    """Lock the visit's payment until the commit and return what is owed; NotFound when there is none.

    Whoever finishes a visit holds this lock while deciding, so money and finish never miss each other.
    """
    row = db.session.connection().exec_driver_sql(LOCK, (actor.organization_id, visit_id)).first()
    if row is None:
        raise NotFound(N_("This visit has no payment."))
    return owed_of(row)


def give_ticket(actor: Actor, visit_id: UUID, ticket: str | None, doctor_id: UUID | None) -> None:
    """Write the ticket and the doctor on the visit's payment; None leaves the one that stands there.

    Where money has already been shared with another doctor, that part goes over to this one; what waited for
    a doctor to become known is divided now. NotFound when the visit has no payment.
    """
    asked = {
        "organization_id": actor.organization_id,
        "visit_id": visit_id,
        "ticket": ticket,
        "doctor_id": doctor_id,
        "user_id": actor.user_id,
    }
    with transaction():
        row = db.session.connection().exec_driver_sql(GIVE_TICKET, asked).first()
        if row is None:
            raise NotFound(N_("This visit has no payment."))
        if row.doctor_id != row.former_doctor_id:
            if row.unassigned_share:
                sharing.doctor_becomes_known(actor, row.id, row.doctor_id)
            elif row.doctor_share:
                sharing.hand_over(actor, row.id, row.former_doctor_id)
        push.changed(payments_topic(row.clinic_id))


def void_for_visit(actor: Actor, visit_id: UUID, reason: str) -> bool:
    """Void the visit's payment and return whether it is void now; False once money has moved, or without one.

    Money that was taken stays where it is until somebody with the right to refund gives it back.
    """
    with transaction():
        payment = payment_of_visit(actor, visit_id, lock=True)
        if payment is None or not payment.may_be_voided:
            return payment is not None and payment.is_void
        old = payment.as_audited()
        payment.void(reason, at=clock.now())
        payment.updated_by = actor.user_id
        audit.changed(actor, "payment.void", "payment", payment.id, old=old, new=payment.as_audited())
        push.changed(payments_topic(payment.clinic_id))
        return True


def reopened(payment: Payment) -> PaymentReopened:
    return PaymentReopened(
        organization_id=payment.organization_id,
        payment_id=payment.id,
        patient_id=payment.patient_id,
        visit_id=payment.visit_id,
    )


def reopen_for_visit(actor: Actor, visit_id: UUID) -> bool:
    """Take a void back, because the patient came after all; return whether the payment was void.

    That the claim stands again is told in any case: where money was taken, nothing else would say so.
    """
    with transaction():
        payment = payment_of_visit(actor, visit_id, lock=True)
        if payment is None:
            return False
        bus.publish(reopened(payment), actor)
        if not payment.is_void:
            return False
        old = payment.as_audited()
        payment.reopen()
        payment.updated_by = actor.user_id
        audit.changed(actor, "payment.reopen", "payment", payment.id, old=old, new=payment.as_audited())
        push.changed(payments_topic(payment.clinic_id))
        return True
