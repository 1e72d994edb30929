"""A PostgreSQL and a Redis of this run's own, which may crash: nobody else's tests are beside them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg
from redis import Redis

from dev import account, places, postgres_data, processes, servers, valkey
from dev.postgres import Postgres
from dev.valkey import Valkey


@dataclass
class Own:
    """The two servers. ``mend`` starts again what died, as whoever runs the machine would."""

    both: servers.Servers

    @property
    def postgres(self) -> Postgres:
        assert self.both.postgres is not None
        return self.both.postgres

    @property
    def valkey(self) -> Valkey:
        assert self.both.valkey is not None
        return self.both.valkey

    def mend(self) -> None:
        if postgres_data.running_pid(self.postgres.data) is None:
            self.postgres.ensure_running()
        if valkey.pid_of(self.valkey.folder) is None:
            self.valkey.ensure_running()

    def crash_postgres(self) -> None:
        """As a power cut, but for the disk: the postmaster is gone, its children notice, the log is replayed."""
        if pid := postgres_data.running_pid(self.postgres.data):
            os.kill(pid, signal.SIGKILL)
            processes.wait_until(lambda: not processes.alive(pid), timeout=5)

    def stop_postgres_immediately(self) -> None:
        """``pg_ctl stop -m immediate``: every session is cut, the log is replayed at the next start."""
        if pid := postgres_data.running_pid(self.postgres.data):
            os.kill(pid, signal.SIGQUIT)
            processes.wait_until(lambda: not processes.alive(pid), timeout=10)

    def kill_redis(self) -> None:
        if pid := valkey.pid_of(self.valkey.folder):
            os.kill(pid, signal.SIGKILL)
            processes.wait_until(lambda: not processes.alive(pid), timeout=5)

    def flush_redis(self) -> None:
        with Redis.from_url(self.valkey.url()) as redis:
            redis.flushall()


@contextmanager
def own(*, is_quick: bool) -> Iterator[Own]:
    """Start both; remove them with all their data at the end.

    ``is_quick``: with the settings of the tests' servers, which wait for no disk (a killed process loses
    nothing by that, only a machine that loses its power would).
    """
    name = f"chaos-{os.getpid()}"
    home = places.Home(name, places.LOCAL / name, prefix="CHAOS_")
    home.run_folder.mkdir(parents=True, exist_ok=True)
    found = servers.of(home, {})
    assert found.postgres is not None
    ours = Own(replace(found, postgres=replace(found.postgres, is_for_tests=is_quick)))
    try:
        ours.both.ensure_running()
        ours.postgres.sql("ALTER ROLE clinic_owner CREATEDB; GRANT pg_signal_backend TO clinic_owner")
        _name_them(ours)
        yield ours
    finally:
        servers.stop(home)
        shutil.rmtree(account.base_folder(account.of_servers(), home), ignore_errors=True)
        shutil.rmtree(home.folder, ignore_errors=True)


def _name_them(ours: Own) -> None:
    """Where the helpers of the tests look for their servers."""
    addresses = ours.both.addresses()
    os.environ["TEST_DATABASE_URL"] = addresses["DATABASE_URL"]
    os.environ["TEST_DATABASE_OWNER_URL"] = addresses["DATABASE_OWNER_URL"]
    os.environ["TEST_REDIS_URL"] = addresses["REDIS_URL"]


def cut(url: str, times: int) -> int:
    """End so many of the program's sessions, wherever they are in their work; return how many there were."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'clinic_app' ORDER BY random() LIMIT %s) some",
            [times],
        ).fetchone()
    return int(row[0]) if row else 0
