"""The cast as rows: put together once per process, then laid out in each test with ids of its own.

Hiring people and opening clinics by the program's own services takes longer than most tests. What that left
in the tables is kept as JSON and inserted again, every id replaced by a new one (so that nothing which the
process remembers from one test is true in the next) and every moment moved to the test's own time.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Table, text

from clinic_web.kernel import clock, tenant
from clinic_web.kernel.db import Model, db
from clinic_web.kernel.ids import new_id
from tests.cast import Cast, assemble

T = TypeVar("T")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d:\d\d)"')
# A trigger makes these again with the rows they belong to.
MADE_BY_POSTGRESQL = {"reception.queue_priorities"}


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """``inserts`` is SQL that fills the tables, in an order in which that can be done, in one round trip."""

    cast: Cast
    inserts: str
    taken_at: datetime
    stayed: frozenset[str]  # ids that were there before, such as those of the program's own roles

    def lay_out(self) -> Cast:
        """Insert the rows into the current transaction; return the cast with its new ids."""
        ids: dict[str, str] = {}
        later = clock.now() - self.taken_at

        def another_id(found: re.Match[str]) -> str:
            old = found.group()
            return old if old in self.stayed else ids.setdefault(old, str(new_id()))

        def another_moment(found: re.Match[str]) -> str:
            return f'"{(datetime.fromisoformat(found.group(1)) + later).isoformat()}"'

        driver: Any = db.session.connection().connection.driver_connection
        driver.execute(MOMENT.sub(another_moment, ID.sub(another_id, self.inserts)))
        cast = _renamed(self.cast, {UUID(old): UUID(new) for old, new in ids.items()})
        tenant.enter(cast.organization_id)
        return cast


def take() -> Snapshot:
    """Put the cast together in the current transaction and read what that left in the tables."""
    with tenant.of(tenant.NOBODY):
        before = {table.fullname: _rows(table) for table in Model.metadata.sorted_tables}
        cast = assemble()
    inserts, known = [], before
    for house in (cast.organization_id, cast.other_organization_id):
        inserts.append(f"SELECT set_config('app.tenant', '{house}', true)")
        with tenant.of(house):
            there = {table.fullname: _rows(table) for table in Model.metadata.sorted_tables}
        for table in Model.metadata.sorted_tables:
            new = [row for row in there[table.fullname] if row not in known[table.fullname]]
            if new and table.fullname not in MADE_BY_POSTGRESQL:
                inserts.append(_insert_into(table.fullname, json.dumps(new)))
        known = there
    stayed = frozenset(ID.findall(json.dumps(before)))
    return Snapshot(cast, ";\n".join(inserts), clock.now(), stayed)


def _rows(table: Table) -> list[dict[str, Any]]:
    found = db.session.execute(text(f"SELECT jsonb_agg(to_jsonb(t)) FROM {table.fullname} t"))  # noqa: S608
    return found.scalar_one() or []


def _insert_into(name: str, rows: str) -> str:
    """Computed columns are PostgreSQL's to fill; a row that a trigger has made already stays."""
    columns = [column.name for column in Model.metadata.tables[name].columns if column.computed is None]
    listed = ", ".join(f'"{column}"' for column in columns)
    return (
        f"INSERT INTO {name} ({listed})"  # noqa: S608 - names of our own tables
        f" SELECT {listed} FROM jsonb_populate_recordset(CAST(NULL AS {name}), $rows${rows}$rows$)"
        " ON CONFLICT DO NOTHING"
    )


def _renamed(value: T, ids: Mapping[UUID, UUID]) -> T:
    result: Any = value
    if isinstance(value, UUID):
        result = ids.get(value, value)
    elif isinstance(value, dict):
        result = {name: _renamed(each, ids) for name, each in value.items()}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value) if each.init}
        result = dataclasses.replace(value, **{name: _renamed(each, ids) for name, each in fields.items()})
    return result
