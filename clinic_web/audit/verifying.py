"""Verification: every row against its hash in the chain, every seal against the one before and the anchors.

All of it is read in one snapshot, by COPY, and hashed here: the database is what is checked, so it is not
asked. Rows come in order of time and seals in order of sequence; what one of them has seen and the other not
yet waits in a dictionary, which stays small because both go forward together.
"""

from __future__ import annotations

import time as stopwatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import repeat
from typing import Any
from uuid import UUID

from clinic_web.audit import chain
from clinic_web.audit.anchors import Anchor
from clinic_web.audit.chain import Link
from clinic_web.audit.reading import Reader, two_readers
from clinic_web.audit.rows import ID, SOURCES, Source, first_made_at, made_at

EDITED, DELETED, INSERTED, LATE, MISDATED = "edited", "deleted", "inserted", "late", "misdated"
BROKEN, MISSING, CUT, REWRITTEN, UNANCHORED = "broken", "missing", "cut", "rewritten", "unanchored"

VERSION_AT, SEVEN = 14, ord("7")  # where an id as text says that it is a UUIDv7
GRACE = timedelta(minutes=10)  # a row that is made and not sealed for so long did not come as rows do
MADE, TOLD = slice(0, 8), slice(74, 90)  # of a line: its id's first 65 s, its own time's minute
AHEAD = 20_000  # sealed rows that are known before the table shows them
STEP = 5_000  # rows between two looks at that
MOST_FOUND = 10_000  # findings that are kept; the others are only counted

