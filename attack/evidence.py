"""What a tenant's rows are, in one number per table: whether an attack left anything there shows by it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, text

from clinic_web.kernel.db import Model

# The program writes these by itself about whoever tries something, wherever it comes from.
WRITTEN_ANYWAY = {"audit.seals", "audit.traces", "audit.chains", "audit.verifications", "reports.runs",
                  "reports.daily_reports", "kernel.domain_events"}  # fmt: skip


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
