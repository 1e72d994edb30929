"""Reading the whole audit in one moment, on connections of its own: rows on one, seals on the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.pq import ExecStatus
from psycopg.rows import namedtuple_row

from clinic_web.kernel.db import db

SEALS_AT_ONCE = 50
SEALS = """
    SELECT sequence, source, first_number, rows, CAST(row_ids AS text) AS ids, row_hashes, settled_at,
           sealed_at, hash
      FROM audit.seals WHERE organization_id = %(organization_id)s AND sequence > %(after)s
     ORDER BY sequence LIMIT %(limit)s
"""
# A row is hashed as it is written in UTC and ISO form; a million rows take longer than a page may.
SETTINGS = (
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL statement_timeout = '4h'",
    "SET LOCAL idle_in_transaction_session_timeout = '10min'",
)


class Reader:
    """A connection of psycopg inside a transaction that only reads."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.now: datetime = driver.execute("SELECT now()").fetchone()[0]

    def one(self, sql: str, organization_id: UUID) -> Any:
        with self.driver.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(sql, {"organization_id": organization_id}).fetchone()

    def seals(self, organization_id: UUID) -> Iterator[Any]:
        """Return a tenant's seals in order, some at a time."""
        after = 0
        with self.driver.cursor(row_factory=namedtuple_row) as cursor:
            while True:
                asked = {"organization_id": organization_id, "after": after, "limit": SEALS_AT_ONCE}
                found = cursor.execute(SEALS, asked).fetchall()
                yield from found
                if len(found) < SEALS_AT_ONCE:
                    return
                after = found[-1].sequence

    def lines(self, sql: str, organization_id: UUID) -> Iterator[bytes]:
        """``COPY`` a query, line by line. psycopg waits for each line by itself; libpq asked directly reads
        several times as many in a second."""
        asked = sql.replace("%(organization_id)s", f"'{UUID(str(organization_id))}'")
        connection = self.driver.pgconn
        begun = connection.exec_(f"COPY ({asked}) TO STDOUT".encode())
        if begun.status != ExecStatus.COPY_OUT:
            raise RuntimeError(begun.error_message.decode())
        while True:
            size, line = connection.get_copy_data(0)
            if size <= 0:
                break
            yield line.tobytes()
        while (ended := connection.get_result()) is not None:
            if ended.status == ExecStatus.FATAL_ERROR:
                raise RuntimeError(ended.error_message.decode())


@contextmanager
def two_readers() -> Iterator[tuple[Reader, Reader]]:
    """Two readers that see the same moment."""
    with _reading(None) as first:
        snapshot = first.execute("SELECT pg_export_snapshot()").fetchone()[0]
        with _reading(snapshot) as second:
            yield Reader(first), Reader(second)


@contextmanager
def _reading(snapshot: str | None) -> Iterator[Any]:
    pooled = db.engine.raw_connection()
    driver: Any = pooled.driver_connection
    try:
        driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot:
            driver.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        for setting in SETTINGS:
            driver.execute(setting)
        yield driver
        driver.execute("ROLLBACK")
    except BaseException:
        pooled.invalidate()  # perhaps in the middle of a COPY
        raise
    finally:
        pooled.close()
