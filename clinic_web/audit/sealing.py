"""Sealing: unsealed rows of each tenant become the next links of its chain. One leader does it, in seconds.

Rows commit unchained, so nobody who writes one waits for anything. What is not sealed yet is found without a
cursor, because rows may commit long after they were made: all rows made since ``settled_at`` are compared
with the seals. ``settled_at`` moves only to a moment from which on every transaction that had begun to write
by then was over when the look began, so a long one widens what is looked at and loses nothing. The nightly
verification compares all rows with all seals, and hands what it finds besides to ``seal_late``.

Two sealers at once do no harm: the chain's row is locked, and the next sequence exists once.
"""

from __future__ import annotations

import json
import time as stopwatch
from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from clinic_web.audit import chain, rows, subjects
from clinic_web.audit.chain import Link
from clinic_web.audit.ports import ports
from clinic_web.audit.rows import SOURCES, Row, Source
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction

AT_ONCE = 2000  # rows in a seal
BUDGET = 4.0  # seconds of one run; a backlog goes on with the next one
SLACK = timedelta(minutes=2)  # between making a row's id and beginning to write, clocks of machines included

NEW_CHAIN = Statement(
    """
    INSERT INTO audit.chains (organization_id, sequence, rows, hash, anchored)
    VALUES (:organization_id, 0, 0, :hash, 0) ON CONFLICT DO NOTHING
    """
)
HEAD = Statement(
    """
    SELECT sequence, rows, hash, settled_at, pending_at, pending_xid, swept, swept_at, swept_over, swept_begun
      FROM audit.chains WHERE organization_id = :organization_id FOR UPDATE
    """
)
# Asked before the rows are: whoever is over by now is seen by what is read afterwards.
STANDING = Statement(
    """
    SELECT clock_timestamp() AS now,
           CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS over_below,
           CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS begun_below
    """
)
# Of the rows made since a moment those that no seal holds. Only seals that reach beyond it can.
UNSEALED = """
    SELECT {columns} FROM {table} a
     WHERE a.organization_id = %(organization_id)s AND a.id >= %(floor)s
       AND a.id NOT IN (SELECT unnest(s.row_ids) FROM audit.seals s
                         WHERE s.organization_id = %(organization_id)s AND s.last_id >= %(floor)s
                           AND s.source = %(source)s)
     ORDER BY a.id LIMIT %(limit)s
"""
NAMED = """
    SELECT {columns} FROM {table} a
     WHERE a.organization_id = %(organization_id)s AND a.id = ANY(%(ids)s)
       AND NOT EXISTS (SELECT FROM audit.seals s
                        WHERE s.organization_id = %(organization_id)s AND s.source = %(source)s
                          AND s.last_id >= a.id AND s.first_id <= a.id AND a.id = ANY(s.row_ids))
     ORDER BY a.id
"""
SEAL = Statement(
    """
    INSERT INTO audit.seals (organization_id, sequence, source, first_number, rows, row_ids, row_hashes,
                             first_id, last_id, settled_at, sealed_at, hash)
    VALUES (:organization_id, :sequence, :source, :first_number, :rows, CAST(:row_ids AS uuid[]),
            CAST(:row_hashes AS bytea), CAST(:first_id AS uuid), CAST(:last_id AS uuid), :settled_at,
            :sealed_at, CAST(:hash AS bytea))
    """
)
TRACE = Statement(
    """
    INSERT INTO audit.traces (organization_id, subject, sequence, source, first_at, last_at, row_ids)
    SELECT :organization_id, t.subject, :sequence, CAST(:source AS text), t.first_at, t.last_at, t.row_ids
      FROM jsonb_to_recordset(CAST(:traces AS jsonb))
           AS t(subject uuid, first_at timestamptz, last_at timestamptz, row_ids uuid[])
    """
)
MOVE = Statement(
    """
    UPDATE audit.chains SET sequence = :sequence, rows = :rows, hash = CAST(:hash AS bytea),
           settled_at = :settled_at, pending_at = :pending_at, pending_xid = :pending_xid,
           swept = :swept, swept_at = :swept_at, swept_over = :swept_over, swept_begun = :swept_begun
     WHERE organization_id = :organization_id
    """
)


def seal_all() -> int:
    """Seal every tenant's rows; return how many. What exceeds the budget is left to the next run."""
    until, sealed = stopwatch.monotonic() + BUDGET, 0
    for organization_id in ports.tenants():
        while stopwatch.monotonic() < until:
            now = seal(organization_id)
            sealed += now
            if now < AT_ONCE:
                break
    return sealed


def seal(organization_id: UUID) -> int:
    """Seal a tenant's unsealed rows, so many at once; return how many were."""
    with tenant.of(organization_id), transaction():
        head = _Head(organization_id)
        found = [(source, _unsealed(source, head)) for source in SOURCES.values()]
        sealed = sum(head.add(source, lines) for source, lines in found)
        # Ids are in order, so the sweep goes on where the table of which there is more was left.
        head.sweep_on(
            min((lines[-1][: rows.ID] for _, lines in found if len(lines) == AT_ONCE), default=None)
        )
        failpoint("audit.before_seal_commit")
    return sealed


