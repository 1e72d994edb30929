"""More people than connections: they wait their turn, and who waits in vain gets a sentence, not a crash."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy.exc import TimeoutError as PoolTimeout

from clinic_web.identity import queries


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
