"""Weighty acts ask once more who one is, and nothing that was typed is lost by it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from clinic_web.identity import api
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from tests.cast import PASSWORD, Cast, Person, sign_in
from tests.identity.test_second_factor import code_of, give_app, wrong

Later = Callable[[timedelta], None]
HTMX = {"HX-Request": "true"}
ROLE = {"name": "Trainee", "permissions": "patient.search", "idempotency_key": "k1"}


@pytest.fixture
def huda(app: Flask, boss: Actor, later: Later) -> FlaskClient:
    """An administrator at work for an hour."""
    client = app.test_client()
    assert boss.user_id
    sign_in(client, Person(boss.user_id, "huda", boss))
    later(timedelta(minutes=31))
    return client


def roles() -> int:
    return db.session.scalar(text("SELECT count(*) FROM identity.roles WHERE name = 'Trainee'")) or 0


def token_of(client: FlaskClient) -> str:
    with client.session_transaction() as cookie:
        return str(cookie["_user_id"])


def test_a_weighty_act_is_asked_about_beside_the_form_and_then_done(huda: FlaskClient) -> None:
    asked = huda.post("/admin/roles", data=ROLE, headers=HTMX)
    assert asked.status_code == 403 and 'data-error="403"' in asked.text and "Is it still you?" in asked.text
    assert roles() == 0
    before = token_of(huda)
    proved = huda.post("/account/prove", data={"password": "seven-quiet-herons"}, headers=HTMX)
    assert proved.status_code == 200 and "press its button again" in proved.text
    assert huda.post("/admin/roles", data=ROLE, headers=HTMX).status_code == 200 and roles() == 1
    assert token_of(huda) != before and api.actor_of_token(before) is None


def test_without_javascript_the_question_carries_the_form_along(huda: FlaskClient) -> None:
    typed = ROLE | {
        "description": 'with "quotes" & <angles>',
        "permissions": ["patient.search", "patient.view"],
    }
    page = huda.post("/admin/roles", data=typed | {"csrf_token": "secret"})
    assert page.status_code == 403
    carried = html.unescape(re.findall(r'name="again" value="([^"]*)"', page.text)[0])
    assert json.loads(carried)["permissions"] == typed["permissions"] and "secret" not in carried
    fields = {"again": carried, "again_url": "/admin/roles", "password": "seven-quiet-herons"}
    wrong_one = huda.post("/account/prove", data=fields | {"password": "no"})
    assert wrong_one.status_code == 422 and carried in html.unescape(wrong_one.text)
    on = huda.post("/account/prove", data=fields)
    assert on.status_code == 200 and 'action="/admin/roles"' in on.text
    again: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', on.text):
        again.setdefault(name, []).append(html.unescape(value))
    assert again["description"] == [typed["description"]]
    assert huda.post("/admin/roles", data=again).status_code == 303 and roles() == 1


def test_a_question_never_sends_a_form_out_of_the_house(huda: FlaskClient) -> None:
    fields = {"again": '{"a": ["1"]}', "again_url": "//evil.example/", "password": "seven-quiet-herons"}
    answer = huda.post("/account/prove", data=fields)
    assert "evil" not in answer.text and "evil" not in answer.headers.get("Location", "")


def test_who_has_a_second_factor_proves_it_by_that_and_not_by_the_password(
    huda: FlaskClient, boss: Actor, later: Later
) -> None:
    seed, _ = give_app(boss)
    later(timedelta(minutes=2))
    page = huda.post("/admin/roles", data=ROLE, headers=HTMX)
    assert 'name="code"' in page.text and 'name="password"' not in page.text
    assert huda.post("/account/prove", data={"password": "seven-quiet-herons"}).status_code == 422
    assert huda.post("/account/prove", data={"code": wrong(seed)}).status_code == 422
    assert huda.post("/account/prove", data={"code": code_of(seed)}).status_code == 303
    assert huda.post("/admin/roles", data=ROLE).status_code == 303
    later(timedelta(minutes=31))
    assert huda.post("/account/codes").status_code == 403


def test_a_stolen_session_can_neither_guess_nor_change_factors(huda: FlaskClient) -> None:
    codes = [huda.post("/account/prove", data={"password": "guess"}).status_code for _ in range(5)]
    assert codes == [422, 422, 422, 422, 429]
    assert huda.post("/account/app/begin").status_code == 403


def test_ending_sessions_wants_a_fresh_proof(huda: FlaskClient, boss: Actor) -> None:
    assert boss.user_id
    other = api.actor_of_token(api.open_session(boss.user_id))
    assert other is not None
    for path in ("/account/sessions/end", f"/account/sessions/{other.session_id}/end"):
        assert huda.post(path, headers=HTMX).status_code == 403
    assert api.actor_of_token(other.token) is not None
    huda.post("/account/prove", data={"password": "seven-quiet-herons"}, headers=HTMX)
    assert huda.post("/account/sessions/end", headers=HTMX).status_code == 200
    assert api.actor_of_token(other.token) is None


def test_ordinary_work_is_not_asked_and_pays_nothing(huda: FlaskClient, count_queries: Callable) -> None:
    with count_queries() as asked:
        assert huda.get("/admin/roles").status_code == 200
    assert not [each for each in asked if "proved_at" in each]


def test_a_role_that_needs_a_second_factor_narrows_its_people_until_they_have_one(
    app: Flask, boss: Actor, cast: Cast, as_person: Callable[[str], FlaskClient]
) -> None:
    manager = app.test_client()
    assert boss.user_id
    sign_in(manager, Person(boss.user_id, "huda", boss))
    amina, farida, omar = as_person("amina"), as_person("farida"), as_person("omar")
    role_id = db.session.scalar(text("SELECT id FROM identity.roles WHERE name = 'receptionist'"))
    done = manager.post(f"/admin/roles/{role_id}/second-factor", data={"required": "1"}, headers=HTMX)
    assert "Needs a second factor from now on" in done.text and 'aria-pressed="true"' in done.text
    assert amina.get("/desk").status_code == 403
    assert "Your role needs a second factor" in amina.get("/account").text
    assert farida.get("/payments").status_code == 200 and omar.get("/desk").status_code == 200
    client = app.test_client()
    entered = client.post("/login", data={"username": "amina", "password": PASSWORD})
    assert entered.headers["Location"] == "/account" and client.get("/desk").status_code == 403
    give_app(cast.people["amina"].actor)
    assert amina.get("/desk").status_code == 200
    app_id = db.session.scalar(text("SELECT id FROM identity.factors"))
    refused = amina.post(f"/account/factors/{app_id}/remove")
    assert refused.status_code == 403  # this session never showed the factor
    manager.post(f"/admin/roles/{role_id}/second-factor", data={"required": ""})
    assert api.actor_of_token(token_of(amina)).lacks_factor is False


def test_only_who_manages_people_says_what_a_role_needs(as_person: Callable[[str], FlaskClient]) -> None:
    role_id = db.session.scalar(text("SELECT id FROM identity.roles WHERE name = 'receptionist'"))
    assert (
        as_person("amina").post(f"/admin/roles/{role_id}/second-factor", data={"required": "1"}).status_code
        == 403
    )
