"""SIGKILL at the worst moments: a booking is whole or not there, and pressing again gives one booking."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from clinic_web.config import Settings
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from tests import factories
from tests.cast import Cast, assemble

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

BOOK = """
import json, sys
from datetime import datetime
from uuid import UUID
from clinic_web.app import create_app
from clinic_web.identity.api import actors_of
from clinic_web.kernel import tenant
from clinic_web.reception.service.booking import Booking, book
asked = json.loads(sys.argv[1])
house = UUID(asked["organization_id"])
with create_app(is_worker=True).app_context(), tenant.of(house):
    actor = actors_of(house)["amina"]
    ids = {name: UUID(asked[name]) for name in ("patient_id", "service_id", "doctor_id")}
    booking = Booking(**ids, start_time=datetime.fromisoformat(asked["start_time"]))
    print(book(actor, booking, key=asked["key"]).ticket)
"""


@pytest.fixture
def here(committing: Flask) -> Cast:
    with committing.app_context():
        cast = assemble()
        db.session.remove()
    return cast


def asked_of(committing: Flask, cast: Cast) -> dict[str, str]:
    with committing.app_context():
        patient = factories.patient(organization_id=cast.organization_id)
        db.session.commit()
    start = (clock.now() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    return {
        "organization_id": str(cast.organization_id),
        "patient_id": str(patient),
        "service_id": str(cast.cleaning),
        "doctor_id": str(cast.salma),
        "start_time": start.isoformat(),
        "key": "one-press",
    }


def press(
    settings: Settings, asked: dict[str, str], failpoints: str = ""
) -> subprocess.CompletedProcess[str]:
    """Book in a process of its own, which may be killed on its way."""
    env = os.environ | {
        "APP_ENV": "test",
        "SECRET_KEY": settings.secret_key,
        "SECRET_STORE_KEY": settings.secret_store_key,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "FAILPOINTS": failpoints,
    }
    return subprocess.run(
        [sys.executable, "-c", BOOK, json.dumps(asked)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


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
    committing: Flask, settings: Settings, here: Cast
) -> None:
    asked = asked_of(committing, here)
    killed = press(settings, asked, "transaction.before_commit=kill")
    assert killed.returncode == -signal.SIGKILL
    with committing.app_context():
        assert set(rows().values()) == {0}
    assert press(settings, asked).stdout.strip() == "D-001"


def test_killed_after_the_commit_all_is_there_and_pressing_again_changes_nothing(
    committing: Flask, settings: Settings, here: Cast
) -> None:
    asked = asked_of(committing, here)
    killed = press(settings, asked, "transaction.after_commit=kill")
    assert killed.returncode == -signal.SIGKILL
    with committing.app_context():
        before = rows()
        assert set(before.values()) == {1}
        waiting = "SELECT count(*) FROM kernel.deliveries WHERE state = 'DUE'"
        assert db.session.execute(text(waiting)).scalar()  # nobody was woken; the relay finds it
        db.session.rollback()
    assert press(settings, asked).stdout.strip() == "D-001"
    with committing.app_context():
        assert rows() == before


def test_a_frozen_process_that_holds_the_number_blocks_its_clinic_for_seconds_only(
    committing: Flask, settings: Settings, here: Cast
) -> None:
    first, second = asked_of(committing, here), asked_of(committing, here)
    second |= {"start_time": first["start_time"].replace("T09:00", "T10:00"), "key": "another-press"}
    frozen = subprocess.Popen(
        [sys.executable, "-c", BOOK, json.dumps(first)],
        cwd=ROOT,
        env=os.environ
        | {
            "APP_ENV": "test",
            "SECRET_KEY": settings.secret_key,
            "SECRET_STORE_KEY": settings.secret_store_key,
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "FAILPOINTS": "transaction.before_commit=stop",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_stopped(frozen.pid)
        deadline = time.monotonic() + 15
        while (done := press(settings, second)).returncode and time.monotonic() < deadline:
            assert "lock timeout" in done.stderr
        assert done.stdout.strip() == "D-001"
    finally:
        frozen.kill()
        frozen.wait()


def _wait_until_stopped(pid: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            return
        time.sleep(0.05)
    raise TimeoutError("the process did not stop at its failpoint")
