"""What the laboratory does when orders tell something."""

from __future__ import annotations

from clinic_web.events.orders import CompensationRequested, OrderCreated
from clinic_web.events.reception import VisitFinished
from clinic_web.lab.service import holding, joining

LAB, RESERVE = "LAB", "RESERVE"


def is_of_tests(event: OrderCreated) -> bool:
    return event.order_type == LAB


def is_held_here(event: CompensationRequested) -> bool:
    return event.order_type == LAB and event.step == RESERVE


def hold_slots(event: OrderCreated) -> None:
    """A laboratory order gets a slot for each of its tests."""
    if is_of_tests(event):
        holding.hold(event)


def release_slots(event: CompensationRequested) -> None:
    """An order that failed or was called off needs its slots no longer."""
    if is_held_here(event):
        holding.release(event)


def stand_in_line(event: VisitFinished) -> None:
    """The patient comes out of the room: the ticket goes on to the laboratory if a test waits there today."""
    joining.stand_in_line(event)
