"""Fixtures: the real app on real PostgreSQL and Redis.

``app`` is for most tests: everything a test writes is rolled back. ``committing`` is for races, kills and
anything that needs several connections: it commits for real and empties the tables afterwards.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask, g
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Connection, create_engine, event, text

from clinic_web import cli
from clinic_web.app import create_app
from clinic_web.config import Settings
from clinic_web.identity import api as identity
from clinic_web.identity import passwords
from clinic_web.kernel import clock, push, tenant
from clinic_web.kernel.db import Model, db
from clinic_web.kernel.unit_of_work import run_again, transaction
from clinic_web.organization import directory
from tests import databases, statements
from tests.cast import Cast, assemble, sign_in
from tests.snapshot import Snapshot, take

# How long an example takes says something about the machine, never about the program.
hypothesis_settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("unhurried")

THE_PROGRAMS_OWN = {"identity.permissions", "identity.roles", "identity.role_permissions"}
TENANTS_ROLES = """
    WITH theirs AS (SELECT id FROM identity.roles WHERE organization_id IS NOT NULL),
         rights AS (DELETE FROM identity.role_permissions WHERE role_id IN (SELECT id FROM theirs))
    DELETE FROM identity.roles WHERE id IN (SELECT id FROM theirs)
"""
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


gc.disable()  # what is imported to collect the tests stays: see wsgi.py


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that none of them is left for the end: those of the browser, which share one
    house, in the first process, the others in the second. Each begins with an equal part in this order."""
    at_home = [item for item in items if "tests/browser/" in item.nodeid]
    elsewhere = [item for item in items if "tests/browser/" not in item.nodeid]
    slow = [item for item in elsewhere if item.get_closest_marker("slow")]
    rest = [item for item in elsewhere if not item.get_closest_marker("slow")]
    part = len(items) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    before = max(0, part - len(at_home)) if part < len(items) else 0
    items[:] = at_home + rest[:before] + slow + rest[before:]


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    name = f"clinic_test_{os.getpid()}"
    databases.create_copy(name)
    yield name
    databases.drop(name)


@pytest.fixture(scope="session")
def settings(database: str) -> Settings:
    return Settings(
        environment="test",
        secret_key="tests-only-tests-only-tests-only-tests",
        secret_store_key="only-tests-only-tests-only-tests-only",
        database_url=databases.app_url(database),
        database_owner_url=databases.owner_url(database),
        redis_url=os.environ["TEST_REDIS_URL"],
        public_url="http://localhost",
        pool_size=25,
        log_level="WARNING",
    )


@pytest.fixture(scope="session")
def built_app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    cli.register(app)
    with app.app_context():
        identity.ensure_permissions()
    # As the web's processes do: the program itself is never garbage, and looking through it takes its time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(autouse=True)
def quick_hashing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords at next to no cost, except where a test is about that."""
    if "real_hashing" not in request.fixturenames:
        monkeypatch.setattr(passwords, "_hasher", QUICK_HASHER)


@pytest.fixture
def real_hashing() -> None:
    """Asks for passwords to be hashed as in production."""


@pytest.fixture(scope="session")
def forgetful_app(built_app: Flask) -> Flask:
    """A test holds one application context for all its requests; each begins with an empty `g`."""

    def forget() -> None:
        for name in list(g):
            g.pop(name)

    built_app.before_request_funcs.setdefault(None, []).insert(0, forget)
    return built_app


def tell_tenant(_session: object, _transaction: object, connection: Connection) -> None:
    """The one connection of such a test is never lent anew, and forgets its tenant with each savepoint."""
    tenant.tell(connection)


def keep_prepared(connection: Connection) -> None:
    """Let plans outlive a rollback, as they do in PostgreSQL.

    The driver forgets them then, in case tables were made meanwhile; each test would plan all anew.
    """
    driver: Any = connection.connection.driver_connection
    driver._prepared.clear = lambda: False
    driver.prepared_max = 2_000


@contextmanager
def thrown_away(app: Flask) -> Iterator[None]:
    """One transaction that is rolled back at the end: a commit of the program releases a savepoint."""
    with app.app_context():
        engine = db.engine
        connection = engine.connect().execution_options(isolation_level="READ COMMITTED")
        keep_prepared(connection)
        outer = connection.begin()
        db.session.remove()
        db.session.session_factory.configure(join_transaction_mode="create_savepoint")
        db._app_engines[app][None] = connection
        event.listen(db.session, "after_begin", tell_tenant)
        try:
            yield
        finally:
            event.remove(db.session, "after_begin", tell_tenant)
            db.session.remove()
            db._app_engines[app][None] = engine
            db.session.session_factory.configure(join_transaction_mode="conditional_savepoint")
            outer.rollback()
            connection.close()


@pytest.fixture
def app(forgetful_app: Flask, built_app: Flask) -> Iterator[Flask]:
    """The app inside one transaction that is thrown away."""
    with thrown_away(built_app):
        yield built_app


@pytest.fixture(scope="session")
def snapshot(built_app: Flask) -> Snapshot:
    return rows_of_the_cast(built_app)


def rows_of_the_cast(app: Flask) -> Snapshot:
    """The cast as rows of this app's database, its passwords hashed at next to no cost."""
    with pytest.MonkeyPatch.context() as patch, thrown_away(app):
        patch.setattr(passwords, "_hasher", QUICK_HASHER)
        return take()


