"""Giving a claim up by hand, with a reason; and taking that back."""

from __future__ import annotations

from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.events.payments import PaymentVoided
from clinic_web.kernel import bus, clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments.access import payment_for
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import PAID, PARTIALLY_PAID, Payment
from clinic_web.payments.ports import ports
from clinic_web.payments.service.opening import reopened
from clinic_web.payments.service.reasons import check_reason

OFF = ("CANCELLED", "NO_SHOW")


def void(actor: Actor, payment_id: UUID, reason: str, *, version: int | None = None) -> Payment:
    """Let a payment go of which nothing was paid; return it. ``version``: only as it was seen.

    Raises RuleBroken (422) without a reason, StaleScreen (409) once money moved or when it is void already.
    """
    reason = check_reason(reason)
    with transaction():
        payment = payment_for(actor, payment_id, lock=True)
        if payment.is_void:
            raise StaleScreen(N_("This payment is void already."))
        if version not in (None, payment.version):
            raise StaleScreen(N_("Somebody else changed this just now. Please look again."))
        old = payment.as_audited()
        payment.void(reason, at=clock.now())
        _note(actor, "payment.void", payment, old)
        bus.publish(
            PaymentVoided(
                organization_id=payment.organization_id,
                payment_id=payment.id,
                patient_id=payment.patient_id,
                visit_id=payment.visit_id,
            ),
            actor,
        )
        return payment


def reopen(actor: Actor, payment_id: UUID) -> Payment:
    """Claim a void payment again; return it.

    Raises StaleScreen (409) when it is not void, or its visit is off: there is nothing to pay for.
    """
    with transaction():
        payment = payment_for(actor, payment_id, lock=True)
        visits = [payment.visit_id] if payment.visit_id else []
        if any(state in OFF for state in ports.visit_states(actor, visits).values()):
            raise StaleScreen(N_("The visit is off, so there is nothing to pay for."))
        if payment.visit_id is None and ports.is_given_up(actor, payment.id):
            raise StaleScreen(N_("The order is off, so there is nothing to pay for."))
        old = payment.as_audited()
        payment.reopen()
        _note(actor, "payment.reopen", payment, old)
        bus.publish(reopened(payment), actor)
        return payment


def _note(actor: Actor, action: str, payment: Payment, old: dict[str, object]) -> None:
    payment.updated_by = actor.user_id
    audit.saw(actor, action, "payment", payment.id)
    audit.changed(actor, action, "payment", payment.id, old=old, new=payment.as_audited())
    push.changed(payments_topic(payment.clinic_id))


def waive_rest(actor: Actor, payment_id: UUID, reason: str) -> Payment:
    """Let go of what is still owed of a payment in part paid: it costs what was paid; return it.

    Raises RuleBroken (422) without a reason, StaleScreen (409) unless a part was paid and a part is owed.
    """
    reason = check_reason(reason)
    with transaction():
        payment = payment_for(actor, payment_id, lock=True)
        if payment.status != PARTIALLY_PAID:
            raise StaleScreen(N_("Nothing is left to pay of it."))
        old = payment.as_audited() | {"total_amount": payment.total_amount}
        payment.total_amount, payment.status, payment.paid_at = payment.amount_paid, PAID, clock.now()
        payment.updated_by = actor.user_id
        new = payment.as_audited() | {"total_amount": payment.total_amount, "reason": reason}
        audit.saw(actor, "payment.waive", "payment", payment.id)
        audit.changed(actor, "payment.waive", "payment", payment.id, old=old, new=new)
        push.changed(payments_topic(payment.clinic_id))
        return payment
