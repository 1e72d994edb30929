"""Three places to try every address with, people of every role, and how one request leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from attack.arena import HTMX, Answer, Arena, Knock, gather
from clinic_web.identity import passwords
from clinic_web.kernel import jobs, push, tenant
from clinic_web.kernel.db import db
from tests.conftest import QUICK_HASHER, thrown_away


@dataclass
class House(Arena):
    """The places in the transaction that is thrown away."""

    def asks(self, who: str, method: str, url: str, **options: object) -> TestResponse:
        """Send a request and take back whatever it did."""
        with self.nothing_stays():
            return self.sends(who, method, url, **options)

    def sends(self, who: str, method: str, url: str, **options: object) -> TestResponse:
        """Send a request that is to be refused: it does nothing that had to be taken back."""
        client = self.app.test_client(use_cookies=False)
        headers = HTMX | self.brings.get(who, {})
        answer = client.open(url, method=method, headers=headers, **options)  # type: ignore[arg-type]
        answer.close()
        db.session.remove()
        return answer

    def knock(self, knock: Knock) -> Answer:
        """Send an attack's request in this process, and take back whatever it did."""
        body, more = self.body_of(knock)
        with self.nothing_stays():
            client = self.app.test_client(use_cookies=False)
            headers = more | self.headers_of(knock)
            began = time.perf_counter()
            answer = client.open(knock.path, method=knock.method, headers=headers, data=body)
            found = {name.lower(): value for name, value in answer.headers.items()}
            told = Answer(answer.status_code, found, answer.data, time.perf_counter() - began)
            answer.close()
            return told

    @contextmanager
    def nothing_stays(self) -> Iterator[None]:
        nested = db._app_engines[self.app][None].begin_nested()
        try:
            yield
        finally:
            db.session.remove()
            nested.rollback()


@pytest.fixture(scope="module")
def gathered(forgetful_app: Flask, built_app: Flask) -> Iterator[House]:
    """Everybody and everything, in one transaction for all tests of a module, which is thrown away."""
    with pytest.MonkeyPatch.context() as patch, thrown_away(built_app), tenant.of(tenant.NOBODY):
        patch.setattr(passwords, "_hasher", QUICK_HASHER)
        _tell_nobody(patch)
        yield House(**vars(gather(built_app)))


@pytest.fixture
def house(gathered: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The same, as it was before the test; nobody is told of anything."""
    _tell_nobody(monkeypatch)
    with gathered.nothing_stays():
        yield gathered


def _tell_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(push, "_emit", lambda event, payload, room: None)
    patch.setattr(jobs, "enqueue", lambda name, *ids, job_id: True)
