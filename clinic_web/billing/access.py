"""The only way to a bill for a person: tenant and facility decide; absent and foreign are 404."""

from __future__ import annotations

from uuid import UUID

from clinic_web.billing.queries.bills import COLUMNS, Bill, bill_of
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.statement import Statement

_MINE = f"""
    SELECT {COLUMNS} FROM billing.invoices i
     WHERE i.organization_id = :organization_id AND i.{{column}} = :id
       AND (CAST(:facility_id AS uuid) IS NULL OR i.facility_id = CAST(:facility_id AS uuid))
"""  # noqa: S608 - the columns are a constant
ONE = Statement(_MINE.format(column="id"))
OF_PAYMENT = Statement(_MINE.format(column="payment_id"))


def bill_for(actor: Actor, invoice_id: UUID) -> Bill:
    """Return the bill; NotFound (404) if it is not the actor's to see."""
    row = ONE.first(_asked(actor, invoice_id))
    if row is None:
        raise NotFound(N_("This bill is not here (any more)."))
    return bill_of(row)


def bill_of_payment(actor: Actor, payment_id: UUID) -> Bill | None:
    """Return the bill that a payment settles; None where there is none for the actor."""
    row = OF_PAYMENT.first(_asked(actor, payment_id))
    return bill_of(row) if row else None


def _asked(actor: Actor, wanted: UUID) -> dict[str, UUID | None]:
    return {"organization_id": actor.organization_id, "facility_id": actor.facility_id, "id": wanted}
