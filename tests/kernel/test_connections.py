"""How the program's connections are set, whatever the server's own settings say."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import text

from clinic_web.kernel.db import PREPARED_MAX, db
from tests import apart

SET = text("SELECT setting, source FROM pg_settings WHERE name = :name")


def test_no_statement_is_compiled_to_machine_code(app: Flask) -> None:
    """Where a server does so, as most do unasked, each search among a million patients took half a second."""
    assert tuple(db.session.execute(SET, {"name": "jit"}).one()) == ("off", "client")


def test_a_connection_keeps_the_plans_of_a_morning(built_app: Flask) -> None:
    """Asked of a new one: those of this process have been lent to tests, which keep more."""

    def kept() -> int:
        with db.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            return int(driver.prepared_max)

    assert apart.run(built_app, kept).said == str(PREPARED_MAX)
