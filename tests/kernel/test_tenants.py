"""The second wall: what PostgreSQL shows and takes when a query forgets whose rows it may touch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from threading import Barrier
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from clinic_web.app import create_app
from clinic_web.config import Settings
from clinic_web.kernel import bus, delivery, health, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import Model, db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients.models import Patient
from tests import apart, factories
from tests.cast import Cast
from tests.kernel.conftest import BellRang, Ear
from tests.threads import ThreadPoolExecutor

# Machinery of the program, without a word of any tenant's: what is due, what ran, how often what has changed;
# the names of rights; that an event was heard; the key of an empty program's wizard.
NO_TENANTS = {
    "identity.permissions",
    "kernel.deliveries",
    "kernel.scheduled_runs",
    "kernel.streams",
    "lab.processed_events",
    "notifications.processed_events",
    "orders.processed_events",
    "pharmacy.processed_events",
    "billing.processed_events",
    "reception.processed_events",
    "setup.keys",
}
NAMES = Statement("SELECT first_name FROM patients.patients ORDER BY first_name")


def names() -> list[str]:
    return [row.first_name for row in NAMES.all({})]


@pytest.fixture
def two(app: Flask, cast: Cast) -> Cast:
    """A patient here, and one at South Gate."""
    factories.patient(organization_id=cast.organization_id, first_name="Maryam")
    factories.patient(organization_id=cast.other_organization_id, first_name="Zeinab")
    return cast


def test_a_query_without_a_condition_sees_ones_own_rows(two: Cast) -> None:
    assert names() == ["Maryam"]
    with tenant.of(two.other_organization_id):
        assert names() == ["Zeinab"]
    with tenant.of(tenant.NOBODY):
        assert names() == []
    assert list(db.session.scalars(select(Patient.first_name))) == ["Maryam"]


def test_nobody_elses_row_is_written_changed_or_taken_away(two: Cast) -> None:
    [theirs] = _ids(two.other_organization_id)
    changed = db.session.execute(text("UPDATE patients.patients SET first_name = 'X'"))
    assert changed.rowcount == 1  # type: ignore[attr-defined]
    gone = db.session.execute(text("DELETE FROM patients.patients WHERE id = :id"), {"id": theirs})
    assert gone.rowcount == 0  # type: ignore[attr-defined]
    for attempt in (
        "INSERT INTO identity.roles (id, organization_id, name, is_system, version)"
        " VALUES (gen_random_uuid(), :theirs, 'spy', false, 1)",
        "UPDATE patients.patients SET organization_id = :theirs",
    ):
        with pytest.raises(DBAPIError, match="row-level security"), db.session.begin_nested():
            db.session.execute(text(attempt), {"theirs": two.other_organization_id})


def _ids(organization_id: UUID) -> list[UUID]:
    with tenant.of(organization_id):
        return list(db.session.scalars(select(Patient.id)))


def test_roles_of_the_program_are_read_by_all_and_changed_by_none(cast: Cast) -> None:
    assert db.session.scalar(text("SELECT count(*) FROM identity.roles WHERE organization_id IS NULL"))
    with pytest.raises(DBAPIError, match="row-level security"), db.session.begin_nested():
        db.session.execute(text("UPDATE identity.roles SET name = 'x' WHERE organization_id IS NULL"))
    gone = db.session.execute(text("DELETE FROM identity.role_permissions"))
    assert gone.rowcount == 0  # type: ignore[attr-defined]


def test_the_functions_that_search_stay_at_home(two: Cast) -> None:
    ways = (
        "patients.find_own(ARRAY['zeinab'], 20)",
        f"patients.find_by_name('{two.other_organization_id}', ARRAY['zeinab'], 20)",
        "patients.with_phone('0', NULL, 20)",
    )
    for way in ways:
        assert db.session.scalar(text(f"SELECT count(*) FROM {way}")) == 0  # noqa: S608 - the ways above
    with tenant.of(two.other_organization_id):
        assert db.session.scalar(text(f"SELECT count(*) FROM {ways[0]}")) == 1  # noqa: S608


@pytest.fixture
def small(committing: Flask, settings: Settings) -> Iterator[tuple[UUID, UUID]]:
    """Two tenants with a patient each, committed."""
    with committing.app_context():
        houses = factories.organization(name="North"), factories.organization(name="South")
        factories.patient(organization_id=houses[0], first_name="Maryam")
        factories.patient(organization_id=houses[1], first_name="Zeinab")
        db.session.commit()
        db.session.remove()
        yield houses


def test_whoever_borrows_a_connection_next_sees_only_their_own(small: tuple[UUID, UUID]) -> None:
    """One connection goes from hand to hand: after a commit, a rollback, a refused statement."""
    north, south = small
    with db.engine.connect() as first:
        pids = {first.connection.driver_connection.info.backend_pid}  # type: ignore[union-attr]
    for house, expected in ((north, ["Maryam"]), (south, ["Zeinab"]), (None, []), (south, ["Zeinab"])):
        with tenant.of(house):
            assert names() == expected
            with transaction():
                assert list(db.session.scalars(select(Patient.first_name))) == expected
            with pytest.raises(ZeroDivisionError), transaction():
                assert names() == expected
                raise ZeroDivisionError
            with pytest.raises(DBAPIError), transaction():
                db.session.execute(text("SELECT 1 / 0"))
            assert names() == expected
            with db.engine.connect() as lent:
                pids.add(lent.connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]
    assert len(pids) == 1, "the last one used is lent first, or this proves nothing"


def test_a_tenant_that_is_known_in_the_middle_counts_from_there(small: tuple[UUID, UUID]) -> None:
    north, south = small
    with tenant.of(tenant.NOBODY), transaction():
        assert names() == []
        with tenant.of(north):
            assert names() == ["Maryam"]
            with tenant.of(south):
                assert names() == ["Zeinab"]
        assert names() == []
    with tenant.of(south):
        assert names() == ["Zeinab"]


def test_who_fails_in_the_middle_hears_their_own_error_and_leaves_nothing(small: tuple[UUID, UUID]) -> None:
    """A failed transaction takes no word; after its rollback one works for whom one did before."""
    north, south = small
    with tenant.of(south):
        with pytest.raises(DBAPIError, match="division by zero"), transaction(), tenant.of(north):
            db.session.execute(text("SELECT 1 / 0"))
        assert names() == ["Zeinab"]
        with transaction():
            with pytest.raises(DBAPIError, match="division"), db.session.begin_nested(), tenant.of(north):
                db.session.execute(text("SELECT 1 / 0"))
            assert names() == ["Zeinab"]


def test_many_at_once_never_see_each_other(committing: Flask, small: tuple[UUID, UUID]) -> None:
    houses = dict(zip(small, ("Maryam", "Zeinab"), strict=True))
    start = Barrier(8)

    def work(number: int) -> set[tuple[str, ...]]:
        house = small[number % 2]
        start.wait(10)
        with committing.app_context(), tenant.of(house):
            return {tuple(names()) for _ in range(100)} - {(houses[house],)}

    with ThreadPoolExecutor(8) as pool:
        assert set().union(*pool.map(work, range(8))) == set()


def test_what_a_delivery_tells_on_is_told_for_its_tenant(app: Flask, ear: Ear, ringer: Actor) -> None:
    """A worker works for nobody; what it collects is written at the very end of its transaction."""

    def tell_on(event: BellRang) -> None:
        if event.times:
            bus.publish(BellRang(bell_id=event.bell_id, times=0), ringer)

    consumer = f"notifications.tell_on:{BellRang.TOPIC}"
    bus.subscribe(BellRang, tell_on, schema="notifications")
    try:
        with transaction():
            bus.publish(BellRang(bell_id=new_id()), ringer)
        with tenant.of(tenant.NOBODY):
            assert delivery.drain("events") == 4
        assert [event.times for event in ear.heard] == [1, 0]
        states = "SELECT DISTINCT state FROM kernel.deliveries"
        assert db.session.scalars(text(states)).all() == ["DONE"]
    finally:
        bus._by_consumer.pop(consumer, None)


def test_every_table_stands_behind_the_wall(settings: Settings, app: Flask) -> None:
    rows = db.session.execute(
        text(
            """
            SELECT n.nspname || '.' || c.relname AS name, c.relrowsecurity, c.relforcerowsecurity,
                   c.relowner::regrole::text AS owner, current_user AS me,
                   ARRAY(SELECT pol.polname FROM pg_policy pol WHERE pol.polrelid = c.oid) AS policies
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY(:schemas)
            """
        ),
        {"schemas": sorted({str(table.schema) for table in Model.metadata.tables.values()})},
    ).all()
    open_ones = {row.name for row in rows if not (row.relrowsecurity and row.relforcerowsecurity)}
    assert open_ones == NO_TENANTS
    for row in rows:
        assert row.owner != row.me
        assert row.name in NO_TENANTS or {"owner", "tenant"} <= set(row.policies)


def test_the_application_is_neither_owner_nor_above_the_wall(app: Flask) -> None:
    powers = "rolsuper, rolbypassrls, rolcreaterole, rolcreatedb"
    asked = text(f"SELECT {powers} FROM pg_roles WHERE rolname = current_user")  # noqa: S608
    assert not any(db.session.execute(asked).one())


def test_no_view_partition_or_function_leads_around_the_wall(app: Flask) -> None:
    """Views see as who asks, nothing is kept beside the tables, partitions are reached by their parent."""
    views = """
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'public')
           AND (c.relkind = 'm' OR c.relkind = 'v'
                AND NOT 'security_invoker=true' = ANY(coalesce(c.reloptions, '{}')))"""
    assert db.session.scalars(text(views.replace(":", r"\:"))).all() == []
    partitions = """
        SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE c.relkind IN ('r', 'p') AND has_table_privilege(i.inhrelid, 'SELECT')"""
    assert db.session.scalars(text(partitions.replace(":", r"\:"))).all() == []
    unpinned = r"""
        SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'public') AND p.prosecdef
           AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\_path=%')"""
    assert db.session.scalars(text(unpinned.replace(":", r"\:"))).all() == []


def test_the_owner_sees_everything_and_so_does_a_backup(small: tuple[UUID, UUID], settings: Settings) -> None:
    engine = create_engine(settings.database_owner_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM patients.patients")).scalar() == 2
    engine.dispose()


def test_a_role_above_the_wall_is_not_let_work(settings: Settings, built_app: Flask) -> None:
    with built_app.app_context():
        assert health.readiness(needs_wall=True).is_ready
    above = dataclasses.replace(settings, database_url=settings.database_owner_url)

    def look() -> list[bool]:  # in a process of its own: the engine belongs to the program's one app
        with create_app(above, is_worker=True).app_context():
            return [health.readiness(needs_wall=needs).is_ready for needs in (False, True)]

    assert apart.run(built_app, look).said == "[True, False]"
