"""Bringing the database up to date, without loading the whole program only to find that it is."""

from __future__ import annotations

from collections.abc import Mapping

from dev import places, postgres, say, shell, stamps

MIGRATIONS = places.ROOT / "migrations"
UPGRADE = [str(places.PYTHON), "-m", "flask", "--app", "wsgi", "db", "upgrade"]
VERSION = "select string_agg(version_num, ' ' order by version_num) from migrations"


def ensure(env: Mapping[str, str], private: postgres.Postgres | None) -> None:
    """A private database that says of itself what it said after the same migrations needs nothing."""
    if private and stamps.matches(private.folder / "migrated", _state(private)):
        return
    with say.step("bringing the database up to date"):
        shell.quietly(UPGRADE, why="the migration", log_name="migrate", env=env)
    if private:
        stamps.keep(private.folder / "migrated", _state(private))


def _state(private: postgres.Postgres) -> str:
    """The migrations here together with the version there: both must be those of the last time."""
    try:
        version = private.sql(VERSION, database="clinic_web")
    except say.Stop:
        version = "none"  # a new database has no such table yet
    return stamps.of_files(sorted(MIGRATIONS.rglob("*.py")), extra=version)
