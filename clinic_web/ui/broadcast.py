"""How rooms are told from any process: Socket.IO's Redis manager, with a Redis that may be away.

The stock manager blocks on a black-holed Redis and, after an outage, may stay deaf for a minute. Ours sends
through the kernel's broker (short time-outs, circuit breaker) and listens again every second.

Each topic is a channel of its own, and a process hears those that its screens listen to: what happens in one
clinic wakes no process that shows another. Joining never waits for Redis to take a command: one task of the
process says which channels it wants, and `wait_until_heard` waits, for a moment only, for Redis's word.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any, TypeGuard
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError
from socketio import RedisManager

from clinic_web.kernel.broker import broker

CHANNEL = "clinic-web"
LISTEN_AGAIN_AFTER = 1.0
PATIENCE = 0.3  # seconds; a tick heals what was missed meanwhile


class PatientManager(RedisManager):  # type: ignore[misc]  # python-socketio has no types
    """A Redis manager that outlives Redis."""

    def __init__(self, url: str, *, write_only: bool) -> None:
        super().__init__(url, channel=CHANNEL, write_only=write_only)
        self._ears: Any = None  # the subscription, while Redis is there
        # Topics whose first socket came or whose last one left.
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._heard: dict[str, threading.Event] = {}

    def initialize(self) -> None:
        """With the first socket: processes of one name take each other's words for their own echo."""
        self.host_id = uuid4().hex
        super().initialize()
        if not self.write_only:
            self.server.start_background_task(self._follow_for_ever)

    def basic_enter_room(
        self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None
    ) -> None:
        is_first = is_topic(room) and not self._is_wanted(room)
        super().basic_enter_room(sid, namespace, room, eio_sid)
        if is_topic(room) and is_first:
            self._heard.setdefault(room, threading.Event())
            self._asked.put(room)

    def basic_leave_room(self, sid: str, namespace: str, room: str | None) -> None:
        super().basic_leave_room(sid, namespace, room)
        if is_topic(room) and not self._is_wanted(room):
            self._asked.put(room)

    def wait_until_heard(self, topic: str) -> None:
        """Return when what is told to the topic from now on arrives here, or after a moment without Redis."""
        heard = self._heard.get(topic)
        if heard is not None and self._ears is not None:
            heard.wait(PATIENCE)

    def _publish(self, data: dict[str, Any]) -> None:
        broker().publish(channel_of(data.get("room")), json.dumps(data))

    def _follow_for_ever(self) -> None:
        """The one task that subscribes and unsubscribes; what it can't, the next listening does."""
        while True:
            topic = self._asked.get()
            ears = self._ears
            try:
                if self._is_wanted(topic):
                    self._heard.setdefault(topic, threading.Event())
                    if ears is not None:
                        ears.subscribe(channel_of(topic))
                else:
                    self._heard.pop(topic, None)
                    if ears is not None:
                        ears.unsubscribe(channel_of(topic))
            except (RedisError, OSError):
                continue

    def _is_wanted(self, topic: str) -> bool:
        return any(topic in rooms for rooms in self.rooms.values())

    def _listen(self) -> Iterator[bytes]:
        for message in self._redis_listen_with_retries():
            if message["type"] == "message":
                yield message["data"]
            elif message["type"] == "subscribe":
                heard = self._heard.get(topic_of(message["channel"].decode()))
                if heard is not None:
                    heard.set()

    def _redis_listen_with_retries(self) -> Iterator[dict[str, Any]]:
        while True:
            try:
                # A listener waits for ever by design; keep-alives notice a half-open connection.
                listener: Any = Redis.from_url(
                    self.redis_url, socket_keepalive=True, socket_connect_timeout=1, health_check_interval=5
                )
                ears = listener.pubsub()
                ears.subscribe(CHANNEL, *(channel_of(topic) for topic in list(self._heard)))
                self._ears = ears
                for topic in list(self._heard):  # those that came while the connection was made
                    self._asked.put(topic)
                yield from ears.listen()
            except (RedisError, OSError):
                time.sleep(LISTEN_AGAIN_AFTER)
            finally:
                self._ears = None
                for heard in list(self._heard.values()):
                    heard.clear()


def is_topic(room: str | None) -> TypeGuard[str]:
    """Tell a topic (``queue:…``) from the room that each socket is to itself, and from everybody's."""
    return room is not None and ":" in room


def channel_of(room: str | None) -> str:
    """Return the channel on which a room is told; what concerns no topic goes to every process."""
    return f"{CHANNEL}:{room}" if is_topic(room) else CHANNEL


def topic_of(channel: str) -> str:
    return channel.removeprefix(f"{CHANNEL}:")
