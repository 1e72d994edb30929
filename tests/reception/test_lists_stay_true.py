"""No old row survives: not a change, not a process killed right after its commit, not a Redis that was lost.

The acts of others commit for real here, in processes of their own.
"""

from __future__ import annotations

import re
import signal
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from clinic_web.kernel import kept, tenant
from clinic_web.kernel.broker import Broker, broker
from clinic_web.kernel.kept import Kept
from tests import apart
from tests.cast import sign_in
from tests.reception.desk import Desk

VISIT = re.compile(r'id="visit-([0-9a-f-]{36})"')


@pytest.fixture
def browser(committing: Flask, real_desk: Desk) -> FlaskClient:
    client = committing.test_client()
    sign_in(client, real_desk.cast.people["amina"])
    return client


def shown(browser: FlaskClient, address: str = "/visits") -> list[UUID]:
    answer = browser.get(address, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.text
    return [UUID(each) for each in VISIT.findall(answer.text)]


def test_a_process_that_is_killed_right_after_its_commit_leaves_nothing_old(
    committing: Flask, real_desk: Desk, browser: FlaskClient
) -> None:
    first = real_desk.walk_in().visit_id
    assert shown(browser) == shown(browser) == [first]

    def walk_in() -> None:
        with tenant.of(real_desk.cast.organization_id):
            real_desk.walk_in()

    killed = apart.run(committing, walk_in, "transaction.after_commit=kill")
    assert killed.code == -signal.SIGKILL
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
