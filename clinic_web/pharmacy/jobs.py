"""What the schedule runs for the pharmacy."""

from __future__ import annotations

from clinic_web.pharmacy.service import releasing


def expire_reservations() -> None:
    """End what was promised and not fetched in time."""
    releasing.expire_due()
