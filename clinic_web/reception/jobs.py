"""What the schedule runs for reception."""

from __future__ import annotations

from clinic_web.reception.service import telling_ahead


def tell_delays() -> None:
    """Tell of doctors who are another quarter of an hour late."""
    telling_ahead.tell_delays()
