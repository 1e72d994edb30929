"""How often a token is answered: so many requests in each minute of the clock.

Redis counts for all processes. While it is away each process counts for itself, so that the limit is never
gone, at most as many times as high as there are processes.
"""

from __future__ import annotations

from uuid import UUID

from redis import Redis

from clinic_web.interop.errors import TooOften
from clinic_web.kernel import clock
from clinic_web.kernel.broker import broker

MINUTE = 60
MOST_REMEMBERED = 1000

_here: dict[str, int] = {}


def count(token_id: UUID, per_minute: int) -> None:
    """Count one request. Raises TooOften (429) beyond ``per_minute``."""
    now = int(clock.now().timestamp())
    key = f"api:asked:{token_id}:{now // MINUTE}"
    asked = broker().attempt(lambda redis: _count(redis, key))
    if (_count_here(key) if asked is None else asked) > per_minute:
        raise TooOften(MINUTE - now % MINUTE)


def _count(redis: Redis, key: str) -> int:
    with redis.pipeline(transaction=False) as pipeline:
        pipeline.incr(key)
        pipeline.expire(key, 2 * MINUTE)
        asked, _ = pipeline.execute()
    return int(asked)


def _count_here(key: str) -> int:
    if len(_here) >= MOST_REMEMBERED:
        _here.clear()
    _here[key] = _here.get(key, 0) + 1
    return _here[key]
