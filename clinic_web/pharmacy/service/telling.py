"""What the pharmacy tells: the answers to orders, and its own screens."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from clinic_web.events.pharmacy import (
    ReservationExpired,
    StockReleased,
    StockReservationFailed,
    StockReserved,
)
from clinic_web.kernel import bus, push
from clinic_web.kernel.actor import Actor
from clinic_web.pharmacy.live import worklist_topic
from clinic_web.pharmacy.models import CANCELLED, DISPENSED, FAILED, RELEASED, RESERVED, Prescription


class OfOrder(Protocol):
    """What each event of the pharmacy says: the prescription's row, or what an order told."""

    @property
    def organization_id(self) -> Any: ...
    @property
    def facility_id(self) -> Any: ...
    @property
    def order_id(self) -> Any: ...
    @property
    def patient_id(self) -> Any: ...


def ids_of(of: OfOrder) -> dict[str, UUID]:
    """Return the fields that each event of the pharmacy has."""
    return {
        "organization_id": of.organization_id,
        "facility_id": of.facility_id,
        "order_id": of.order_id,
        "patient_id": of.patient_id,
    }


def answer(actor: Actor, prescription: Prescription) -> None:
    """Say again what became of the request to reserve; of one that was undone since, that nothing is held."""
    status = prescription.status if prescription.cancelled_at is None else RELEASED
    if status in (RESERVED, DISPENSED) and prescription.expires_at is not None:
        bus.publish(StockReserved(**ids_of(prescription), expires_at=prescription.expires_at), actor)
    elif status == FAILED:
        failed = StockReservationFailed(
            **ids_of(prescription),
            reason=prescription.reason or CANCELLED,
            line_id=prescription.failed_line_id,
            available=prescription.available,
        )
        bus.publish(failed, actor)
    else:
        undone = StockReservationFailed(
            **ids_of(prescription), reason=CANCELLED, line_id=None, available=None
        )
        bus.publish(undone, actor)


def tell_released(actor: Actor, of: OfOrder) -> None:
    bus.publish(StockReleased(**ids_of(of)), actor)


def tell_expired(actor: Actor, of: OfOrder) -> None:
    bus.publish(ReservationExpired(**ids_of(of)), actor)


def tell_worklist(facility_id: UUID) -> None:
    """Let the pharmacy's screens look again."""
    push.changed(worklist_topic(facility_id))
