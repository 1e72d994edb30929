"""What the pharmacy tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class _OfOrder:
    AGGREGATE: ClassVar[tuple[str, str]] = ("order", "order_id")
    organization_id: UUID
    facility_id: UUID
    order_id: UUID
    patient_id: UUID


@dataclass(frozen=True, kw_only=True)
class StockReserved(_OfOrder):
    """Every line is held in full, until ``expires_at``."""

    TOPIC: ClassVar[str] = "stock.reserved"
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class StockReservationFailed(_OfOrder):
    """Nothing is held. ``reason``: SHORT, NOT_STOCKED, INACTIVE, CANCELLED; and which line, if one."""

    TOPIC: ClassVar[str] = "stock.reservation_failed"
    reason: str
    line_id: UUID | None = None
    available: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class StockReleased(_OfOrder):
    """Nothing is held for the order any more, and nothing will be; what was dispensed stays dispensed."""

    TOPIC: ClassVar[str] = "stock.released"


@dataclass(frozen=True, kw_only=True)
class ReservationExpired(_OfOrder):
    """Nobody came for it in time: the stock is free again."""

    TOPIC: ClassVar[str] = "stock.reservation_expired"


@dataclass(frozen=True, kw_only=True)
class PrescriptionDispensed(_OfOrder):
    """Medicine was handed over; ``is_whole``: nothing of the order is left to hand over.

    With ``undoes_id`` that dispensing was taken back: its medicine is on the shelf again, and held for the
    order unless that is over. ``with_patient`` says what the patient has of the order after this: WHOLE, PART
    or NONE; of two events of one order the higher ``version`` is the later, whichever is heard first.
    """

    TOPIC: ClassVar[str] = "prescription.dispensed"
    dispensing_id: UUID
    is_whole: bool
    undoes_id: UUID | None = None
    with_patient: str = ""
    version: int = 0
