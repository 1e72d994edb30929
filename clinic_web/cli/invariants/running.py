"""Looking: all invariants in one moment of the whole database, which only the tables' owner sees whole.

The application's role stands behind the wall between tenants. With each tenant entered in turn it would see
neither a row that belongs to no tenant nor one that a wall hides from both its neighbours, and these are what
a check is for. So the owner looks, in a transaction that only reads.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from clinic_web.cli.invariants import billing, events, lab, messages, money, orders, reception, stock
from clinic_web.cli.invariants.invariant import Breach, Invariant, Proof
from clinic_web.kernel import bus, clock

GRACE = timedelta(minutes=2)  # what was due so long ago and has not happened is late
FIRST = 10  # breaches that are named
BEGINNING = "-infinity"
END = "infinity"
SETTINGS = (
    # REPEATABLE READ: every statement sees the same moment, however long all of them take.
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL statement_timeout = '15min'",
    "SET LOCAL idle_in_transaction_session_timeout = '10min'",
    "SET LOCAL timezone = 'UTC'",
)
SEES_ALL = """
    SELECT rolsuper OR rolbypassrls OR pg_has_role(current_user, c.relowner, 'MEMBER')
      FROM pg_roles, pg_class c WHERE rolname = current_user AND c.oid = 'kernel.domain_events'::regclass
"""


class NotTheOwner(Exception):
    """Who looks does not see all rows: nothing that was found would prove anything."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """``since``: rows that were last touched before it are passed over where their table can tell.
    ``is_settled``: everything has come to rest, so what is due at all is late; where ``rested_at`` says when,
    that which was due before."""

    since: datetime | None = None
    is_settled: bool = False
    rested_at: datetime | None = None

    def parameters(self) -> dict[str, Any]:
        now, subscriptions = clock.now(), bus.subscriptions()
        return {
            "since": self.since or BEGINNING,
            "now": now,
            "overdue": (self.rested_at or END) if self.is_settled else now - GRACE,
            "topics": [each.event.TOPIC for each in subscriptions],
            "consumers": [each.consumer for each in subscriptions],
            "choosy": [each.consumer for each in subscriptions if each.concerns is not None],
        }


def all_of_them() -> tuple[Invariant, ...]:
    """Return every invariant of the program as it is wired."""
    schemas = {each.schema for each in bus.subscriptions()}
    return (
        *reception.ALL,
        *money.ALL,
        *billing.ALL,
        *orders.ALL,
        *stock.ALL,
        *lab.ALL,
        *messages.ALL,
        *events.invariants(schemas),
    )


def named(words: Iterable[str]) -> list[Invariant]:
    """Return the invariants of those names or areas; all without any. Raises LookupError for another word."""
    known, wanted = all_of_them(), list(words)
    for word in wanted:
        if not any(word in (each.name, each.area) for each in known):
            raise LookupError(word)
    return [each for each in known if not wanted or each.name in wanted or each.area in wanted]


@contextmanager
def moment(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Return a connection that sees one moment of everything; raises NotTheOwner."""
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(plain, autocommit=True) as connection:
        for each in SETTINGS:
            connection.execute(each.encode())
        row = connection.execute(SEES_ALL).fetchone()
        if row is None or not row[0]:
            raise NotTheOwner
        yield connection
        connection.execute("ROLLBACK")


def prove(
    connection: psycopg.Connection[Any], invariants: Iterable[Invariant], asked: Asked
) -> Iterator[Proof]:
    """Look at one invariant after the other on ``connection``; return what came of each as it comes."""
    parameters = asked.parameters()
    for each in invariants:
        yield _prove(connection, each, parameters)


def _prove(connection: psycopg.Connection[Any], invariant: Invariant, parameters: dict[str, Any]) -> Proof:
    began = time.perf_counter()
    counted = connection.execute(invariant.counted.encode(), parameters).fetchone()
    look = _first_of if invariant.spared is None else _first_not_spared
    number, rows = look(connection, invariant, parameters)
    return Proof(
        name=invariant.name,
        promise=invariant.promise,
        counted=counted[0] if counted else 0,
        number=number,
        seconds=time.perf_counter() - began,
        first=[Breach(id=str(row[0]), says=str(row[1])) for row in rows],
    )


def _first_of(
    connection: psycopg.Connection[Any], invariant: Invariant, parameters: dict[str, Any]
) -> tuple[int, list[Any]]:
    """All breaches are counted (the window), the first are named (the limit outside of it)."""
    query = (
        f"SELECT b.*, count(*) OVER () FROM ({invariant.broken}) AS b (id, says) ORDER BY 1, 2 LIMIT {FIRST}"
    )
    rows = connection.execute(query.encode(), parameters).fetchall()
    return (rows[0][2] if rows else 0), rows


def _first_not_spared(
    connection: psycopg.Connection[Any], invariant: Invariant, parameters: dict[str, Any]
) -> tuple[int, list[Any]]:
    number, first = 0, []
    for row in connection.execute(invariant.broken.encode(), parameters):
        if invariant.spared is not None and invariant.spared(*row[2:]):
            continue
        number += 1
        first += [row] if number <= FIRST else []
    return number, first
