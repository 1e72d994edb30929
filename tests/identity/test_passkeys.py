"""A passkey opens for its owner, here and once; what a browser really does is in tests/browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from clinic_web.identity import api
from clinic_web.identity.service import factors
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from tests.cast import PASSWORD, Cast
from tests.identity.soft_key import SoftKey
from tests.identity.test_second_factor import code_of, give_app

Browser = Callable[[str], FlaskClient]


def ask(client: FlaskClient, path: str) -> dict[str, Any]:
    answer = client.post(path, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = json.loads(answer.text)
    return options


def register(client: FlaskClient, key: SoftKey) -> TestResponse:
    answer = key.made(ask(client, "/account/passkeys/options"))
    return client.post("/account/passkeys", data={"credential": answer, "name": "Till"})


def enter(client: FlaskClient, key: SoftKey) -> TestResponse:
    return client.post("/login/passkey", data={"credential": key.used(ask(client, "/login/passkey/options"))})


def is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


@pytest.fixture
def key(as_person: Browser) -> SoftKey:
    """Amina's passkey."""
    key = SoftKey()
    assert register(as_person("amina"), key).status_code == 200
    return key


def test_a_passkey_alone_signs_its_owner_in(app: Flask, key: SoftKey) -> None:
    client = app.test_client()
    options = ask(client, "/login/passkey/options")
    assert options["userVerification"] == "required" and options["rpId"] == "localhost"
    assert not options.get("allowCredentials")  # nobody is told whose passkeys there are
    assert enter(client, key).status_code == 303
    assert "Amina" in client.get("/account").text
    seen = db.session.execute(text("SELECT success FROM identity.login_attempts WHERE email = 'amina'")).all()
    assert [row.success for row in seen] == [True]


LIES: list[Callable[[SoftKey], object]] = [
    lambda key: setattr(key, "origin", "http://localhost.evil.example"),
    lambda key: setattr(key, "origin", "https://localhost"),
    lambda key: setattr(key, "rp_id", "evil.example"),
    lambda key: setattr(key, "is_unlocked", False),
    lambda key: setattr(key, "count", -1),
    lambda key: setattr(key, "id", b"nobody's"),
    lambda key: setattr(key, "key", SoftKey().key),
    lambda key: setattr(key, "handle", b"somebody else's"),
]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_a_lie_opens_nothing(app: Flask, key: SoftKey, lie: Callable[[SoftKey], object]) -> None:
    """Another site, a locked device, a copy whose counter stands still, a stranger's key or name."""
    client = app.test_client()
    assert enter(client, key).status_code == 303
    client.post("/logout")
    lie(key)
    answer = enter(client, key)
    assert answer.status_code == 422 and "opens nothing here" in answer.text and not is_in(client)
    with tenant.of(tenant.NOBODY):
        assert db.session.scalar(
            text("SELECT count(*) FROM identity.login_attempts WHERE reason = 'WRONG_PASSKEY'")
        )


def test_a_challenge_serves_once_in_its_own_browser_for_its_purpose(
    app: Flask, key: SoftKey, later: Any
) -> None:
    client, other = app.test_client(), app.test_client()
    answer = key.used(ask(client, "/login/passkey/options"))
    assert other.post("/login/passkey", data={"credential": answer}).status_code == 409
    assert client.post("/login/passkey", data={"credential": answer}).status_code == 303
    client.post("/logout")
    assert client.post("/login/passkey", data={"credential": answer}).status_code == 409
    ask(client, "/login/passkey/options")
    assert client.post("/login/passkey", data={"credential": answer}).status_code == 422
    answer = key.used(ask(client, "/login/passkey/options"))
    later(timedelta(minutes=11))
    assert client.post("/login/passkey", data={"credential": answer}).status_code == 409


def test_garbage_is_refused(client: FlaskClient) -> None:
    for garbage in (
        "",
        "{}",
        "[]",
        "null",
        "x" * 30_000,
        '{"id": 3}',
        '{"id":"a","rawId":"!","response":{}}',
    ):
        ask(client, "/login/passkey/options")
        assert client.post("/login/passkey", data={"credential": garbage}).status_code == 422


def test_the_second_step_takes_a_passkey_of_the_one_who_showed_the_password(
    app: Flask, cast: Cast, key: SoftKey, as_person: Browser
) -> None:
    give_app(cast.people["farida"].actor)
    for name, status in (("farida", 422), ("amina", 303)):
        client = app.test_client()
        assert client.post("/login/second/passkey/options").status_code == 409
        entry = client.post("/login", data={"username": name, "password": PASSWORD})
        assert entry.headers["Location"] == "/login/second"
        answer = key.used(ask(client, "/login/second/passkey/options"))
        assert client.post("/login/second/passkey", data={"credential": answer}).status_code == status
        assert is_in(client) == (status == 303)


def test_a_disabled_persons_passkey_opens_nothing(app: Flask, cast: Cast, key: SoftKey) -> None:
    api.disable_user(cast.system, cast.people["amina"].user_id)
    assert enter(app.test_client(), key).status_code == 422


def test_a_passkey_proves_that_it_is_still_oneself(app: Flask, key: SoftKey, later: Any) -> None:
    client = app.test_client()
    enter(client, key)
    later(timedelta(minutes=31))
    page = client.post("/account/codes", headers={"HX-Request": "true"})
    assert page.status_code == 403 and 'data-passkey="get"' in page.text
    answer = key.used(ask(client, "/account/prove/passkey/options"))
    assert client.post("/account/prove/passkey", data={"credential": answer}).status_code == 303
    assert client.post("/account/codes").status_code == 200


def test_nobody_elses_passkey_proves_anything_and_none_is_registered_twice(
    app: Flask, key: SoftKey, as_person: Browser
) -> None:
    farida = as_person("farida")
    answer = key.used(ask(farida, "/account/prove/passkey/options"))
    assert farida.post("/account/prove/passkey", data={"credential": answer}).status_code == 422
    assert register(farida, key).status_code == 422


def test_a_removed_passkey_opens_nothing_and_the_last_one_takes_the_codes_along(
    app: Flask, key: SoftKey
) -> None:
    client = app.test_client()
    enter(client, key)
    factor_id = db.session.scalar(text("SELECT id FROM identity.factors"))
    assert client.post(f"/account/factors/{factor_id}/remove").status_code == 303
    assert client.post(f"/account/factors/{factor_id}/remove").status_code == 404
    assert enter(app.test_client(), key).status_code == 422
    assert db.session.scalar(text("SELECT count(*) FROM identity.recovery_codes")) == 0


def test_a_person_with_an_app_may_also_take_a_passkey(
    app: Flask, cast: Cast, key: SoftKey, later: Any
) -> None:
    before = db.session.scalar(text("SELECT count(*) FROM identity.recovery_codes"))
    amina = cast.people["amina"].actor
    factors.begin_app(amina)
    setup = factors.begun(amina)
    assert setup and factors.confirm_app(amina, code_of(setup.seed)) is None  # the codes stay the same
    assert db.session.scalar(text("SELECT count(*) FROM identity.recovery_codes")) == before == 10
    client = app.test_client()
    client.post("/login", data={"username": "amina", "password": PASSWORD})
    page = client.get("/login/second").text
    assert 'data-passkey="get"' in page and "authenticator app" in page