def seal_late(organization_id: UUID, source_name: str, ids: Collection[UUID]) -> int:
    """Seal rows that were found too late, so that they can't be taken away again. Their seal says that all
    before it had been sealed by then, so each verification goes on naming them."""
    source, sealed = SOURCES[source_name], 0
    listed = sorted(ids)
    for place in range(0, len(listed), AT_ONCE):
        with tenant.of(organization_id), transaction():
            head = _Head(organization_id)
            few = listed[place : place + AT_ONCE]
            asked = {"organization_id": organization_id, "source": source.name, "ids": few}
            sql = NAMED.format(columns=source.listed, table=source.table)
            head.seals_late = True
            sealed += head.add(source, list(rows.copy(rows.driver(), sql, asked)))
            head.move()
    return sealed


def _unsealed(source: Source, head: _Head) -> list[bytes]:
    asked = {
        "organization_id": head.organization_id,
        "source": source.name,
        "floor": head.floor,
        "limit": AT_ONCE,
    }
    sql = UNSEALED.format(columns=source.listed, table=source.table)
    return list(rows.copy(rows.driver(), sql, asked))


class _Head:
    """The end of a tenant's chain, locked until the transaction ends."""

    def __init__(self, organization_id: UUID) -> None:
        key = {"organization_id": organization_id}
        db.session.execute(rows.READING)
        NEW_CHAIN.run(key | {"hash": chain.beginning(organization_id)})
        found = HEAD.first(key)
        standing = STANDING.first({})
        self.organization_id, self.now = organization_id, standing.now
        self.sequence, self.rows, self.hash = found.sequence, found.rows, bytes(found.hash)
        self.settled_at, self.seals_late = found.settled_at, False
        self._pending = (found.pending_at, found.pending_xid)
        self._swept: UUID | None = found.swept
        self._sweep = (standing.now, standing.over_below, standing.begun_below)
        if found.swept is not None:
            self._sweep = (found.swept_at, found.swept_over, found.swept_begun)

    @property
    def floor(self) -> UUID:
        """The least id that is looked at."""
        if self._swept:
            return self._swept
        return rows.first_made_at(self.settled_at - SLACK) if self.settled_at else UUID(int=0)

    def add(self, source: Source, lines: list[bytes]) -> int:
        """Append a seal of these rows; return how many they are."""
        if not lines:
            return 0
        hashes = b"".join(map(chain.hash_of_row, lines))
        link = Link(
            organization_id=self.organization_id,
            sequence=self.sequence + 1,
            source=source.name,
            first_number=self.rows + 1,
            ids=[line[: rows.ID].decode() for line in lines],
            hashes=hashes,
            settled_at=self.now if self.seals_late else self.settled_at,
            sealed_at=self.now,
        )
        self.hash = chain.hash_of(link, self.hash)
        self.sequence, self.rows = link.sequence, self.rows + len(lines)
        _write(link, self.hash)
        _trace(link, [rows.parse(line, source) for line in lines])
        return len(lines)

    def sweep_on(self, swept: bytes | None) -> None:
        """End the sweep, or let it go on at ``swept``. What counts is what was over when it began."""
        self._swept = UUID(swept.decode()) if swept else None
        began, over_below, begun_below = self._sweep
        if swept is None:
            pending_at, pending_xid = self._pending
            if pending_xid is None or pending_xid <= over_below:
                self.settled_at = pending_at or self.settled_at
                self._pending = (began, begun_below)
        self.move()

    def move(self) -> None:
        """Write where the chain ends now."""
        at, over, begun = self._sweep if self._swept else (None, None, None)
        MOVE.run(
            {
                "organization_id": self.organization_id,
                "sequence": self.sequence,
                "rows": self.rows,
                "hash": self.hash,
                "settled_at": self.settled_at,
                "pending_at": self._pending[0],
                "pending_xid": self._pending[1],
                "swept": self._swept,
                "swept_at": at,
                "swept_over": over,
                "swept_begun": begun,
            }
        )


def _write(link: Link, its_hash: bytes) -> None:
    SEAL.run(
        {
            "organization_id": link.organization_id,
            "sequence": link.sequence,
            "source": link.source,
            "first_number": link.first_number,
            "rows": len(link.ids),
            "row_ids": link.ids,
            "row_hashes": link.hashes,
            "first_id": min(link.ids),
            "last_id": max(link.ids),
            "settled_at": link.settled_at,
            "sealed_at": link.sealed_at,
            "hash": its_hash,
        }
    )


def _trace(link: Link, sealed: list[Row]) -> None:
    """Note under each subject which of the rows are theirs."""
    _find_subjects(link.organization_id, sealed)
    of: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sealed:
        for subject in row.subjects:
            of[subject].append(row)
    traces = [
        {
            "subject": subject,
            "first_at": min(row.at for row in theirs),
            "last_at": max(row.at for row in theirs),
            "row_ids": [row.id for row in theirs],
        }
        for subject, theirs in of.items()
    ]
    told = {"organization_id": link.organization_id, "sequence": link.sequence, "source": link.source}
    TRACE.run(told | {"traces": json.dumps(traces)})


def _find_subjects(organization_id: UUID, sealed: list[Row]) -> None:
    others = {each for row in sealed if row.resource_type != "patient" for each in row.resource_ids}
    found = subjects.patients_of(organization_id, [UUID(each) for each in others])
    patients = {str(each): str(patient) for each, patient in found.items()}
    for row in sealed:
        row.subjects.add(str(rows.action_subject(row.action)))
        if row.user_id:
            row.subjects.add(row.user_id)
        if row.is_refused:
            row.subjects.add(str(rows.REFUSED_SUBJECT))
        if row.is_emergency:
            row.subjects.add(str(rows.EMERGENCY_SUBJECT))
        if row.resource_type == "patient":
            row.subjects.update(row.resource_ids)
        else:
            row.subjects.update(patients[each] for each in row.resource_ids if each in patients)
