"""Amina signs in with her password and her telephone; somebody else has only the password."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from clinic_web.config import Settings
from clinic_web.identity.proofs import Factor
from clinic_web.identity.service import codes, factors
from clinic_web.kernel import clock, secret_store
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.secret_store import SecretLost
from tests.cast import PASSWORD, Cast, assemble
from tests.threads import ThreadPoolExecutor

Browser = Callable[[str], FlaskClient]
Later = Callable[[timedelta], None]
HALF_A_MINUTE = timedelta(seconds=30)


def sign_in(client: FlaskClient, password: str = PASSWORD) -> TestResponse:
    return client.post("/login", data={"username": "amina", "password": password})


def second(client: FlaskClient, code: str) -> TestResponse:
    return client.post("/login/second", data={"code": code})


def is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def code_of(seed: str) -> str:
    return pyotp.TOTP(seed).at(clock.now())


def wrong(seed: str) -> str:
    near = {pyotp.TOTP(seed).at(clock.now() + HALF_A_MINUTE * n) for n in range(-2, 3)}
    return next(
        code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in near
    )


def give_app(actor: Actor) -> tuple[str, list[str]]:
    """Set an app up for somebody; return its seed and the recovery codes."""
    factors.begin_app(actor)
    setup = factors.begun(actor)
    assert setup is not None
    fresh = factors.confirm_app(actor, code_of(setup.seed))
    assert fresh is not None
    return setup.seed, fresh


@pytest.fixture
def app_of_amina(cast: Cast, later: Later) -> tuple[str, list[str]]:
    """Her app's seed and her ten codes, half a minute later: the code of the set-up was used."""
    given = give_app(cast.people["amina"].actor)
    later(HALF_A_MINUTE * 3)
    return given


def test_an_app_is_set_up_with_a_picture_and_its_first_code(as_person: Browser) -> None:
    amina = as_person("amina")
    assert amina.post("/account/app/begin").headers["Location"] == "/account/app"
    page = amina.get("/account/app").text
    [seed] = re.findall(r'<output class="seed[^>]*>([A-Z2-7 ]+)<', page)
    seed = seed.replace(" ", "")
    assert "<svg" in page and "style=" not in page and len(seed) == 32
    refused = amina.post("/account/app", data={"code": wrong(seed)})
    assert refused.status_code == 422 and "This code is not right" in refused.text and "<svg" in refused.text
    done = amina.post("/account/app", data={"code": f" {code_of(seed)[:3]} {code_of(seed)[3:]} "})
    codes = re.findall(r"<li>([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})</li>", done.text)
    assert done.status_code == 200 and len(set(codes)) == 10
    kept = db.session.execute(text("SELECT row_to_json(f)::text FROM identity.factors f")).scalar_one()
    assert seed not in kept and seed.encode().hex() not in kept
    account = amina.get("/account").text
    assert "10 are left" in account and codes[0] not in account
    assert amina.get("/account/app").status_code == 303  # shown no more


def test_a_code_of_arabic_digits_is_the_same_code(
    as_person: Browser, app_of_amina: tuple[str, list[str]], app: Flask
) -> None:
    client = app.test_client()
    sign_in(client)
    assert (
        second(
            client, code_of(app_of_amina[0]).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
        ).status_code
        == 303
    )
    assert is_in(client)


def test_the_password_alone_opens_nothing(client: FlaskClient, app_of_amina: tuple[str, list[str]]) -> None:
    assert sign_in(client).headers["Location"] == "/login/second"
    assert client.get("/desk").status_code == 302 and not is_in(client)
    assert client.get("/desk", headers={"HX-Request": "true"}).status_code == 401
    assert client.post("/account/prove", data={"code": code_of(app_of_amina[0])}).status_code in (302, 401)
    assert 'autocomplete="one-time-code"' in client.get("/login/second").text
    assert second(client, wrong(app_of_amina[0])).status_code == 422 and not is_in(client)
    assert second(client, code_of(app_of_amina[0])).status_code == 303 and is_in(client)
    assert db.session.scalar(text("SELECT count(*) FROM identity.sessions WHERE mfa_at IS NOT NULL")) == 1
    assert client.get("/login/second").status_code == 303  # it served once


def test_a_code_is_taken_once_and_never_an_older_one(app: Flask, app_of_amina: tuple[str, list[str]]) -> None:
    seed, _ = app_of_amina
    code, older = code_of(seed), pyotp.TOTP(seed).at(clock.now() - HALF_A_MINUTE)
    clients = [app.test_client() for _ in range(3)]
    for client in clients:
        sign_in(client)
    codes = [
        second(client, each).status_code for client, each in zip(clients, (code, code, older), strict=True)
    ]
    assert codes == [303, 422, 422]


