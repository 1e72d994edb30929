"""One leader among all workers, by an advisory lock that PostgreSQL frees the moment its holder dies."""

from __future__ import annotations

from types import TracebackType

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

LEADER_LOCK = 7_306_001


class Leadership:
    """Holds, or keeps trying to get, the lock on a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def is_mine(self) -> bool:
        """Return whether this process leads now; never raises: without PostgreSQL nobody leads."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                if not self._connection.execute(
                    text("SELECT pg_try_advisory_lock(:key)"), {"key": LEADER_LOCK}
                ).scalar():
                    self.resign()
                    return False
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self._forget()
            return False
        return True

    def resign(self) -> None:
        """Free the lock by closing its connection."""
        if self._connection is not None:
            self._connection.invalidate()
        self._forget()

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> Leadership:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resign()
