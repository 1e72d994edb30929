"""Databases for tests: one template per state of the migrations, one copy per test process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

ROOT = Path(__file__).parents[1]
BUILD_LOCK = 7_306_900
REDIS_DATABASES = 16  # as many as a Redis has, if nobody says otherwise


def owner_url(database: str | None = None) -> str:
    url = make_url(_with_driver(os.environ["TEST_DATABASE_OWNER_URL"]))
    return (url.set(database=database) if database else url).render_as_string(hide_password=False)


def app_url(database: str) -> str:
    """The application's own role: neither owner nor above row-level security."""
    url = os.environ.get("TEST_DATABASE_URL") or os.environ["TEST_DATABASE_OWNER_URL"]
    return make_url(_with_driver(url)).set(database=database).render_as_string(hide_password=False)


def redis_url_of_a_house() -> str:
    """A Redis of each house's own, away from the other tests: its worker takes whatever is asked there."""
    url = urlsplit(os.environ["TEST_REDIS_URL"])
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    number = (int(url.path.strip("/") or 0) + REDIS_DATABASES // 2 + process) % REDIS_DATABASES
    return urlunsplit(url._replace(path=f"/{number}"))


def _with_driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def create_copy(name: str) -> None:
    """Create database ``name`` as a copy of the migrated template, which is made when it is missing."""
    engine = create_engine(owner_url(), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": BUILD_LOCK})
        template = _template(connection)
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))


def drop(name: str) -> None:
    """Drop the database; a thread of a test may have left a connection of the application's role open."""
    with create_engine(app_url(name), isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as mine:
        mine.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
            )
        )
    engine = create_engine(owner_url(), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        # Not WITH (FORCE): that asks for the right to end an autovacuum, too, which a plain drop just awaits.
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))


def _template(connection: Connection) -> str:
    name = f"clinic_template_{_fingerprint()}"
    known = connection.execute(
        text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}
    ).scalar()
    if not known:
        half = f"{name}_half"
        connection.execute(text(f'DROP DATABASE IF EXISTS "{half}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{half}"'))
        migrate(half)
        connection.execute(text(f'ALTER DATABASE "{half}" RENAME TO "{name}"'))
    return name


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for file in sorted([*(ROOT / "migrations").rglob("*.py"), ROOT / "migrations" / ".current-head"]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def migrate(database: str) -> None:
    """Run the real migrations, by the command that an operator uses."""
    env = os.environ | {
        "APP_ENV": "test",
        "SECRET_KEY": "tests-only-tests-only-tests-only-tests",
        "SECRET_STORE_KEY": "only-tests-only-tests-only-tests-only",
        "DATABASE_URL": app_url(database),
        "DATABASE_OWNER_URL": owner_url(database),
        "REDIS_URL": os.environ["TEST_REDIS_URL"],
    }
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT,
        env=env,
        check=True,
        capture_output=True,
    )
