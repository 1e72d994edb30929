"""Paper of receipts: the first is the original, every other one is a copy and says so."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments.access import payment_for
from clinic_web.payments.queries.receipts import receipt
from clinic_web.payments.records import ReceiptPrint

# How long a paper that was asked for may be fetched as the original: for one look and one reload.
FRESH = timedelta(minutes=10)


def note_print(actor: Actor, transaction_id: UUID) -> int:
    """Note that a receipt goes to paper and return which paper it is: 1 is the original. NotFound (404)."""
    with transaction():
        payment_for(actor, receipt(actor, transaction_id).payment_id, lock=True)
        number = printed(transaction_id) + 1
        row = {
            "transaction_id": transaction_id,
            "number": number,
            "organization_id": actor.organization_id,
            "printed_at": clock.now(),
            "printed_by": actor.user_id,
        }
        db.session.execute(insert(ReceiptPrint).values(row))
        audit.saw(actor, "payment.print", "payment_transaction", transaction_id)
        return number


def printed(transaction_id: UUID) -> int:
    """Return how many papers of a receipt there are."""
    counted = select(func.count()).where(ReceiptPrint.transaction_id == transaction_id)
    return db.session.execute(counted).scalar_one()


def is_original(actor: Actor, transaction_id: UUID, number: int | None) -> bool:
    """Return whether paper ``number`` is the original that this person asked for just now."""
    if number != 1:
        return False
    found = db.session.get(ReceiptPrint, (transaction_id, number))
    return found is not None and found.printed_by == actor.user_id and found.printed_at > clock.now() - FRESH
