"""Statements of the hot path, sent as they stand: no compilation, no result machinery, rows by name.

A statement through SQLAlchemy costs two to five times the CPU of the same one by psycopg. Where a person
waits and a hundred others press at once that is most of the request. Session, transaction, errors and the
events by which tests count statements are SQLAlchemy's all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from clinic_web.kernel import tenant
from clinic_web.kernel.db import db, open_session

Lent = Connection | PoolProxiedConnection
PARAMETER = re.compile(r"(?<!:):(?!:)(\w+)")


class Statement:
    """One SQL statement with ``:name`` parameters, run in the session's transaction where there is one.

    Otherwise it commits by itself, and the session, whose machinery would cost more than the statement,
    never hears of it.
    """

    def __init__(self, sql: str, *, knows_no_tenant: bool = False) -> None:
        """``knows_no_tenant``: it reads through functions only that do not heed ``app.tenant``, and is asked
        before the tenant is known: the connection it borrows is not told of one (see ``tenant``)."""
        self._lent_by = _lent_as_it_is if knows_no_tenant else _lent_by
        self.sql = " ".join(PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%")).split())
        # As PostgreSQL reads it, so that psycopg need not translate: it forgets how to beyond 4 KiB.
        self._names = list(dict.fromkeys(PARAMETER.findall(sql)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        self._numbered = " ".join(PARAMETER.sub(lambda found: numbers[found[1]], sql).split()).encode()

    def first(self, values: Mapping[str, Any]) -> Any:
        """Return the first row, its columns by name, or None."""
        return self._execute(values).fetchone()

    def all(self, values: Mapping[str, Any]) -> list[Any]:
        """Return all rows, their columns by name."""
        return self._execute(values).fetchall()

    def run(self, values: Mapping[str, Any]) -> None:
        """Run it for its effect."""
        self._execute(values)

    def _execute(self, values: Mapping[str, Any]) -> psycopg.Cursor[Any]:
        """Run it where the session is, or on a connection of the pool for just this one. The rows are here
        when psycopg returns, so the connection need not be."""
        session, engine = open_session(), db.engine
        in_session = session is not None and session.in_transaction() and not tenant.is_asking()
        if in_session or not isinstance(engine, Engine):
            return self._on(*_of(db.session()), values)
        lent = self._lent_by(engine)
        try:
            return self._on(lent, lent.driver_connection, engine.dispatch, values)
        finally:
            lent.close()

    def _on(
        self, connection: Lent, driver: Any, dispatch: Any, values: Mapping[str, Any]
    ) -> psycopg.Cursor[Any]:
        cursor = psycopg.RawCursor(driver, row_factory=namedtuple_row)
        for listener in dispatch.before_cursor_execute:
            listener(connection, cursor, self.sql, values, None, False)
        try:
            return cursor.execute(self._numbered, [values[name] for name in self._names])
        except psycopg.Error as error:
            if driver.closed:
                connection.invalidate(error)
            # Without the values: they may be a patient's.
            raise DBAPIError.instance(
                self.sql, None, error, psycopg.Error, connection_invalidated=bool(driver.closed)
            ) from error


def _lent_by(engine: Engine) -> PoolProxiedConnection:
    """Take a connection of the pool; a PostgreSQL that is away is told as SQLAlchemy tells it elsewhere."""
    try:
        return engine.raw_connection()
    except psycopg.Error as error:
        raise DBAPIError.instance("", None, error, psycopg.Error) from error


def _lent_as_it_is(engine: Engine) -> PoolProxiedConnection:
    with tenant.as_it_is():
        return _lent_by(engine)


def _of(session: Session) -> tuple[Connection, Any, Any]:
    """Return the session's connection, the driver's below it, and who listens. They are remembered for as
    long as the session's transaction lasts: asking the session takes a tenth of what a small statement does.
    """
    under_way = session.get_nested_transaction() or session.get_transaction()
    kept = session.info.get("connection")
    if kept is None or under_way is None or kept[0] is not under_way:
        connection = session.connection()
        driver: Any = connection.connection.driver_connection
        under_way = session.get_nested_transaction() or session.get_transaction()
        kept = session.info["connection"] = (under_way, (connection, driver, connection.dispatch))
    found: tuple[Connection, Any, Any] = kept[1]
    return found
