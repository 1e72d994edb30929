"""A payment follows its visit to another day or doctor. What it costs stays as booked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments.service.opening import give_ticket

DUE_AT = Statement(
    """
    UPDATE payments.payments SET due_at = :due_at
     WHERE organization_id = :organization_id AND visit_id = :visit_id
    """
)


def reschedule_for_visit(
    actor: Actor, visit_id: UUID, *, ticket: str | None, doctor_id: UUID, due_at: datetime
) -> None:
    """Write ticket, doctor and the time it is due on the visit's payment: the cashier's list follows.

    NotFound (404) when the visit has no payment.
    """
    with transaction():
        DUE_AT.run({"organization_id": actor.organization_id, "visit_id": visit_id, "due_at": due_at})
        give_ticket(actor, visit_id, ticket, doctor_id)
