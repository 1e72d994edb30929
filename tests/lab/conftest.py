"""The laboratory's tests: seven in the morning of the present day in Cairo, an hour before it opens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

import pytest
from flask import Flask

from clinic_web.kernel import clock, push
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from tests.cast import Cast
from tests.lab.laboratory import CAIRO, Laboratory
from tests.snapshot import Snapshot


@pytest.fixture
def at_seven() -> Iterator[None]:
    today = clock.local(clock.now(), "Africa/Cairo").date()
    clock.shift(datetime.combine(today, time(7), CAIRO) - clock.now())
    yield
    clock.shift(timedelta())


@pytest.fixture
def lab(at_seven: None, cast: Cast) -> Laboratory:
    return Laboratory(cast)


@pytest.fixture
def real_lab(at_seven: None, snapshot: Snapshot, committing: Flask) -> Iterator[Laboratory]:
    """A laboratory whose acts are committed for real, for races between several workers."""
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        with transaction():  # from its first change on an organization is kept in the process
            push.changed(organization.topic(cast.organization_id))
        db.session.remove()
    with committing.app_context():
        yield Laboratory(cast)
        db.session.remove()
