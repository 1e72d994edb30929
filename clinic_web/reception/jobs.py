"""What workers and the schedule run for reception."""

from __future__ import annotations

from uuid import UUID

from clinic_web.reception.service import settling, telling_ahead


def tell_delays() -> None:
    """Tell of doctors who are another quarter of an hour late."""
    telling_ahead.tell_delays()


def settle(settlement_id: str) -> None:
    """Go on with the appointments of a doctor who is away."""
    settling.go_on(UUID(settlement_id))
