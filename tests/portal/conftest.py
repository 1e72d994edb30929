"""The portal's tests: a patient with a code, and telephones on which they sign in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.portal.models import SELF
from clinic_web.portal.service import inviting
from tests.cast import Cast
from tests.reception.conftest import at, at_ten, desk, keep_in_process, quick_hashing, real_desk  # noqa: F401

BORN = date(1992, 3, 12)
PASSWORD = "nine-grey-pelicans"


@dataclass
class Phone:
    """A telephone with a browser, and what people do with it."""

    client: FlaskClient

    def prove(self, code: str, born: date = BORN) -> TestResponse:
        typed = {"code": code, "day": born.day, "month": born.month, "year": born.year}
        return self.client.post("/portal/join", data=typed)

    def open_account(self, username: str = "maryam@example.org", **more: str) -> TestResponse:
        typed = {"username": username, "password": PASSWORD, "again": PASSWORD} | more
        return self.client.post("/portal/join/account", data=typed)

    def join(self, code: str, username: str = "maryam@example.org", born: date = BORN, **more: str) -> None:
        assert self.prove(code, born).headers["Location"] == "/portal/join/account"
        assert self.open_account(username, **more).headers["Location"] == "/portal"

    def sign_in(self, username: str = "maryam@example.org", password: str = PASSWORD) -> TestResponse:
        return self.client.post("/portal/login", data={"username": username, "password": password})

    def is_in(self) -> bool:
        return self.client.get("/portal").status_code == 200


@pytest.fixture
def phone(app: Flask) -> Callable[[], Phone]:
    return lambda: Phone(app.test_client())


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    def move(by: timedelta) -> None:
        clock.shift(clock.offset() + by)

    yield move
    clock.shift(timedelta(0))


def invite(actor: Actor, patient_id: UUID, relation: str = SELF) -> str:
    made = inviting.invite(actor, patient_id, relation, by_mail=False, key=str(uuid4()))
    assert made.code is not None
    return made.code


@pytest.fixture
def amina(cast: Cast) -> Actor:
    return cast.people["amina"].actor


def code_on(page: str) -> str:
    [code] = set(re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", page))
    return code
