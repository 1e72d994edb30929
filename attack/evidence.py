"""What a tenant's rows are, in one number per table: whether an attack left anything there shows by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from flask import Flask
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from clinic_web.kernel.db import Model

# The program writes these by itself about whoever tries something, wherever it comes from.
WRITTEN_ANYWAY = {"audit.seals", "audit.traces", "audit.chains", "audit.verifications", "reports.runs",
                  "reports.daily_reports", "kernel.domain_events",
                  "notifications.notifications"}  # fmt: skip


def rows_of(connection: Connection, organization_id: UUID) -> dict[str, str]:
    """Return, by table, a hash of all rows of a tenant. As the tables' owner, where row-level security is."""
    found = {}
    for table in Model.metadata.sorted_tables:
        if "organization_id" in table.columns and table.fullname not in WRITTEN_ANYWAY:
            asked = text(
                "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '')"  # noqa: S608 - names of our own
                f" FROM {table.fullname} t WHERE organization_id = :organization_id"
            )
            found[table.fullname] = str(connection.scalar(asked, {"organization_id": organization_id}))
    return found


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(name for name in before if before[name] != after[name])


@contextmanager
def _as_owner(app: Flask, organization_id: UUID) -> Iterator[Connection]:
    """A connection from outside the program, of the role that owns the tables, for one tenant's rows."""
    engine = create_engine(app.config["SETTINGS"].database_owner_url, poolclass=NullPool)
    with engine.connect() as connection:
        for_whom = text("SELECT set_config('app.tenant', :organization_id, false)")
        connection.execute(for_whom, {"organization_id": str(organization_id)})
        yield connection


def rows_as_owner(app: Flask, organization_id: UUID) -> dict[str, str]:
    """Return the same, read from outside the program."""
    with _as_owner(app, organization_id) as connection:
        return rows_of(connection, organization_id)


def mentions(app: Flask, organization_id: UUID, ids: Iterable[UUID]) -> list[str]:
    """Return which tables of a tenant's business name a thing of somebody else's."""
    listed = "|".join(str(each) for each in ids)
    found = []
    with _as_owner(app, organization_id) as connection:
        for table in Model.metadata.sorted_tables:
            if "organization_id" in table.columns and table.schema not in {"audit", "kernel"}:
                asked = text(
                    f"SELECT count(*) FROM {table.fullname} t"  # noqa: S608 - names of our own
                    " WHERE organization_id = :organization_id AND t::text ~ :ids"
                )
                if connection.scalar(asked, {"organization_id": organization_id, "ids": listed}):
                    found.append(table.fullname)
    return found


def count_as_owner(app: Flask, organization_id: UUID, question: str) -> str | None:
    """Return how many there are of what must not be; None when there are none."""
    with _as_owner(app, organization_id) as connection:
        found = connection.scalar(text(question))
    return f"there are {found}" if found else None
