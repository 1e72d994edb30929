"""What becomes of money that was taken for something that is off: a person decides that it stays, with a
reason. That it goes back is a refund as any other, in payments."""

from __future__ import annotations

from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.billing.access import bill_for
from clinic_web.billing.models import KEPT, REFUND_DUE
from clinic_web.billing.service.following import Held, follow, hold
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments import api as payments
from clinic_web.payments.api import Settlement

LONGEST = 300
# What is waived becomes a discount: the lines still add up to the total.
KEEP = Statement(
    """
    UPDATE billing.invoices
       SET kept_at = CAST(:at AS timestamptz), kept_by = CAST(:by AS uuid), kept_reason = :reason,
           discount_amount = discount_amount + total_amount - :total_amount, total_amount = :total_amount,
           patient_copay = :total_amount, updated_at = :now, version = version + 1
     WHERE id = :id
    """
)


def keep(actor: Actor, invoice_id: UUID, reason: str) -> None:
    """Decide that what was paid stays; what was still owed of it is waived.

    Raises RuleBroken (422) without a reason, StaleScreen (409) when it is decided or given back by now,
    NotFound (404).
    """
    reason = _checked(reason)
    with transaction():
        payment, bill = _held(actor, invoice_id)
        if bill.status != REFUND_DUE:
            raise StaleScreen(N_("What becomes of this money has been decided by now."))
        if payment.status == "PARTIALLY_PAID":
            payments.waive_rest(actor, payment.id, reason)
            db.session.flush()  # what follows asks PostgreSQL without the session
        _decide(actor, bill, reason)


def ask_again(actor: Actor, invoice_id: UUID) -> None:
    """Take such a decision back: the money waits for one again. StaleScreen (409) if none stands."""
    with transaction():
        _, bill = _held(actor, invoice_id)
        if bill.status != KEPT:
            raise StaleScreen(N_("What becomes of this money is not decided."))
        _decide(actor, bill, None)


def _decide(actor: Actor, bill: Held, reason: str | None) -> None:
    payment = payments.lock(actor, bill.payment_id)
    if payment is None:
        raise NotFound(N_("This payment is not here (any more)."))
    now = clock.now()
    KEEP.run(
        {
            "id": bill.id,
            "at": now if reason else None,
            "by": actor.user_id if reason else None,
            "reason": reason,
            "total_amount": payment.total_amount,
            "now": now,
        }
    )
    decided = hold(actor, bill.payment_id)
    if decided is not None:
        follow(actor, payment, decided, decided.fate)
    audit.saw(actor, "bill.keep", "invoice", bill.id)
    audit.changed(
        actor,
        "bill.keep",
        "invoice",
        bill.id,
        old={"status": bill.status},
        new={"status": KEPT if reason else REFUND_DUE, "reason": reason},
    )


def _held(actor: Actor, invoice_id: UUID) -> tuple[Settlement, Held]:
    payment_id = bill_for(actor, invoice_id).payment_id
    payment = payments.lock(actor, payment_id)
    bill = hold(actor, payment_id)
    if payment is None or bill is None:
        raise NotFound(N_("This bill is not here (any more)."))
    return payment, bill


def _checked(reason: str) -> str:
    short = " ".join(reason.split())
    if not short:
        raise RuleBroken(N_("Give a reason."), field="reason")
    if len(short) > LONGEST:
        raise RuleBroken(N_("A reason has %(most)s letters at most."), field="reason", most=LONGEST)
    return short
