"""A visit goes over to another clinic, doctor or service: its payment follows until money has moved."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments.access import payment_of_visit
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import PAID, PENDING


@dataclass(frozen=True, kw_only=True)
class NewTerms:
    """On what terms the visit is paid from now on, as ``NewPayment`` has them."""

    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID
    ticket: str | None
    total_amount: Decimal
    currency: str
    share_percent: Decimal
    share_rule_version: int


@dataclass(frozen=True, kw_only=True)
class Retermed:
    """What became of a payment: its total before and now; ``is_kept`` because money had been taken."""

    old_total: Decimal
    total: Decimal
    is_kept: bool


def keeps_terms(actor: Actor, visit_id: UUID) -> bool:
    """Return whether the visit's payment keeps what it says, because money has moved for it."""
    payment = payment_of_visit(actor, visit_id)
    return payment is not None and not payment.may_be_voided


def move_for_visit(actor: Actor, visit_id: UUID, terms: NewTerms) -> Retermed:
    """Give the visit's payment new terms, or only its new ticket where money has been taken.

    What was taken stays with what it was taken for; more or less is taken or given back by hand.
    NotFound (404) when the visit has no payment.
    """
    with transaction():
        payment = payment_of_visit(actor, visit_id, lock=True)
        if payment is None:
            raise NotFound(N_("This visit has no payment."))
        old, old_total, old_clinic = payment.as_audited(), payment.total_amount, payment.clinic_id
        is_kept = not payment.may_be_voided
        payment.ticket = terms.ticket
        payment.updated_by = actor.user_id
        if not is_kept:
            for name, value in vars(terms).items():
                setattr(payment, name, value)
            payment.status = PENDING if terms.total_amount else PAID
            payment.paid_at = None if terms.total_amount else clock.now()
            audit.changed(
                actor,
                "payment.move",
                "payment",
                payment.id,
                old={**old, "total_amount": old_total},
                new={**payment.as_audited(), "total_amount": payment.total_amount},
            )
        for clinic_id in {old_clinic, payment.clinic_id}:
            push.changed(payments_topic(clinic_id))
        return Retermed(old_total=old_total, total=payment.total_amount, is_kept=is_kept)
