"""Reception's tests: a desk, and a clock that stands in the middle of Cairo's day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import text

from clinic_web.identity import passwords
from clinic_web.kernel import clock, push
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from tests.cast import Cast
from tests.reception.desk import CAIRO, Desk
from tests.snapshot import Snapshot


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody signs in here: hashing the cast's passwords as in production would take most of the time."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


# A test is one transaction, and to PostgreSQL it is always the moment at which that began.
SHIFT_POSTGRESQL = text(
    "SELECT set_config('app.clock_offset', (CAST(:moment AS timestamptz) - now())::text, false)"
)


@pytest.fixture
def at(app: Flask) -> Iterator[Callable[[datetime], None]]:
    """``at(moment)``: from now on Python's clock and PostgreSQL's show ``moment``."""

    def turn(moment: datetime) -> None:
        clock.shift(moment - (clock.now() - clock.offset()))
        db.session.execute(SHIFT_POSTGRESQL, {"moment": moment})
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
    keep_in_process(cast)
    return Desk(cast)


def keep_in_process(cast: Cast) -> None:
    """From its first change on an organization is kept in the process, as every real one is."""
    with transaction():
        push.changed(organization.topic(cast.organization_id))


@pytest.fixture
def real_desk(snapshot: Snapshot, committing: Flask) -> Iterator[Desk]:
    """A desk whose acts are committed for real, for races between several people."""
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        keep_in_process(cast)
        db.session.remove()
    with committing.app_context():
        yield Desk(cast)
        db.session.remove()
