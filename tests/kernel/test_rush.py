"""More people than connections: they wait their turn, and who waits in vain gets a sentence, not a crash."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from clinic_web.identity import queries, routes
from clinic_web.kernel.db import db
from tests.threads import ThreadPoolExecutor


def test_an_exhausted_pool_is_a_503_with_a_sentence(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_free(*_: object, **__: object) -> None:
        raise PoolTimeout("QueuePool limit reached")

    monkeypatch.setattr(queries, "actor_of_token", nobody_free)
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "a token"
    answer = client.get("/account")
    assert answer.status_code == 503
    assert "Nothing was changed" in answer.text


def test_more_requests_than_connections_are_all_answered(committing: Flask) -> None:
    def ask(_: int) -> int:
        return committing.test_client().get("/readyz").status_code

    with ThreadPoolExecutor(60) as pool:
        assert set(pool.map(ask, range(120))) == {200}


def test_what_was_committed_is_not_denied(
    as_person: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_free(*_: object, **__: object) -> None:
        raise PoolTimeout("QueuePool limit reached")

    amina = as_person("amina")
    monkeypatch.setattr(routes, "see_other", nobody_free)  # the answer, after the commit
    answer = amina.post("/account/settings", data={"locale": "en", "theme": "dark", "next": "/account"})
    assert answer.status_code == 503
    assert "This was done" in answer.text and "Nothing was changed" not in answer.text


@pytest.mark.parametrize("path", ["/account", "/desk"])
def test_a_postgresql_that_is_away_is_a_503_with_a_sentence(committing: Flask, path: str) -> None:
    away = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nowhere", isolation_level="AUTOCOMMIT")
    with committing.app_context():
        engine = db.engine
        db._app_engines[committing][None] = away
        try:
            client = committing.test_client()
            with client.session_transaction() as session:
                session["_user_id"] = "a token"
            answer = client.get(path)
        finally:
            db._app_engines[committing][None] = engine
    assert answer.status_code == 503
    assert "Nothing was changed" in answer.text
