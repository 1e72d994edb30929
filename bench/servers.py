"""Where PostgreSQL and Redis run, so that their processor time can be counted too."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from bench import cpu
from bench.world import World


@dataclass(frozen=True)
class Servers:
    """Process ids of the postmaster and of Redis; both must run on this machine."""

    postgres: int
    redis: int


def find(world: World) -> Servers:
    backend = int(world.sql("SELECT pg_backend_pid()")[0][0])
    with Redis.from_url(world.settings.redis_url) as redis:
        about = redis.info("server")
    return Servers(cpu.parent(backend), int(about["process_id"]))
