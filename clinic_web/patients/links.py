"""Which records are one person: reads of the links that merging writes, down every chain of merges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from clinic_web.kernel.statement import Statement

# From a record up to the one it is shown as, and from there down to all that are shown as it.
GROUP = Statement(
    """
    WITH RECURSIVE up(id, steps) AS (
        SELECT CAST(:patient_id AS uuid), 0
         UNION
        SELECT l.survivor_id, up.steps + 1 FROM up
          JOIN patients.patient_links l ON l.merged_id = up.id AND l.closed_at IS NULL
    ), down(id) AS (
        SELECT id FROM up
         UNION
        SELECT l.merged_id FROM down
          JOIN patients.patient_links l ON l.survivor_id = down.id AND l.closed_at IS NULL
    )
    SELECT down.id FROM down LEFT JOIN up USING (id) ORDER BY up.steps DESC NULLS LAST
    """
)
SURVIVORS = Statement(
    """
    WITH RECURSIVE up(asked, id, steps) AS (
        SELECT id, id, 0 FROM unnest(CAST(:ids AS uuid[])) AS id
         UNION
        SELECT up.asked, l.survivor_id, up.steps + 1 FROM up
          JOIN patients.patient_links l ON l.merged_id = up.id AND l.closed_at IS NULL
    )
    SELECT DISTINCT ON (asked) asked, id FROM up ORDER BY asked, steps DESC
    """
)
ALL_BELOW = Statement(
    """
    WITH RECURSIVE down(top, id) AS (
        SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
         UNION
        SELECT down.top, l.merged_id FROM down
          JOIN patients.patient_links l ON l.survivor_id = down.id AND l.closed_at IS NULL
    )
    SELECT top, id FROM down
    """
)
BELOW = Statement(
    """
    WITH RECURSIVE down(id) AS (
        SELECT CAST(:patient_id AS uuid)
         UNION
        SELECT l.merged_id FROM down
          JOIN patients.patient_links l ON l.survivor_id = down.id AND l.closed_at IS NULL
    )
    SELECT id FROM down
    """
)


@dataclass(frozen=True)
class Group:
    """The records of one person: ``survivor`` is what they are shown as, and the first of ``ids``."""

    survivor: UUID
    ids: list[UUID]


def group_of(patient_id: UUID) -> Group:
    """Return the records that are one person with ``patient_id``; usually it alone."""
    ids = [row.id for row in GROUP.all({"patient_id": patient_id})]
    return Group(ids[0], ids)


def ids_of(patient_id: UUID) -> list[UUID]:
    """Return all ids under which rows of this patient were written, the one for new rows first.

    Whoever asks for a patient's rows asks ``patient_id = ANY(:ids)`` with these. One statement.
    """
    return group_of(patient_id).ids


def survivors_of(ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return what each of ``ids`` is shown as: itself, unless it was merged."""
    return {row.asked: row.id for row in SURVIVORS.all({"ids": list(ids)})}


def all_below(ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return each of ``ids`` and every record that was merged into one of them, with that one."""
    return {row.id: row.top for row in ALL_BELOW.all({"ids": list(ids)})}


def below(patient_id: UUID) -> list[UUID]:
    """Return the record and all that were merged into it, not what it was merged into itself."""
    return [row.id for row in BELOW.all({"patient_id": patient_id})]
