"""A worker of RQ whose jobs do nothing: ``python bench/nothing.py <redis>``."""

from __future__ import annotations

import sys

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

_connections: dict[str, Redis] = {}


def nothing(url: str) -> None:
    """Say that it is done."""
    if url not in _connections:
        _connections[url] = Redis.from_url(url)
    _connections[url].rpush("bench:done", 1)


if __name__ == "__main__":
    sys.modules["nothing"] = sys.modules["__main__"]
    redis = Redis.from_url(sys.argv[1])
    queue = Queue("bench-nothing", connection=redis, serializer=JSONSerializer)
    SimpleWorker([queue], connection=redis, serializer=JSONSerializer).work(logging_level="WARNING")
