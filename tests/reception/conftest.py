"""Reception's tests: a desk, and a clock that stands in the middle of Cairo's day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import text

from clinic_web.identity import passwords
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from tests.cast import Cast, assemble
from tests.reception.desk import CAIRO, Desk


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody signs in here: hashing the cast's passwords as in production would take most of the time."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def at(app: Flask) -> Iterator[Callable[[datetime], None]]:
    """``at(moment)``: from now on Python's clock and PostgreSQL's show ``moment``."""

    def turn(moment: datetime) -> None:
        shift = moment - (clock.now() - clock.offset())
        clock.shift(shift)
        seconds = f"{shift.total_seconds()} seconds"
        db.session.execute(text("SELECT set_config('app.clock_offset', :offset, false)"), {"offset": seconds})
        db.session.commit()

    yield turn
    clock.shift(timedelta(0))
    db.session.execute(text("SELECT set_config('app.clock_offset', '', false)"))
    db.session.commit()


@pytest.fixture
def at_ten(at: Callable[[datetime], None]) -> None:
    """Ten in the morning of the present day in Cairo."""
    today = clock.local(clock.now(), "Africa/Cairo").date()
    at(datetime.combine(today, time(10), CAIRO))


@pytest.fixture
def desk(at_ten: None, cast: Cast) -> Desk:
    return Desk(cast)


@pytest.fixture
def real_desk(committing: Flask) -> Iterator[Desk]:
    """A desk whose acts are committed for real, for races between several people."""
    with committing.app_context():
        cast = assemble()
        db.session.remove()
    with committing.app_context():
        yield Desk(cast)
        db.session.remove()
