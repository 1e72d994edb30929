"""Redis, used as something that may be away: short time-outs and a circuit breaker.

Nothing that must not be lost lives in Redis only. Every use goes through ``attempt``, which returns None when
Redis is away and then leaves it alone for a second, so that a black-holed Redis costs a request nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, local
from typing import Any, TypeVar

import structlog
from redis import Redis
from redis.exceptions import ConnectionError, RedisError

T = TypeVar("T")
logger = structlog.get_logger(__name__)

# A command, and what its answer is given to.
Said = tuple[tuple[str | int, ...], Callable[[Any], object] | None]

TIMEOUT = 0.3
PAUSE = 1.0


class Broker:
    """One process's connection to Redis. ``is_away`` tells what the last attempt found."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.redis = Redis.from_url(
            url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, health_check_interval=15
        )
        self._away_until = 0.0
        self.is_away = False
        self._mine = local()  # each thread or greenlet collects its own
        # Telling screens is most of what a web process says: its own connection spares checking one out.
        self._line: Any = None
        self._line_of = 0
        self._line_is_free = Lock()

    def attempt(self, use: Callable[[Redis], T]) -> T | None:
        """Run ``use`` with the connection; return its result, or None when Redis is away."""
        if time.monotonic() < self._away_until:
            return None
        try:
            result = use(self.redis)
        except (RedisError, OSError) as error:
            self._open_circuit(error)
            return None
        self.is_away = False
        return result

    def publish(self, channel: str, message: str) -> None:
        """Publish a message, at once or with what else ``together`` sends."""
        self.say("PUBLISH", channel, message)

    def say(self, *command: str | int, then: Callable[[Any], object] | None = None) -> None:
        """Send one small command over the connection that is kept for telling, at once or ``together``.

        ``then`` is called with Redis's answer; with None when Redis is away.
        """
        waiting: list[Said] | None = getattr(self._mine, "waiting", None)
        if waiting is None:
            self._tell([(command, then)])
        else:
            waiting.append((command, then))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what is said inside as one round trip. Nothing inside may wait for anything."""
        waiting: list[Said] = []
        self._mine.waiting = waiting
        try:
            yield
        finally:
            self._mine.waiting = None
        if waiting:
            self._tell(waiting)

    def _tell(self, said: list[Said]) -> None:
        answers = self._say([command for command, _ in said])
        for at, (_, then) in enumerate(said):
            if then:
                then(answers[at] if answers else None)

    def _say(self, commands: list[tuple[Any, ...]]) -> list[Any] | None:
        with self._line_is_free:
            if self._line_of != os.getpid():  # a work-horse must not speak on its parent's connection
                self._line, self._line_of = self.redis.connection_pool.make_connection(), os.getpid()
            return self.attempt(lambda redis: _said(self._line, commands))

    def _open_circuit(self, error: Exception) -> None:
        self._away_until = time.monotonic() + PAUSE
        if not self.is_away:
            logger.warning("redis_away", error_type=type(error).__name__)
        self.is_away = True

    def is_there(self) -> bool:
        """Ask Redis itself; used by health checks and by the tick of the live boards."""
        return bool(self.attempt(lambda redis: redis.ping()))


def _said(line: Any, commands: list[tuple[Any, ...]]) -> list[Any]:
    """Send the commands; once more on a new connection if Redis has ended this one. Saying a thing twice
    does no harm: screens ignore what they know, and a flag is set or was."""
    try:
        return _send(line, commands)
    except ConnectionError:
        return _send(line, commands)


def _send(line: Any, commands: list[tuple[Any, ...]]) -> list[Any]:
    line.send_packed_command(line.pack_commands(commands), check_health=False)
    return [line.read_response() for _ in commands]


_broker: Broker | None = None


def configure(url: str) -> Broker:
    global _broker
    _broker = Broker(url)
    return _broker


def broker() -> Broker:
    if _broker is None:
        raise RuntimeError("The broker is not configured: create the app first.")
    return _broker
