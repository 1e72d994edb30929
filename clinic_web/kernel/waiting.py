"""How psycopg waits for PostgreSQL under gevent.

Its stock Python loop makes a poll object, a watcher and a registration for every wait, as costly as the
statement itself. One watcher of gevent's own loop does the same at half the price. (The C loop of psycopg is
faster still, but blocks the whole process, with every socket of every display in it.)
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from gevent import get_hub
from psycopg import waiting

_stock_wait = waiting.wait


def wait_in_hub(
    generator: Generator[Any, Any, Any],
    fileno: int,
    interval: float = 0.0,
    timeout: float | None = None,
) -> Any:
    """Run one of psycopg's wait generators, giving way to other greenlets while PostgreSQL works.

    psycopg's READ and WRITE have the values of the loop's own flags: 1 and 2.
    """
    if timeout is not None:  # seldom, so the stock loop may do it
        return _stock_wait(generator, fileno, interval, timeout)
    hub = get_hub()
    try:
        wanted = next(generator)
        while True:
            watcher = hub.loop.io(fileno, int(wanted))
            try:
                hub.wait(watcher)
            finally:
                watcher.close()
            wanted = generator.send(wanted)
    except StopIteration as end:
        return end.value


def install() -> None:
    """Let all connections of this process wait in gevent's hub."""
    waiting.wait = wait_in_hub
