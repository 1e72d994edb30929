"""What the pharmacy does when other modules tell something. Each may come twice, late and in any order."""

from __future__ import annotations

from clinic_web.events.orders import CompensationRequested, OrderCreated
from clinic_web.events.reception import VisitFinished
from clinic_web.pharmacy.service import joining, releasing, reserving

PRESCRIPTION = "PRESCRIPTION"
RESERVE = "RESERVE"  # the step that is the pharmacy's


def is_prescription(event: OrderCreated) -> bool:
    return event.order_type == PRESCRIPTION


def is_held_here(event: CompensationRequested) -> bool:
    return event.order_type == PRESCRIPTION and event.step == RESERVE


def reserve_stock(event: OrderCreated) -> None:
    """Hold the stock of a prescription, all lines or none, and answer."""
    if is_prescription(event):
        reserving.reserve(event)


def release_stock(event: CompensationRequested) -> None:
    """Undo that, also before it was asked for, and answer."""
    if is_held_here(event):
        releasing.undo_reservation(event)


def stand_in_line(event: VisitFinished) -> None:
    """The patient comes out of the room: the ticket goes on to the pharmacy if something waits there."""
    joining.stand_in_line(event)
