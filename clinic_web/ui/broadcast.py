"""How rooms are told from any process: Socket.IO's Redis manager, with a Redis that may be away.

The stock manager blocks on a black-holed Redis and, after an outage, may stay deaf for a minute. Ours sends
through the kernel's broker (short time-outs, circuit breaker) and listens again every second.

Each topic is a channel of its own, and a process hears those that its screens listen to: what happens in one
clinic costs nothing in a process that shows another.
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
        self._ears: Any = None  # what the listener listens with, once it does

    def basic_enter_room(
        self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None
    ) -> None:
        is_first = room not in self.rooms.get(namespace, {})
        super().basic_enter_room(sid, namespace, room, eio_sid)
        if is_first and is_topic(room):
            self._listen_to("subscribe", room)

    def basic_leave_room(self, sid: str, namespace: str, room: str | None) -> None:
        super().basic_leave_room(sid, namespace, room)
        if is_topic(room) and room not in self.rooms.get(namespace, {}):
            self._listen_to("unsubscribe", room)

    def _listen_to(self, command: str, room: str | None) -> None:
        """Before the listener runs, and after it lost Redis, it finds the rooms by itself."""
        if self._ears is None:
            return
        try:
            getattr(self._ears, command)(channel_of(room))
        except (RedisError, OSError):
            self._ears = None

    def _publish(self, data: dict[str, Any]) -> None:
        broker().publish(channel_of(data.get("room")), json.dumps(data))

    def _listen(self) -> Iterator[bytes]:
        for message in self._redis_listen_with_retries():
            if message["type"] == "message":
                yield message["data"]

    def _redis_listen_with_retries(self) -> Iterator[dict[str, Any]]:
        while True:
            try:
                # A listener waits for ever by design; keep-alives notice a half-open connection.
                listener: Any = Redis.from_url(
                    self.redis_url, socket_keepalive=True, socket_connect_timeout=1, health_check_interval=5
                )
                ears = listener.pubsub(ignore_subscribe_messages=True)
                ears.subscribe(CHANNEL)
                self._ears = ears
                for rooms in list(self.rooms.values()):
                    for room in filter(is_topic, list(rooms)):
                        ears.subscribe(channel_of(room))
                yield from ears.listen()
            except (RedisError, OSError):
                self._ears = None
                time.sleep(LISTEN_AGAIN_AFTER)


def is_topic(room: str | None) -> bool:
    """Tell a topic (``queue:…``) from the room that each socket is to itself, and from everybody's."""
    return room is not None and ":" in room


def channel_of(room: str | None) -> str:
    """Return the channel on which a room is told; what concerns no topic goes to every process."""
    return f"{CHANNEL}:{room}" if is_topic(room) else CHANNEL
