"""What the program says to PostgreSQL, recorded, and said again by bare psycopg in a copy of the database.

The floor of work that many modules share: no library, no object, no decision; only the same statements with
the same values, transaction by transaction, prepared once.
"""

from __future__ import annotations

import json
import pickle
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

CLAIM = "WITH claimed AS MATERIALIZED"
FINISHED = re.compile(r'\[\{"id": "[0-9a-f-]{36}"\}\]')


@dataclass
class Tape:
    """Statements by transaction, in the order of their commits."""

    units: list[list[tuple[str, Any, bool]]] = field(default_factory=list)
    _open: list[tuple[str, Any, bool]] = field(default_factory=list)

    def note(self, statement: Any, values: Any, is_raw: bool) -> None:
        text = statement.decode() if isinstance(statement, bytes) else str(statement)
        if text.strip().upper() not in ("BEGIN", "COMMIT", "ROLLBACK"):
            self._open.append((text, values, is_raw))

    def end(self) -> None:
        if self._open:
            self.units.append(self._open)
        self._open = []


@contextmanager
def recording() -> Iterator[Tape]:
    """Record everything that this process says to PostgreSQL, one thread at a time."""
    tape = Tape()
    execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit
    rollback = psycopg.Connection.rollback

    def execute_and_note(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        tape.note(query, params, isinstance(self, psycopg.RawCursor))
        return execute(self, query, params, **more)

    def ended(act: Callable[[Any], None]) -> Callable[[Any], None]:
        def act_and_end(self: Any) -> None:
            act(self)
            tape.end()

        return act_and_end

    psycopg.Cursor.execute = execute_and_note  # type: ignore[method-assign,assignment]
    psycopg.Connection.commit = ended(commit)  # type: ignore[method-assign]
    psycopg.Connection.rollback = ended(rollback)  # type: ignore[method-assign]
    try:
        yield tape
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
        psycopg.Connection.commit = commit  # type: ignore[method-assign]
        psycopg.Connection.rollback = rollback  # type: ignore[method-assign]


def say(connection: psycopg.Connection[Any], units: list[list[tuple[str, Any, bool]]]) -> None:
    """Say all units again. What is claimed has another id than on the tape, and is finished under that."""
    for unit in units:
        connection.execute("BEGIN")
        claimed = None
        for statement, values, is_raw in unit:
            cursor = psycopg.RawCursor(connection) if is_raw else connection.cursor()
            cursor.execute(statement.encode(), _under(claimed, values))
            rows = cursor.fetchall() if cursor.description else []
            if rows and CLAIM in statement:
                claimed = str(rows[0][0])
        connection.execute("COMMIT")


def _under(claimed: str | None, values: Any) -> Any:
    """Return the values with the id under which the delivery is claimed here."""
    if claimed is None or values is None:
        return values
    own = json.dumps([{"id": claimed}])
    if isinstance(values, dict):
        return {name: own if _finishes(value) else value for name, value in values.items()}
    return [own if _finishes(value) else value for value in values]


def _finishes(value: Any) -> bool:
    return isinstance(value, str) and FINISHED.fullmatch(value) is not None


def play(url: str, units: list[list[tuple[str, Any, bool]]]) -> float:
    """Say all units again on a connection of their own; return how many seconds that took."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        began = time.perf_counter()
        say(connection, units)
        return time.perf_counter() - began


def main() -> None:
    """A loop of its own process: ``python -m bench.recorded <url> <tape>``; prints its seconds."""
    url, tape = sys.argv[1:3]
    units = pickle.loads(Path(tape).read_bytes())  # noqa: S301 - written by who started us
    sys.stdin.readline()  # both loops begin together
    print(play(url, units))


if __name__ == "__main__":
    main()
