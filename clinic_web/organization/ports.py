"""What organization would like to know of bookings. Reception is above it, so ``app`` binds it.

Without it nothing is booked, and everything may be taken out of use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from clinic_web.kernel.actor import Actor


def _know_of_no_booking(actor: Actor, column: str, row_id: UUID) -> int:
    return 0


@dataclass
class Ports:
    """``upcoming``: how many visits from today on, not yet over, have ``row_id`` as their ``clinic_id`` or
    ``doctor_id``."""

    upcoming: Callable[[Actor, str, UUID], int] = _know_of_no_booking


ports = Ports()
