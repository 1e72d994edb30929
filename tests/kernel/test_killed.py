"""SIGKILL at the worst moments: a booking is whole or not there, and pressing again gives one booking."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from clinic_web.identity.api import actors_of
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.db import db
from clinic_web.reception.service.booking import Booking, book
from tests import apart, factories
from tests.cast import Cast, assemble

pytestmark = pytest.mark.slow


@pytest.fixture
def here(committing: Flask) -> Cast:
    with committing.app_context():
        cast = assemble()
        db.session.remove()
    return cast


@dataclass(frozen=True)
class Press:
    """One press of a button at a desk: pressed again it has the same key."""

    house: UUID
    booking: Booking
    key: str

    def __call__(self) -> str:
        with tenant.of(self.house):
            return book(actors_of(self.house)["amina"], self.booking, key=self.key).ticket


def press_of(committing: Flask, cast: Cast, hour: int = 9, key: str = "one-press") -> Press:
    with committing.app_context():
        patient = factories.patient(organization_id=cast.organization_id)
        db.session.commit()
    start = (clock.now() + timedelta(days=1)).replace(hour=hour, minute=0, second=0, microsecond=0)
    booking = Booking(patient_id=patient, service_id=cast.cleaning, doctor_id=cast.salma, start_time=start)
    return Press(cast.organization_id, booking, key)


def rows() -> dict[str, int]:
    tables = (
        "reception.appointments",
        "reception.visits",
        "reception.queue_numbers",
        "payments.payments",
        "kernel.domain_events",
        "kernel.idempotency_keys",
    )
    counted = {}
    for table in tables:
        counting = f"SELECT count(*) FROM {table}"  # noqa: S608 - the names above
        counted[table] = db.session.execute(text(counting)).scalar() or 0
    return counted


def test_killed_before_the_commit_nothing_is_there_and_the_number_is_not_lost(
    committing: Flask, here: Cast
) -> None:
    press = press_of(committing, here)
    killed = apart.run(committing, press, "transaction.before_commit=kill")
    assert killed.code == -signal.SIGKILL
    with committing.app_context():
        assert set(rows().values()) == {0}
    assert apart.run(committing, press).said == "D-001"


def test_killed_after_the_commit_all_is_there_and_pressing_again_changes_nothing(
    committing: Flask, here: Cast
) -> None:
    press = press_of(committing, here)
    killed = apart.run(committing, press, "transaction.after_commit=kill")
    assert killed.code == -signal.SIGKILL
    with committing.app_context():
        before = rows()
        assert set(before.values()) == {1}
        waiting = "SELECT count(*) FROM kernel.deliveries WHERE state = 'DUE'"
        assert db.session.execute(text(waiting)).scalar()  # nobody was woken; the relay finds it
        db.session.rollback()
    assert apart.run(committing, press).said == "D-001"
    with committing.app_context():
        assert rows() == before


def test_a_frozen_process_that_holds_the_number_blocks_its_clinic_for_seconds_only(
    committing: Flask, here: Cast
) -> None:
    first = press_of(committing, here)
    second = press_of(committing, here, hour=10, key="another-press")
    frozen = apart.start(committing, first, "transaction.before_commit=stop")
    try:
        frozen.wait_until_stopped()
        deadline = time.monotonic() + 15
        while (done := apart.run(committing, second)).code and time.monotonic() < deadline:
            assert "lock timeout" in done.said
        assert done.said == "D-001"
    finally:
        frozen.kill()
