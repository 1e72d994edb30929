"""Huda looks who tried to sign in, lets a colleague in who has to wait, and ends a forgotten session."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from tests.cast import PASSWORD, Cast, Person, sign_in

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


def enter(client: FlaskClient, name: str, password: str = PASSWORD) -> int:
    return client.post("/login", data={"username": name, "password": password}).status_code


@pytest.fixture
def huda(app: Flask, boss: Actor) -> FlaskClient:
    client = app.test_client()
    assert boss.user_id
    sign_in(client, Person(boss.user_id, "huda", boss))
    return client


def test_tries_are_listed_of_ones_own_people_only(app: Flask, huda: FlaskClient, cast: Cast) -> None:
    for name in ("amina", "omar", "nobody"):
        enter(app.test_client(), name, "wrong")
    enter(app.test_client(), "farida")
    page = huda.get("/admin/sign-ins").text
    assert "Amina" in page and "wrong password" in page and "Farida" in page and "signed in" in page
    assert "Omar" not in page and "sha256" not in page and "nobody" not in page
    failed = huda.get("/admin/sign-ins?show=failed", headers=HTMX).text
    assert "Amina" in failed and "Farida" not in failed
    of_amina = huda.get(f"/admin/sign-ins/{cast.people['amina'].user_id}").text
    assert "wrong password" in of_amina and "Farida" not in of_amina
    assert huda.get(f"/admin/sign-ins/{cast.people['omar'].user_id}").status_code == 404
    assert huda.get("/admin/sign-ins?before=nonsense").status_code == 200


def test_the_list_costs_the_same_however_long_it_is(
    app: Flask, huda: FlaskClient, count_queries: Callable
) -> None:
    enter(app.test_client(), "amina", "wrong")
    huda.get("/admin/sign-ins", headers=HTMX)
    for name in ("farida", "salma", "karim", "mona"):
        enter(app.test_client(), name, "wrong")
    with count_queries() as many:
        huda.get("/admin/sign-ins", headers=HTMX)
    assert len([each for each in many if "identity." in each]) <= 3  # session, tries, who has to wait


def test_who_has_to_wait_is_let_in(app: Flask, client: FlaskClient, huda: FlaskClient, cast: Cast) -> None:
    for _ in range(6):
        enter(client, "amina", "wrong")
    assert enter(client, "amina") == 429
    amina = cast.people["amina"].user_id
    page = huda.get("/admin/sign-ins").text
    assert "Has to wait now" in page and "Let in now" in page
    done = huda.post(f"/admin/sign-ins/{amina}/let-in", headers=HTMX)
    assert "May try again now: Amina" in done.text and "Has to wait now" not in done.text
    assert enter(client, "amina") == 303
    noted = text("SELECT count(*) FROM audit.changes WHERE action = 'user.let_in_now'")
    assert db.session.scalar(noted) == 1


def test_an_administrator_ends_a_session_and_all_of_them(
    huda: FlaskClient, as_person: Browser, cast: Cast
) -> None:
    amina, there = as_person("amina"), as_person("amina")
    user_id = cast.people["amina"].user_id
    session_id = db.session.scalar(
        text(
            "SELECT id FROM identity.sessions WHERE user_id = :id ORDER BY created_at DESC, id DESC LIMIT 1"
        ),
        {"id": user_id},
    )
    assert str(session_id) in huda.get(f"/admin/sign-ins/{user_id}").text
    assert huda.post(f"/admin/sign-ins/{user_id}/sessions/{session_id}/end", headers=HTMX).status_code == 200
    assert sorted([amina.get("/account").status_code, there.get("/account").status_code]) == [200, 302]
    huda.post(f"/admin/sign-ins/{user_id}/sessions/end")
    assert {amina.get("/account").status_code, there.get("/account").status_code} == {302}
    assert huda.get("/account").status_code == 200


def test_who_does_not_manage_people_sees_and_ends_nothing(
    as_person: Browser, huda: FlaskClient, cast: Cast
) -> None:
    amina, user_id = as_person("amina"), cast.people["farida"].user_id
    assert amina.get("/admin/sign-ins").status_code == 403
    assert amina.post(f"/admin/sign-ins/{user_id}/let-in").status_code == 403
    assert amina.post(f"/admin/sign-ins/{user_id}/sessions/end").status_code == 403
    omar = cast.people["omar"].user_id
    assert huda.post(f"/admin/sign-ins/{omar}/let-in").status_code == 404
    assert huda.post(f"/admin/sign-ins/{omar}/sessions/end").status_code == 404
