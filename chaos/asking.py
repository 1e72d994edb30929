"""Questions to the database as its owner, who asks again while it is away."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock
from typing import Any

import psycopg

PATIENCE = 60.0


class Asking:
    """One connection for all threads, opened anew when PostgreSQL was away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def all(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    return self._ask(statement, values)
                except psycopg.OperationalError:
                    self.close()
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.2)

    def one(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        rows = self.all(statement, *values)
        return rows[0] if rows else None

    def number(self, statement: str, *values: Any) -> int:
        row = self.one(statement, *values)
        return int(row[0]) if row else 0

    def _ask(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = psycopg.connect(self._url, autocommit=True)
        cursor = self._connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        with suppress(psycopg.Error):
            if self._connection is not None:
                self._connection.close()
        self._connection = None
