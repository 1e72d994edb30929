"""Orders' tests: a doctor with a patient in the room, a formulary, and the other modules' words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask

from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from tests.cast import Cast
from tests.orders.room import Room
from tests.reception.conftest import keep_in_process
from tests.snapshot import Snapshot


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    """``later(by)``: the clock goes on by so much."""
    yield lambda by: clock.shift(clock.offset() + by)
    clock.shift(timedelta())


@pytest.fixture
def room(at_noon: None, cast: Cast) -> Room:
    keep_in_process(cast)
    return Room(cast)


@pytest.fixture
def real_room(at_noon: None, snapshot: Snapshot, committing: Flask) -> Iterator[Room]:
    """A room whose acts are committed for real, for races."""
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        keep_in_process(cast)
        db.session.remove()
    with committing.app_context():
        yield Room(cast)
        db.session.remove()
