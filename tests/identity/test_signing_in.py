"""Amina signs in; somebody else tries to."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from clinic_web.identity import api, passwords
from clinic_web.identity.forms import same_origin_path
from clinic_web.identity.service.signing_in import delay_after
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import Busy
from tests.cast import PASSWORD, Cast, assemble
from tests.threads import ThreadPoolExecutor

WRONG = "not-the-right-one"
REFUSAL = "The user name or the password is not right."


def sign_in(
    client: FlaskClient, username: str = "amina", password: str = PASSWORD, **more: str
) -> TestResponse:
    return client.post("/login", data={"username": username, "password": password, **more})


def test_the_page_asks_for_a_name_and_a_password(client: FlaskClient) -> None:
    page = client.get("/login")
    assert page.status_code == 200
    assert 'autocomplete="username"' in page.text and 'autocomplete="current-password"' in page.text


def test_the_right_password_opens_the_first_page_one_may_see(client: FlaskClient) -> None:
    answer = sign_in(client)
    assert answer.status_code == 303
    assert client.get("/account").status_code == 200


def test_a_name_may_be_typed_in_capitals_and_with_blanks(client: FlaskClient) -> None:
    assert sign_in(client, " AMINA ").status_code == 303


def test_a_wrong_password_is_refused_and_the_name_is_kept(client: FlaskClient) -> None:
    answer = sign_in(client, password=WRONG)
    assert answer.status_code == 422
    assert REFUSAL in answer.text and 'value="amina"' in answer.text and WRONG not in answer.text
    assert client.get("/account").status_code == 302


def test_an_empty_form_says_at_the_fields_what_is_missing(client: FlaskClient) -> None:
    answer = sign_in(client, "", "")
    assert answer.status_code == 422
    assert "Please type your user name." in answer.text and "Please type your password." in answer.text


def test_a_wrong_password_a_stranger_and_a_disabled_person_get_the_same_answer(
    client: FlaskClient, cast: Cast
) -> None:
    api.disable_user(cast.system, cast.people["farida"].user_id)
    answers = [
        sign_in(client, "amina", WRONG),
        sign_in(client, "nobody", WRONG),
        sign_in(client, "farida", PASSWORD),
    ]
    changing = r'nonce="[^"]+"|value="[^"]*"|data-now="[^"]+"|X-CSRFToken[^}]+'
    bodies = {re.sub(changing, "", answer.text) for answer in answers}
    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert len(bodies) == 1


def test_who_is_only_invited_has_no_password_that_fits(client: FlaskClient, cast: Cast) -> None:
    api.create_user(
        cast.system, username="new", password=None, first_name="N", last_name="W", roles=[], facility_id=None
    )
    assert sign_in(client, "new", "").status_code == 422
    assert sign_in(client, "new", WRONG).status_code == 422


def test_a_stranger_costs_the_same_statements_and_one_hashing(
    client: FlaskClient, count_queries: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    real = passwords._verify
    monkeypatch.setattr(passwords, "_verify", lambda kept, typed: hashed.append(kept) or real(kept, typed))
    with count_queries() as known:
        sign_in(client, "amina", WRONG)
    with count_queries() as unknown:
        sign_in(client, "nobody", WRONG)
    assert known == unknown
    assert len(hashed) == 2 and hashed[1] == passwords.NOBODYS


def test_what_a_stranger_typed_as_name_is_not_kept(client: FlaskClient) -> None:
    sign_in(client, "MyBankPassword99", WRONG)
    with tenant.of(tenant.NOBODY):
        kept = db.session.execute(text("SELECT email, reason FROM identity.login_attempts")).one()
    assert kept.email.startswith("sha256:") and kept.reason == "UNKNOWN"


@pytest.mark.parametrize("username", ["amina", "nobody"])
def test_from_the_fifth_failure_on_one_has_to_wait(
    client: FlaskClient, later: Callable[[timedelta], None], username: str
) -> None:
    codes = [sign_in(client, username, WRONG).status_code for _ in range(5)]
    assert codes == [422, 422, 422, 422, 429]
    answer = sign_in(client, username)
    assert answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 5
    assert re.search(r"Please try again in \d s\.", answer.text)
    later(timedelta(seconds=6))
    assert sign_in(client, username, WRONG).headers["Retry-After"] == "10"


def test_after_the_wait_the_right_password_opens_and_clears_the_count(
    client: FlaskClient, later: Callable[[timedelta], None]
) -> None:
    for _ in range(5):
        sign_in(client, password=WRONG)
    later(timedelta(seconds=6))
    assert sign_in(client).status_code == 303
    count = db.session.scalar(
        text("SELECT failed_login_attempts FROM identity.users WHERE username = 'amina'")
    )
    assert count == 0
    client.post("/logout")
    later(timedelta(seconds=1))
    assert sign_in(client, password=WRONG).status_code == 422


def test_waiting_grows_and_ends_at_a_quarter_of_an_hour() -> None:
    waits = [int(delay_after(failures).total_seconds()) for failures in (4, 5, 6, 7, 12, 13, 99)]
    assert waits == [0, 5, 10, 20, 640, 900, 900]


def test_one_persons_wait_is_nobody_elses(client: FlaskClient) -> None:
    for _ in range(6):
        sign_in(client, password=WRONG)
    assert sign_in(client, "farida").status_code == 303


def test_thirty_tries_at_once_are_five_looked_at(committing: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with committing.app_context():
        assemble()
    looked_at: list[str] = []
    monkeypatch.setattr(passwords, "_verify", lambda kept, typed: bool(looked_at.append(typed)))
    with ThreadPoolExecutor(10) as attackers:
        codes = list(
            attackers.map(lambda _: sign_in(committing.test_client(), password=WRONG).status_code, range(30))
        )
    assert len(looked_at) == 5
    assert sorted(set(codes)) == [422, 429]


def test_when_too_many_sign_in_at_once_the_try_does_not_count(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(kept: str | None, typed: str) -> bool:
        raise Busy

    monkeypatch.setattr(passwords, "matches", busy)
    assert sign_in(client).status_code == 503
    assert db.session.scalar(text("SELECT count(*) FROM identity.login_attempts")) == 0


def test_signing_in_leads_back_to_where_one_was(client: FlaskClient) -> None:
    assert client.get("/account").headers["Location"] == "/login?next=/account"
    assert 'name="next" value="/account"' in client.get("/login?next=/account").text
    assert sign_in(client, next="/account").headers["Location"] == "/account"


LEAVING = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "javascript:alert(1)",
    "evil.example",
    " //evil.example",
    "/login",
    "/logout",
    "/" + "a" * 3000,
]


@pytest.mark.parametrize("target", LEAVING)
def test_signing_in_never_leads_out_of_the_house(client: FlaskClient, target: str) -> None:
    location = sign_in(client, next=target).headers["Location"]
    assert (
        location.startswith("/")
        and not location.startswith(("//", "/login", "/logout"))
        and "evil" not in location
    )
    assert 'name="next"' not in client.get("/login", query_string={"next": target}).text


def test_a_path_with_a_question_is_a_path() -> None:
    assert same_origin_path("/desk?clinic=3&day=2026-11-21") == "/desk?clinic=3&day=2026-11-21"


def test_who_is_signed_in_is_led_on_from_the_sign_in_page(as_person: Callable[[str], FlaskClient]) -> None:
    answer = as_person("amina").get("/login?next=/account")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account")


def test_signing_in_takes_a_new_token_and_ends_the_old_session(client: FlaskClient) -> None:
    tokens = []
    for _ in range(2):
        sign_in(client)
        with client.session_transaction() as cookie:
            tokens.append(cookie["_user_id"])
    assert tokens[0] != tokens[1]
    assert api.actor_of_token(tokens[0]) is None and api.actor_of_token(tokens[1]) is not None


def test_a_token_planted_before_signing_in_is_not_kept(client: FlaskClient) -> None:
    with client.session_transaction() as cookie:
        cookie["_user_id"] = "planted"
        cookie["other"] = "planted"
    sign_in(client)
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != "planted" and "other" not in cookie


def test_the_database_keeps_only_a_hash_of_the_token(client: FlaskClient) -> None:
    sign_in(client)
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    kept = db.session.scalars(text("SELECT token_hash FROM identity.sessions")).all()
    assert all(len(each) == 32 and token.encode() not in bytes(each) for each in kept)


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_another_sites_form_signs_nobody_in_or_out(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    assert client.post(path, data={"username": "amina", "password": PASSWORD}).status_code == 400
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    cross_site = {"Sec-Fetch-Site": "cross-site"}
    assert (
        client.post(path, data={"username": "amina", "password": PASSWORD}, headers=cross_site).status_code
        == 403
    )


def test_an_old_hash_is_made_anew_when_its_password_is_used(
    client: FlaskClient, real_hashing: None, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    db.session.execute(
        text("UPDATE identity.users SET password_hash = :weak WHERE username = 'amina'"), {"weak": weak}
    )
    assert sign_in(client).status_code == 303
    now = db.session.scalar(text("SELECT password_hash FROM identity.users WHERE username = 'amina'"))
    assert "m=19456,t=2,p=1" in now and passwords.matches(now, PASSWORD)