ROWS = "SELECT {columns} FROM {table} a WHERE a.organization_id = %(organization_id)s ORDER BY a.{moment}"
HEAD = "SELECT sequence, rows, hash, anchored FROM audit.chains WHERE organization_id = %(organization_id)s"

Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong: with which row (``source``, ``row_id``) or at which seal (``sequence``)."""

    kind: str
    sentence: str
    sequence: int | None = None
    source: str | None = None
    row_id: str | None = None


@dataclass(kw_only=True)
class Report:
    """What a verification found. ``waiting`` rows are too new to be sealed; ``unsealed`` should have been.
    ``misdated`` rows say another time than they were made at."""

    organization_id: UUID
    rows: int = 0
    sequence: int = 0
    seconds: float = 0.0
    waiting: int = 0
    misdated: int = 0
    number: int = 0
    findings: list[Finding] = field(default_factory=list)
    unsealed: dict[str, list[UUID]] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return self.number == 0

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0

    def add(self, finding: Finding) -> None:
        self.number += 1
        if len(self.findings) < MOST_FOUND:
            self.findings.append(finding)


def verify(
    organization_id: UUID,
    anchors: list[Anchor],
    progress: Progress | None = None,
    *,
    clock_stands: bool = False,
) -> Report:
    """Compare a tenant's audit with its chain and the chain with its anchors. Changes nothing.

    ``progress`` is called now and then with the number of rows that were read meanwhile. ``clock_stands``:
    nobody shifts the clock, as demos and tests do, so a row that says another time than it was made at is
    wrong; otherwise it is only counted.
    """
    began = stopwatch.perf_counter()
    with two_readers() as (rows_of, seals_of):
        work = _Work(organization_id, anchors, progress or (lambda rows: None))
        work.clock_stands = clock_stands
        work.run(rows_of, seals_of)
    work.report.seconds = stopwatch.perf_counter() - began
    return work.report


@dataclass
class _Expected:
    """Rows of one table that a seal names and the table has not shown yet, and the other way round."""

    sealed: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    shown: dict[bytes, bytes] = field(default_factory=dict)


class _Work:
    def __init__(self, organization_id: UUID, anchors: list[Anchor], progress: Progress) -> None:
        self.organization_id, self.progress = organization_id, progress
        self.report = Report(organization_id=organization_id)
        self.hash, self.numbered = chain.beginning(organization_id), 0
        self.anchors = {each.sequence: each for each in anchors}
        self.last_anchor = anchors[-1] if anchors else None
        self.expected = {name: _Expected() for name in SOURCES}
        self.clock_stands = False
        self.well_dated: set[bytes] = set()

    def run(self, rows_of: Reader, seals_of: Reader) -> None:
        seals = self._seals(seals_of)
        for source in SOURCES.values():
            self._compare(source, rows_of, seals)
        for _ in seals:
            pass
        head = seals_of.one(HEAD, self.organization_id)
        self._look_at_the_end(head)
        for name, expected in self.expected.items():
            for row_id, (_, sequence) in expected.sealed.items():
                self._found(DELETED, "was deleted", sequence, name, row_id.decode())
            self._look_at_unsealed(name, expected.shown, seals_of.now)

    # ---- Rows ----------------------------------------------------------------------------------------------

    def _compare(self, source: Source, rows_of: Reader, seals: Iterator[int]) -> None:
        """Read the table to its end, and seals so far ahead that most rows find their hash at once."""
        expected, well_dated = self.expected[source.name], self.well_dated
        sealed, shown = expected.sealed, expected.shown
        sql = ROWS.format(columns=source.listed, table=source.table, moment=source.moment)
        count = 0
        for line in rows_of.lines(sql, self.organization_id):
            if count % STEP == 0:
                self.progress(STEP if count else 0)
                while len(sealed) < AHEAD and next(seals, None) is not None:
                    pass
            count += 1
            row_id, found = line[:ID], sha256(line).digest()
            if line[MADE] + line[TOLD] not in well_dated:
                self._look_at_time(source, line)
            known = sealed.pop(row_id, None)
            if known is None:
                shown[row_id] = found
            elif known[0] != found:
                self._found(EDITED, "was changed after it was sealed", known[1], source.name, row_id.decode())
        self.progress(count % STEP)
        self.report.rows += count

    def _look_at_time(self, source: Source, line: bytes) -> None:
        """Compare the time that a row tells with the one in its id; few pairs of the two are different."""
        row_id, told = line[:ID].decode(), line[TOLD].decode()
        made = made_at(UUID(row_id))
        if made and abs(datetime.fromisoformat(f"{told}+00:00") - made) < GRACE:
            self.well_dated.add(line[MADE] + line[TOLD])
            return
        self.report.misdated += 1
        if self.clock_stands:
            self._found(MISDATED, f"says {told} and was not made then", None, source.name, row_id)

    def _look_at_unsealed(self, name: str, shown: dict[bytes, bytes], now: datetime) -> None:
        for row_id in shown:
            row = UUID(row_id.decode())
            made = made_at(row)
            if made is not None and now - GRACE <= made:
                self.report.waiting += 1
                continue
            self.report.unsealed.setdefault(name, []).append(row)
            self._found(INSERTED, "stands in no seal: it was put in later", None, name, str(row))

    # ---- Seals ---------------------------------------------------------------------------------------------

    def _seals(self, seals_of: Reader) -> Iterator[int]:
        """Check one seal after the other, and expect its rows; returns their sequences."""
        for seal in seals_of.seals(self.organization_id):
            self._check_order(seal)
            self._check_hash(seal)
            self._check_anchor(seal.sequence)
            self._expect(seal)
            self.report.sequence = seal.sequence
            yield seal.sequence

    def _check_order(self, seal: Any) -> None:
        if seal.sequence != self.report.sequence + 1:
            first, last = self.report.sequence + 1, seal.sequence - 1
            told = f"seals {first} to {last} are missing" if last > first else f"seal {first} is missing"
            self._found(MISSING, told, first)
        if seal.first_number != self.numbered + 1 and seal.sequence == self.report.sequence + 1:
            self._found(
                BROKEN, f"begins with row {seal.first_number}, not {self.numbered + 1}", seal.sequence
            )
        self.numbered = seal.first_number + seal.rows - 1

    def _check_hash(self, seal: Any) -> None:
        ids = seal.ids[1:-1].split(",")
        link = Link(
            organization_id=self.organization_id,
            sequence=seal.sequence,
            source=seal.source,
            first_number=seal.first_number,
            ids=ids,
            hashes=bytes(seal.row_hashes),
            settled_at=seal.settled_at,
            sealed_at=seal.sealed_at,
        )
        if chain.hash_of(link, self.hash) != bytes(seal.hash):
            self._found(BROKEN, "does not follow from the seal before it, or was changed", seal.sequence)
        if len(ids) != seal.rows or len(link.hashes) != seal.rows * chain.WIDTH:
            self._found(BROKEN, "does not hold as many rows as it says", seal.sequence)
        self.hash = bytes(seal.hash)

    def _check_anchor(self, sequence: int) -> None:
        anchor = self.anchors.pop(sequence, None)
        if anchor and anchor.hash != self.hash.hex():
            told = f"the chain was written anew: the anchor of {_at(anchor)} knows another hash for it"
            self._found(REWRITTEN, told, sequence)

    def _expect(self, seal: Any) -> None:
        """Expect the seal's rows in the table, or compare those that it has shown already."""
        sealed, shown = self.expected[seal.source].sealed, self.expected[seal.source].shown
        ids, hashes, width = seal.ids[1:-1].encode().split(b","), bytes(seal.row_hashes), chain.WIDTH
        self._look_at_ids(seal, ids)
        each = [hashes[place : place + width] for place in range(0, len(hashes), width)]
        already = shown.keys() & set(ids) if shown else ()
        sealed.update(zip(ids, zip(each, repeat(seal.sequence)), strict=False))
        for row_id in already:
            if shown.pop(row_id) != sealed.pop(row_id)[0]:
                told = "was changed after it was sealed"
                self._found(EDITED, told, seal.sequence, seal.source, row_id.decode())

    def _look_at_ids(self, seal: Any, ids: list[bytes]) -> None:
        """Ids are made in order of time, so a row's says whether it came when its seal was made."""
        too_late = first_made_at(seal.settled_at - GRACE) if seal.settled_at else UUID(int=0)
        too_early = first_made_at(seal.sealed_at + GRACE)
        least, most = str(too_late).encode(), str(too_early).encode()
        for row_id in ids:
            if least <= row_id < most and row_id[VERSION_AT] == SEVEN:
                continue
            kind, told = INSERTED, "was not made by the program"
            if row_id < least:
                kind, told = LATE, "was put in long after its time"
            self._found(kind, told, seal.sequence, seal.source, row_id.decode())

    def _look_at_the_end(self, head: Any) -> None:
        end = self.report.sequence
        if head and head.sequence != end:
            self._found(CUT, f"the chain ends at seal {end}, and ended at {head.sequence}", end)
        elif head and end and bytes(head.hash) != self.hash:
            self._found(BROKEN, "the chain's end is not the one that was noted", end)
        last = self.last_anchor
        if last and last.sequence > end:
            told = f"the chain was cut off: the anchor of {_at(last)} knows {last.sequence} seals, not {end}"
            self._found(CUT, told, end)
        anchored = head.anchored if head else 0
        if anchored and (last is None or last.sequence < anchored):
            told = f"seal {anchored} was anchored, and no file that was read has its anchor"
            self._found(UNANCHORED, told, anchored)

    def _found(
        self,
        kind: str,
        sentence: str,
        sequence: int | None,
        source: str | None = None,
        row: str | None = None,
    ) -> None:
        self.report.add(Finding(kind=kind, sentence=sentence, sequence=sequence, source=source, row_id=row))


def _at(anchor: Anchor) -> str:
    return f"{anchor.at:%Y-%m-%d %H:%M:%S} UTC"
