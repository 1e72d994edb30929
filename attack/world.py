"""The running program with two tenants in it: gunicorn and a worker on a database and a Redis of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from argon2 import PasswordHasher

from attack.arena import Arena, gather
from attack.evidence import rows_as_owner
from bench.programs import web, worker
from clinic_web.app import create_app
from clinic_web.config import Settings, read_settings
from clinic_web.identity import passwords
from clinic_web.kernel.db import db
from tests import databases

WORLDS = count(1)
SECRET = "attack-only-attack-only-attack-only-at"  # noqa: S105 - signs cookies of a database that is dropped


@contextmanager
def running() -> Iterator[Arena]:
    """Start the program as it is run, in a migrated database that is dropped at the end."""
    name = f"clinic_attack_{os.getpid()}_{next(WORLDS)}"
    databases.create_copy(name)
    try:
        env = {
            "APP_ENV": "production",
            "SECRET_KEY": SECRET,
            "SECRET_STORE_KEY": SECRET[::-1],
            "DATABASE_URL": databases.app_url(name),
            "DATABASE_OWNER_URL": databases.owner_url(name),
            "REDIS_URL": databases.redis_url_of_a_house(),
            "LOG_LEVEL": "ERROR",
        }
        yield from _gathered(read_settings(env), env)
    finally:
        databases.drop(name)


def _gathered(settings: Settings, env: dict[str, str]) -> Iterator[Arena]:
    app = create_app(settings, is_worker=True)
    # Dozens of people are hired in a second; what the program itself hashes and checks costs what it costs.
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with app.app_context():
        arena = gather(app)
        db.session.remove()
        try:
            with web("wsgi:app", env) as started, worker(env):
                arena.port = started.port
                arena.untouched = rows_as_owner(app, arena.theirs.organization_id)
                yield arena
        finally:
            db.session.remove()
            db.engine.dispose()
