"""How rooms are told from any process: Socket.IO's Redis manager, with a Redis that may be away.

The stock manager blocks on a black-holed Redis and, after an outage, may stay deaf for a minute. Ours sends
through the kernel's broker (short time-outs, circuit breaker) and listens again every second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from socketio import RedisManager

from clinic_web.kernel.broker import broker

CHANNEL = "clinic-web"
LISTEN_AGAIN_AFTER = 1.0


class PatientManager(RedisManager):  # type: ignore[misc]  # python-socketio has no types
    """A Redis manager that outlives Redis."""

    def __init__(self, url: str, *, write_only: bool) -> None:
        super().__init__(url, channel=CHANNEL, write_only=write_only)

    def _publish(self, data: dict[str, Any]) -> None:
        broker().publish(CHANNEL, json.dumps(data))

    def _redis_listen_with_retries(self) -> Iterator[dict[str, Any]]:
        while True:
            try:
                # A listener waits for ever by design; keep-alives notice a half-open connection.
                listener: Any = Redis.from_url(
                    self.redis_url, socket_keepalive=True, socket_connect_timeout=1, health_check_interval=5
                )
                self.pubsub = listener.pubsub(ignore_subscribe_messages=True)
                self.pubsub.subscribe(CHANNEL)
                yield from self.pubsub.listen()
            except (RedisError, OSError):
                time.sleep(LISTEN_AGAIN_AFTER)
