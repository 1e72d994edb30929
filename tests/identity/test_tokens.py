"""Another program reads with a token: what its rights allow, until it expires, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from tests.cast import Person, sign_in

FORM = {"name": "Warehouse", "permissions": ["payment.view"], "days": "30", "idempotency_key": "t1"}


@pytest.fixture
def huda(app: Flask, boss: Actor) -> FlaskClient:
    client = app.test_client()
    assert boss.user_id
    sign_in(client, Person(boss.user_id, "huda", boss))
    return client


def issued(huda: FlaskClient) -> str:
    page = huda.post("/admin/tokens", data=FORM)
    assert page.status_code == 200
    [token] = re.findall(r"<output[^>]*data-once>([\w-]{43})<", page.text)
    return str(token)


def read(app: Flask, token: str, path: str = "/payments?when=any", method: str = "GET") -> TestResponse:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return app.test_client().open(path, method=method, headers=headers)


def test_a_program_reads_what_its_rights_allow_and_nothing_else(app: Flask, huda: FlaskClient) -> None:
    token = issued(huda)
    assert read(app, token).status_code == 200
    assert read(app, token, "/desk").status_code == 403
    assert read(app, token, "/account").status_code == 403
    assert read(app, token, "/admin/users").status_code == 403
    assert read(app, token, "/account/settings", "POST").status_code == 401
    assert read(app, "made-up").status_code == 401 and read(app, "").status_code == 401
    kept = db.session.execute(text("SELECT row_to_json(t)::text FROM identity.api_tokens t")).scalar_one()
    assert token not in kept and '"last_used_at":null' not in kept
    assert token not in huda.get("/admin/tokens").text
    again = huda.post("/admin/tokens", data=FORM)
    assert (
        "sent before" in again.text
        and db.session.scalar(text("SELECT count(*) FROM identity.api_tokens")) == 1
    )
    seen = text("SELECT user_id = (SELECT id FROM identity.api_tokens) FROM audit.access_logs LIMIT 1")
    assert db.session.scalar(seen) in (True, None)


def test_a_token_ends_by_its_time_and_by_hand(
    app: Flask, huda: FlaskClient, later: Callable[[timedelta], None]
) -> None:
    token = issued(huda)
    token_id = db.session.scalar(text("SELECT id FROM identity.api_tokens"))
    done = huda.post(f"/admin/tokens/{token_id}/revoke", headers={"HX-Request": "true"})
    assert "opens nothing any more" in done.text and read(app, token).status_code == 401
    assert huda.post(f"/admin/tokens/{token_id}/revoke").status_code == 404
    FORM["idempotency_key"] = "t2"
    other = issued(huda)
    FORM["idempotency_key"] = "t1"
    assert read(app, other).status_code == 200
    later(timedelta(days=31))
    assert read(app, other).status_code == 401


def test_nobody_hands_out_what_they_do_not_have_and_mistakes_are_named(
    app: Flask, huda: FlaskClient, as_person: Callable[[str], FlaskClient]
) -> None:
    assert huda.post("/admin/tokens", data=FORM | {"permissions": ["operations.view"]}).status_code == 403
    assert huda.post("/admin/tokens", data=FORM | {"permissions": ["user.manage"]}).status_code == 422
    for wrong in (
        {"name": ""},
        {"permissions": []},
        {"days": "0"},
        {"days": "366"},
        {"days": "x"},
        {"days": "-1"},
        {"requests_per_minute": "0"},
        {"requests_per_minute": "many"},
        {"facility_id": str(uuid4())},
    ):
        assert huda.post("/admin/tokens", data=FORM | wrong).status_code == 422
    assert huda.post("/admin/tokens", data=FORM | {"idempotency_key": ""}).status_code == 400
    token_id = (issued(huda), db.session.scalar(text("SELECT id FROM identity.api_tokens")))[1]
    amina = as_person("amina")
    assert amina.get("/admin/tokens").status_code == 403
    assert amina.post(f"/admin/tokens/{token_id}/revoke").status_code == 403
