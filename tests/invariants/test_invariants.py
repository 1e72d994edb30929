"""``flask check invariants``: what is well is called well, and every way to break it is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

from clinic_web.cli.invariants import running
from clinic_web.cli.invariants.running import Asked
from clinic_web.config import Settings
from clinic_web.kernel import clock
from clinic_web.kernel.db import Model, db
from clinic_web.kernel.unit_of_work import transaction
from tests.invariants import broken
from tests.invariants.day import Day
from tests.snapshot import Snapshot

LOOSE = """
    SELECT format('ALTER TABLE %%s DISABLE TRIGGER USER', c.oid::regclass)
      FROM pg_class c WHERE c.relkind = 'r' AND EXISTS (SELECT FROM pg_trigger t
       WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
       AND c.relnamespace::regnamespace::text = ANY(%(schemas)s)
     UNION ALL
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I CASCADE', conrelid::regclass, conname)
      FROM pg_constraint WHERE (contype IN ('c', 'u', 'x', 'f') OR conname = 'pk_processed_events')
       AND connamespace::regnamespace::text = ANY(%(schemas)s)
     UNION ALL
    SELECT format('DROP INDEX %%s', indexrelid::regclass)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indisunique AND c.relnamespace::regnamespace::text = ANY(%(schemas)s)
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
"""


def owner(settings: Settings) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(settings.database_owner_url.replace("+psycopg", ""), autocommit=True)


@pytest.fixture
def written(snapshot: Snapshot, committing: Flask) -> Iterator[dict[str, str]]:
    """A small day at the clinic, committed and delivered: ids of its rows by name."""
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        yield Day(cast).live()
        db.session.remove()


def breaches(
    connection: psycopg.Connection[tuple[object, ...]], *, only: str | None = None, settled: bool = False
) -> dict[str, str]:
    proofs = running.prove(connection, running.named([only] if only else []), Asked(is_settled=settled))
    return {each.name: f"{each.number} {each.first}" for each in proofs if not each.holds}


def test_what_is_well_is_called_well_and_every_way_to_break_it_is_named(
    written: dict[str, str], settings: Settings
) -> None:
    with owner(settings) as connection:
        assert breaches(connection, settled=True) == {}
        connection.execute("BEGIN")
        loosen(connection)
        wrong = [told for each in broken.ALL if (told := _break(connection, each, written))]
        connection.execute("ROLLBACK")
    assert not wrong, "\n".join(wrong)
    assert {each.name for each in running.all_of_them()} == {each.invariant for each in broken.ALL}


def test_what_becomes_due_after_all_had_come_to_rest_is_not_late(
    written: dict[str, str], settings: Settings
) -> None:
    in_time, rested_at = running.named(["deliveries.in_time"]), clock.now()
    with owner(settings) as connection:
        connection.execute("UPDATE kernel.deliveries SET state = 'DUE', done_at = NULL, due_at = now()")
        (late,) = running.prove(connection, in_time, Asked(is_settled=True))
        (meanwhile,) = running.prove(connection, in_time, Asked(is_settled=True, rested_at=rested_at))
    assert (late.holds, meanwhile.holds) == (False, True)


def _break(
    connection: psycopg.Connection[tuple[object, ...]], each: broken.Breakage, written: dict[str, str]
) -> str:
    """Break it; return what is wrong with what was said, or nothing."""
    connection.execute("SAVEPOINT whole")
    rows = connection.execute(each.sql.format(**written).encode()).rowcount
    found = breaches(connection, only=each.invariant)
    connection.execute("ROLLBACK TO whole")
    if rows and found:
        return ""
    return f"{each.sql}: {rows} rows, wanted {each.invariant}, found {found}"


def loosen(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Take every constraint and trigger away, so that rows can be as wrong as a bug or a hand makes them."""
    schemas = sorted(
        {table.schema or "" for table in Model.metadata.sorted_tables} - {"identity", "organization"}
    )
    for (statement,) in connection.execute(LOOSE, {"schemas": schemas}).fetchall():
        connection.execute("SAVEPOINT one")
        try:
            connection.execute(str(statement).encode())
        except psycopg.Error as error:
            # A CASCADE took it along before.
            assert isinstance(error, psycopg.errors.UndefinedObject | psycopg.errors.UndefinedTable), (
                statement
            )
            connection.execute("ROLLBACK TO one")


def test_the_command_ends_with_one_and_names_the_first_rows(
    written: dict[str, str], committing: Flask, settings: Settings
) -> None:
    runner = committing.test_cli_runner()
    answer = runner.invoke(args=["check", "invariants", "--settled"])
    assert answer.exit_code == 0, answer.output
    assert "no breach" in answer.output
    with owner(settings) as connection:
        connection.execute("UPDATE reception.queue_days SET last_number = last_number + 1")
    answer = runner.invoke(args=["check", "invariants", "--only", "tickets", "--json"])
    told = json.loads(answer.output)
    assert (answer.exit_code, told["holds"]) == (1, False)
    first = next(each for each in told["proofs"] if each["name"] == "tickets.gapless")["first"]
    assert "the last is" in first[0]["says"]
    later = (clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    only = ["check", "invariants", "--only", "money.ledger", "--since", later]
    assert runner.invoke(args=only).exit_code == 0
    assert "no invariant" in runner.invoke(args=["check", "invariants", "--only", str(uuid4())]).output


def test_who_does_not_see_everything_is_refused(settings: Settings) -> None:
    with pytest.raises(running.NotTheOwner), running.moment(settings.database_url):
        pass
