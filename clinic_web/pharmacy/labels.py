"""What stands on the label of a box: whose it is, what, how much, of which batch, good until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.catalog.api import MedicationCard
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.pharmacy.access import dispensing_for, lines_of
from clinic_web.pharmacy.queries.in_hand import InHand


@dataclass(frozen=True, kw_only=True)
class Label:
    """One box, or several of one batch; ``quantity`` in the medicine's unit."""

    medication: MedicationCard | None
    quantity: Decimal
    batch_number: str | None
    expiration_date: date | None


def of(actor: Actor, shown: InHand, dispensing_id: UUID | None = None) -> list[Label]:
    """Return the labels of one dispensing, or of what is held now; NotFound (404) for another order's."""
    with transaction():
        audit.saw(actor, "prescription.label", "prescription", shown.prescription.order_id)
        quantities = _held(shown) if dispensing_id is None else _given(actor, shown, dispensing_id)
    return [
        Label(
            medication=line.medication,
            quantity=quantities[batch.id],
            batch_number=batch.batch_number,
            expiration_date=batch.expiration_date,
        )
        for line in shown.lines
        for batch in line.batches
        if quantities.get(batch.id)
    ]


def _held(shown: InHand) -> dict[UUID, Decimal]:
    return {batch.id: batch.left for line in shown.lines for batch in line.batches}


def _given(actor: Actor, shown: InHand, dispensing_id: UUID) -> dict[UUID, Decimal]:
    dispensing = dispensing_for(actor, dispensing_id)
    if dispensing.order_id != shown.prescription.order_id:
        raise NotFound
    return {line.reservation_id: line.quantity for line in lines_of(dispensing)}
