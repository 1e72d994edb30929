"""Programs of other houses, with tokens that an administrator of North Garden has made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from clinic_web.identity import api as identity
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from tests import factories
from tests.cast import Cast

EVERYTHING = frozenset(name for name in identity.PERMISSIONS if identity.may_be_named(name))
CAIRO = ZoneInfo("Africa/Cairo")


def administrator(cast: Cast) -> Actor:
    """Huda administers, and receives, too: she hands out nothing that she does not have."""
    user_id = identity.create_user(
        system_actor(cast.organization_id, facility_id=cast.facility_id),
        username="huda",
        password="seven-quiet-herons",
        first_name="Huda",
        last_name="Sabry",
        roles=["administrator", "receptionist"],
        facility_id=cast.facility_id,
    )
    signed_in = identity.actor_of_token(identity.open_session(user_id))
    assert signed_in is not None
    return signed_in.actor


def token_of(boss: Actor, *scopes: str, **more: Any) -> str:
    """Return a new token with these scopes, or all that its maker can give."""
    wanted = {"name": "Booking site", "days": 30} | more
    token = identity.issue_token(
        boss,
        identity.NewToken(permissions=frozenset(scopes or EVERYTHING & boss.permissions), **wanted),
        key=str(uuid4()),
    )
    assert token is not None
    return token


class Program:
    """Another program: it knows its token and nothing else."""

    def __init__(self, app: Flask, token: str) -> None:
        self.app, self.token = app, token

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        client = self.app.test_client(use_cookies=False)
        return client.open(f"/api/v1{path}", method=method, data=data, headers=sent)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def make(self, path: str, body: Any, key: str | None = None) -> TestResponse:
        return self.ask("POST", path, body, Idempotency_Key=key or str(uuid4()))

    def change(self, path: str, body: Any, etag: str, method: str = "POST") -> TestResponse:
        return self.ask(method, path, body, If_Match=etag)


Programs = Callable[..., Program]


@pytest.fixture
def boss(cast: Cast) -> Actor:
    with transaction():  # from its first change on a house is kept in the process, as every real one is
        push.changed(organization.topic(cast.organization_id))
    return administrator(cast)


@pytest.fixture
def program(app: Flask, boss: Actor) -> Programs:
    def made(*scopes: str, **more: Any) -> Program:
        return Program(app, token_of(boss, *scopes, **more))

    return made


@pytest.fixture
def site(program: Programs) -> Program:
    """A program with every right that a program can have."""
    return program()


@pytest.fixture
def maryam(cast: Cast) -> UUID:
    found = factories.patient(organization_id=cast.organization_id)
    db.session.commit()
    return found


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    yield lambda by: clock.shift(clock.offset() + by)
    clock.shift(timedelta())


def tomorrow(hour: int, minute: int = 0) -> str:
    day = clock.local(clock.now(), "Africa/Cairo").date() + timedelta(days=1)
    return datetime.combine(day, time(hour, minute), CAIRO).isoformat()


def appointment(cast: Cast, patient_id: UUID, start: str | None = None, **more: Any) -> dict[str, Any]:
    asked = {
        "patient_id": str(patient_id),
        "service_id": str(cast.cleaning),
        "doctor_id": str(cast.salma),
        "start_time": start or tomorrow(10),
    }
    return asked | more


def problem(answer: TestResponse, status: int, kind: str) -> dict[str, Any]:
    """Return the problem that an answer tells, if it is that one."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    told: dict[str, Any] = answer.json
    assert told["type"].endswith(f"#{kind}") and told["status"] == status and told["title"] and told["detail"]
    return told
