"""The only source of time in Python. Its twin in SQL is ``kernel.now()``; both can be shifted in tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_offset = timedelta(0)


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC) + _offset


def today(timezone: str) -> date:
    """Return the local day in ``timezone`` (an IANA name such as ``Africa/Cairo``)."""
    return now().astimezone(ZoneInfo(timezone)).date()


def local(moment: datetime, timezone: str) -> datetime:
    """Return ``moment`` as the clock on the wall of ``timezone`` shows it."""
    return moment.astimezone(ZoneInfo(timezone))


def midnight_after(moment: datetime, timezone: str) -> datetime:
    """Return when the local day of ``moment`` ends."""
    tomorrow = local(moment, timezone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), ZoneInfo(timezone)).astimezone(UTC)


def offset() -> timedelta:
    """Return how far the clock is shifted; zero outside tests."""
    return _offset


def shift(by: timedelta) -> None:
    """Shift the clock of this process. Only a test environment calls this (see ``failpoints``)."""
    global _offset
    _offset = by
