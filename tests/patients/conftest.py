"""What the tests of patients share: Amina at the desk, her browser, and a quick way to register somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from flask import Flask, g
from flask.testing import FlaskClient

from clinic_web.identity import passwords
from clinic_web.kernel import push, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization import directory
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard, Registration
from tests.cast import Cast

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture(autouse=True)
def fresh_g(built_app: Flask) -> Iterator[None]:
    """A test holds one application context for all its requests; each begins with an empty `g`."""

    def forget() -> None:
        for name in list(g):
            g.pop(name)

    first = built_app.before_request_funcs.setdefault(None, [])
    first.insert(0, forget)
    yield
    first.remove(forget)


@pytest.fixture
def amina(cast: Cast) -> Actor:
    return cast.people["amina"].actor


@pytest.fixture
def omar(cast: Cast) -> Actor:
    return cast.people["omar"].actor


@pytest.fixture
def browser(as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    """Amina's."""
    return as_person("amina")


@pytest.fixture
def known_place(amina: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has looked up the facility and won't look again during the test."""
    monkeypatch.setattr(directory, "LOOK_AGAIN_AFTER", 3600.0)
    with transaction():
        push.changed(organization.topic(amina.organization_id))
    organization.directory(amina.organization_id)


Register = Callable[..., PatientCard]


@pytest.fixture
def register(amina: Actor) -> Register:
    """``register("Maryam Tahhan", phone="0100 555 0142")`` puts somebody on North Garden's books."""

    def put(name: str, *, by: Actor | None = None, gender: str = "FEMALE", **fields: object) -> PatientCard:
        who = by or amina
        with tenant.of(who.organization_id):
            return patients.register(who, Registration(name=name, gender=gender, **fields), key=str(uuid4()))

    return put
