"""How the program's connections are set, whatever the server's own settings say."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from clinic_web.kernel.db import PREPARED_MAX, db

SET = text("SELECT setting, source FROM pg_settings WHERE name = :name")


def test_no_statement_is_compiled_to_machine_code(app: Flask) -> None:
    """Where a server does so, as most do unasked, each search among a million patients took half a second."""
    assert tuple(db.session.execute(SET, {"name": "jit"}).one()) == ("off", "client")


def test_a_connection_keeps_the_plans_of_a_morning(built_app: Flask) -> None:
    with built_app.app_context(), db.engine.connect() as connection:
        assert connection.connection.driver_connection.prepared_max >= PREPARED_MAX  # type: ignore[union-attr]
