"""The only source of time in Python. Its twin in SQL is ``kernel.now()``; both can be shifted in tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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


def offset() -> timedelta:
    """Return how far the clock is shifted; zero outside tests."""
    return _offset


def shift(by: timedelta) -> None:
    """Shift the clock of this process. Only a test environment calls this (see ``failpoints``)."""
    global _offset
    _offset = by
