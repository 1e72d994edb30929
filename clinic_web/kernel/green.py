"""PostgreSQL connections of a web process, where a hundred greenlets share one thread.

psycopg waits for an answer with a poll object of Python's, which gevent imitates at the price of a timer, an
event and a new watcher each time: a quarter of a small statement's CPU. Here a connection keeps one watcher
of gevent's own loop and waits with that.
"""

from __future__ import annotations

from typing import Any, cast

import psycopg
from gevent import get_hub
from psycopg.abc import PQGen
from psycopg.waiting import Wait

READ = int(Wait.R)  # psycopg's bits for reading and writing are libev's


class GreenConnection(psycopg.Connection[Any]):
    """Waits with gevent's loop, for whatever does not bound its waiting (everything but a cancellation)."""

    _reader: Any = None

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:
            return super().wait(gen, interval=interval, timeout=timeout)
        try:
            wanted = int(next(gen))
            while True:
                self._until(wanted)
                wanted = int(gen.send(cast(Any, wanted)))
        except StopIteration as end:
            return end.value

    def _until(self, wanted: int) -> None:
        hub = get_hub()
        if wanted != READ:
            watcher = hub.loop.io(self.pgconn.socket, wanted)
            try:
                hub.wait(watcher)
            finally:
                watcher.close()
            return
        if self._reader is None:
            self._reader = hub.loop.io(self.pgconn.socket, READ)
        hub.wait(self._reader)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        super().close()


def connect(dialect: Any, connection_record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Make the engine's connections; a listener of SQLAlchemy's ``do_connect``."""
    return GreenConnection.connect(*arguments, **options)
