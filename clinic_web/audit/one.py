"""One row of the audit with everything that is known of it, and the seal that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from clinic_web.audit import subjects
from clinic_web.audit.rows import CHANGED, SEEN, Source
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.statement import Statement

MOST_LISTED = 200

ROW = """
    SELECT a.*, host(a.ip_address) AS came_from, s.sequence, s.sealed_at,
           s.first_number + array_position(s.row_ids, a.id) - 1 AS number
      FROM {table} a
      LEFT JOIN LATERAL (SELECT * FROM audit.seals s
                          WHERE s.organization_id = a.organization_id AND s.last_id >= a.id
                            AND s.first_id <= a.id AND s.source = '{source}' AND a.id = ANY(s.row_ids)
                          LIMIT 1) s ON true
     WHERE a.organization_id = :organization_id AND a.id = :id
"""
ONE = {each: Statement(ROW.format(table=each.table, source=each.name)) for each in (SEEN, CHANGED)}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """``resource_ids`` are the rows of a list, or the one resource; ``patients`` those they belong to.
    ``number`` is the row's in the chain, None while it is not sealed."""

    row: Any
    resource_ids: list[UUID]
    patients: list[UUID]
    number: int | None
    sequence: int | None
    sealed_at: datetime | None


def entry(actor: Actor, source: Source, row_id: UUID) -> Entry:
    """Return one row of the actor's organization; NotFound (404) when there is none."""
    row = ONE[source].first({"organization_id": actor.organization_id, "id": row_id})
    if row is None:
        raise NotFound(N_("This row is not in the audit of your organization."))
    listed = [UUID(each) for each in (getattr(row, "metadata", None) or {}).get("ids", ())]
    ids = [*([row.resource_id] if row.resource_id else []), *listed]
    if row.resource_type == "patient":
        patients = ids
    else:
        of = subjects.patients_of(actor.organization_id, ids)
        patients = list(dict.fromkeys(of[each] for each in ids if each in of))
    return Entry(
        row=row,
        resource_ids=ids,
        patients=patients[:MOST_LISTED],
        number=row.number,
        sequence=row.sequence,
        sealed_at=row.sealed_at,
    )