@pytest.fixture
def committing(built_app: Flask) -> Iterator[Flask]:
    """The app as it runs: commits are real, and seen by other threads and processes."""
    yield built_app
    with built_app.app_context():
        db.session.remove()
    empty_tables(built_app)


def empty_tables(app: Flask) -> None:
    """Empty the tables that have rows: a TRUNCATE makes new files for each table and each of its indexes.

    The program's own rights and roles, half of all rows that a test needs, stay as the process wrote them.
    A worker may still deliver what the test before left it: after a deadlock with it, all is done again.
    """
    engine = create_engine(app.config["SETTINGS"].database_owner_url)

    def empty() -> None:
        with engine.begin() as connection:
            _empty(connection)

    with app.app_context():
        run_again(empty)
    engine.dispose()


def _empty(connection: Connection) -> None:
    names = [
        table.fullname for table in Model.metadata.sorted_tables if table.fullname not in THE_PROGRAMS_OWN
    ]
    looks = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)  # noqa: S608
    if full := connection.execute(text(looks)).scalars().all():
        audited = [name for name in full if name.startswith("audit.") and name != "audit.chains"]
        for name in audited:  # which refuse even their owner
            connection.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
        connection.execute(text(f"TRUNCATE {', '.join(full)} CASCADE"))
        for name in audited:
            connection.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))
    connection.execute(text(TENANTS_ROLES))


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    """Each test begins working for nobody; ``cast`` works for its tenant."""
    before = tenant._current.set(tenant.NOBODY)
    yield
    tenant._current.reset(before)


@pytest.fixture
def cast(snapshot: Snapshot, app: Flask, request: pytest.FixtureRequest) -> Cast:
    """The people and places of most tests, in the transaction that is thrown away."""
    if "real_hashing" in request.fixturenames:
        return assemble()
    with transaction():
        return snapshot.lay_out()


@pytest.fixture
def client(app: Flask, cast: Cast) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def as_person(app: Flask, cast: Cast) -> Callable[[str], FlaskClient]:
    """``as_person("amina")`` returns a browser in which Amina is signed in."""

    def browser(name: str) -> FlaskClient:
        client = app.test_client()
        sign_in(client, cast.people[name])
        return client

    return browser


@pytest.fixture
def at_noon() -> Iterator[None]:
    """Noon on the clinic's wall: for what takes an hour or two of one day, whenever the tests run."""
    today = clock.local(clock.now(), "Africa/Cairo")
    clock.shift(today.replace(hour=12, minute=0) - today)
    yield
    clock.shift(timedelta())


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The topics that screens are told about, in order."""
    told: list[str] = []
    monkeypatch.setattr(push, "_emit", lambda event, payload, room: told.append(room))
    return told


@pytest.fixture
def count_queries(app: Flask) -> Callable[[], object]:
    """``with count_queries() as queries: ...; assert len(queries) <= 6``

    Whether the directory was read too long ago is asked once a second, which is not counted.
    """

    @contextmanager
    def counting() -> Iterator[list[str]]:
        for kept in directory._kept.values():
            kept.looked_at = time.monotonic()
        with statements.noted(db.engine) as asked:
            yield asked

    return counting
