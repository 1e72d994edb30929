"""No old row survives: not a change, not a process killed right after its commit, not a Redis that was lost.

The acts of others commit for real here, in processes of their own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from clinic_web.config import Settings
from clinic_web.kernel import kept
from clinic_web.kernel.broker import Broker, broker
from clinic_web.kernel.kept import Kept
from tests.cast import sign_in
from tests.reception.desk import Desk

ROOT = Path(__file__).parents[2]
VISIT = re.compile(r'id="visit-([0-9a-f-]{36})"')

WALK_IN = """
import json, sys
from uuid import UUID
from clinic_web.app import create_app
from clinic_web.identity.api import actors_of
from clinic_web.kernel import tenant
from clinic_web.reception.service.walking_in import WalkIn, open_walk_in
asked = json.loads(sys.argv[1])
house = UUID(asked["organization_id"])
with create_app(is_worker=True).app_context(), tenant.of(house):
    actor = actors_of(house)["amina"]
    walk_in = WalkIn(patient_id=UUID(asked["patient_id"]), service_id=UUID(asked["service_id"]))
    print(open_walk_in(actor, walk_in, key=asked["key"]).visit_id)
"""


@pytest.fixture
def browser(committing: Flask, real_desk: Desk) -> FlaskClient:
    client = committing.test_client()
    sign_in(client, real_desk.cast.people["amina"])
    return client


def shown(browser: FlaskClient, address: str = "/visits") -> list[UUID]:
    answer = browser.get(address, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.text
    return [UUID(each) for each in VISIT.findall(answer.text)]


def walk_in_elsewhere(
    settings: Settings, desk: Desk, failpoints: str = ""
) -> subprocess.CompletedProcess[str]:
    """Somebody walks in, in a process of its own, which may be killed on its way."""
    env = os.environ | {
        "APP_ENV": "test",
        "SECRET_KEY": settings.secret_key,
        "SECRET_STORE_KEY": settings.secret_store_key,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "FAILPOINTS": failpoints,
    }
    asked = {
        "organization_id": str(desk.cast.organization_id),
        "patient_id": str(desk.patient()),
        "service_id": str(desk.cast.cleaning),
        "key": str(uuid4()),
    }
    return subprocess.run(
        [sys.executable, "-c", WALK_IN, json.dumps(asked)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_process_that_is_killed_right_after_its_commit_leaves_nothing_old(
    settings: Settings, real_desk: Desk, browser: FlaskClient
) -> None:
    first = real_desk.walk_in().visit_id
    assert shown(browser) == shown(browser) == [first]

    killed = walk_in_elsewhere(settings, real_desk, "transaction.after_commit=kill")
    assert killed.returncode == -signal.SIGKILL
    assert len(shown(browser)) == 2


def test_a_redis_that_is_lost_flushed_or_comes_back_shows_nothing_old(
    real_desk: Desk, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = real_desk.walk_in().visit_id
    assert shown(browser) == [first]

    lost = Broker("redis://127.0.0.1:1/0")  # nobody listens there
    with monkeypatch.context() as away:
        away.setattr("clinic_web.kernel.broker._broker", lost)
        second = real_desk.walk_in().visit_id  # the change is told to no Redis
        assert set(shown(browser)) == {first, second}
    kept.forget()
    assert set(shown(browser)) == {first, second}  # back, with what it kept from before

    kept.forget()
    broker().redis.flushdb()
    assert set(shown(browser)) == {first, second}
    third = real_desk.walk_in().visit_id
    assert set(shown(browser)) == {first, second, third}


def test_a_change_between_reading_and_keeping_is_not_hidden_by_what_is_kept(
    real_desk: Desk, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = real_desk.walk_in().visit_id
    came: list[UUID] = []
    keep = kept.keep

    def keep_late(key: str, rendered: Kept) -> None:
        if not came:
            came.append(real_desk.walk_in().visit_id)  # the rows are read, and not kept yet
        keep(key, rendered)

    monkeypatch.setattr(kept, "keep", keep_late)
    assert shown(browser) == [first]
    assert set(shown(browser)) == {first, came[0]}
    assert set(shown(browser)) == {first, came[0]}