def test_of_ten_with_one_code_at_once_one_gets_in(committing: Flask) -> None:
    with committing.app_context():
        seed, _ = give_app(assemble().people["amina"].actor)
    clock.shift(HALF_A_MINUTE * 3)
    try:
        clients = [committing.test_client() for _ in range(4)]
        for client in clients:
            sign_in(client)
        with ThreadPoolExecutor(4) as attackers:
            answers = list(attackers.map(lambda client: second(client, code_of(seed)).status_code, clients))
    finally:
        clock.shift(timedelta(0))
    assert answers.count(303) == 1 and set(answers) <= {303, 422, 429}


def test_wrong_codes_are_tries_with_the_same_growing_delay(
    client: FlaskClient, app_of_amina: tuple[str, list[str]], later: Later
) -> None:
    """Knowing the password does not help to guess on: its success is not the row of failures' end."""
    seed, _ = app_of_amina
    for _ in range(4):
        sign_in(client)
        assert second(client, wrong(seed)).status_code == 422
    assert second(client, wrong(seed)).status_code == 429
    assert second(client, code_of(seed)).status_code == 429
    assert sign_in(client).status_code == 429
    later(timedelta(seconds=6))
    assert sign_in(client).status_code == 303 and second(client, code_of(seed)).status_code == 303


def test_the_second_step_waits_ten_minutes(
    client: FlaskClient, app_of_amina: tuple[str, list[str]], later: Later
) -> None:
    sign_in(client)
    later(timedelta(minutes=11))
    late = second(client, code_of(app_of_amina[0]))
    assert late.status_code == 409 and "Please begin again" in late.text and not is_in(client)


def test_another_password_ends_a_second_step_that_was_begun(
    client: FlaskClient, cast: Cast, app_of_amina: tuple[str, list[str]]
) -> None:
    from clinic_web.identity import api

    sign_in(client)
    amina = cast.people["amina"]
    api.set_password(amina.actor, amina.user_id, "nine-grey-pelicans")
    assert second(client, code_of(app_of_amina[0])).status_code == 409


def test_a_recovery_code_opens_once(app: Flask, app_of_amina: tuple[str, list[str]]) -> None:
    _, codes = app_of_amina
    kept = db.session.execute(
        text("SELECT string_agg(row_to_json(c)::text, '') FROM identity.recovery_codes c")
    ).scalar_one()
    assert codes[0] not in kept and codes[0].replace("-", "").lower().encode().hex() not in kept
    answers = []
    for typed in (codes[0].lower().replace("-", " "), codes[0], codes[1]):
        client = app.test_client()
        sign_in(client)
        answers.append(second(client, typed).status_code)
    assert answers == [303, 422, 303]


def test_new_codes_take_the_place_of_the_old_ones(
    as_person: Browser, app_of_amina: tuple[str, list[str]], app: Flask
) -> None:
    amina = app.test_client()
    sign_in(amina)
    second(amina, code_of(app_of_amina[0]))
    fresh = re.findall(r"<li>([0-9A-Z-]{14})</li>", amina.post("/account/codes").text)
    other = app.test_client()
    sign_in(other)
    assert second(other, app_of_amina[1][3]).status_code == 422
    assert second(other, fresh[0]).status_code == 303


def test_a_seed_is_opened_by_old_keys_and_sealed_again_with_the_new_one(
    cast: Cast, app: Flask, settings: Settings, client: FlaskClient, later: Later
) -> None:
    from dataclasses import replace

    seed, _ = give_app(cast.people["amina"].actor)
    later(HALF_A_MINUTE * 3)
    secret_store.configure(
        replace(settings, secret_store_key="n" * 40, secret_store_old_keys=(settings.secret_store_key,))
    )
    try:
        factors.seal_again()
        secret_store.configure(replace(settings, secret_store_key="n" * 40))
        sign_in(client)
        assert second(client, code_of(seed)).status_code == 303
        secret_store.configure(settings)
        with pytest.raises(SecretLost):
            factors.seal_again()
    finally:
        secret_store.configure(settings)


def test_a_seed_moved_to_somebody_elses_row_opens_nothing(cast: Cast, app: Flask) -> None:
    give_app(cast.people["amina"].actor)
    give_app(cast.people["farida"].actor)
    db.session.execute(
        text(
            "UPDATE identity.factors f SET secret = o.secret FROM identity.factors o"
            " WHERE f.user_id = :victim AND o.user_id = :thief"
        ),
        {"victim": cast.people["amina"].user_id, "thief": cast.people["farida"].user_id},
    )
    db.session.expire_all()
    moved = select(Factor).where(Factor.user_id == cast.people["amina"].user_id)
    with pytest.raises(SecretLost):
        codes.seed_of(db.session.scalars(moved).one())
