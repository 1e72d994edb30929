"""Anchors: where each chain ended when, in a file outside the database that is only ever added to.

The chain alone does not show that its end was cut off, or that all of it was written anew; an anchor does.
One JSON object per line. Whoever may change the database should not be able to change this file: another
volume or machine, append-only where the file system knows that (docs/operations.md).
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from clinic_web.audit.ports import ports
from clinic_web.config import ConfigError
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction

# The end of a chain that has moved since it was anchored; nobody else needs the row meanwhile.
MOVED = Statement(
    """
    SELECT sequence, rows, hash FROM audit.chains
     WHERE organization_id = :organization_id AND sequence > anchored FOR UPDATE
    """
)
ANCHORED = Statement("UPDATE audit.chains SET anchored = :sequence WHERE organization_id = :organization_id")

_path: Path | None = None
_is_production = False


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """The end of a tenant's chain at one moment: ``rows`` are sealed by ``sequence`` seals."""

    at: datetime
    organization_id: UUID
    sequence: int
    rows: int
    hash: str

    def to_line(self) -> bytes:
        told = {
            "at": self.at.isoformat(),
            "chain": str(self.organization_id),
            "sequence": self.sequence,
            "rows": self.rows,
            "hash": self.hash,
        }
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def configure(path: Path | None, *, is_production: bool = False) -> None:
    """Say where anchors go (the setting AUDIT_ANCHORS), and whether this is where people are treated."""
    global _path, _is_production
    _path, _is_production = path, is_production


def clock_stands() -> bool:
    """Return whether nobody may shift the clock here, as demos and tests do."""
    return _is_production


def path() -> Path:
    """Return the file; ConfigError when the setting is missing."""
    if _path is None:
        raise ConfigError("AUDIT_ANCHORS is not set: the file, outside the database, for the chains' ends.")
    return _path


def write_all() -> int:
    """Anchor every chain that has moved; return how many. Raises OSError when the file can't be written."""
    file = path()
    return sum(_write_one(organization_id, file) for organization_id in ports.tenants())


def _write_one(organization_id: UUID, file: Path) -> bool:
    """The line is on the disk before the row says so: a kill between the two writes it twice, harmlessly."""
    with tenant.of(organization_id), transaction():
        moved = MOVED.first({"organization_id": organization_id})
        if moved is None:
            return False
        anchor = Anchor(
            at=clock.now(),
            organization_id=organization_id,
            sequence=moved.sequence,
            rows=moved.rows,
            hash=bytes(moved.hash).hex(),
        )
        append(file, anchor)
        ANCHORED.run({"organization_id": organization_id, "sequence": moved.sequence})
    return True


def append(file: Path, anchor: Anchor) -> None:
    """Add one line to the file, and wait until the disk has it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        size = os.fstat(handle).st_size
        is_half = size > 0 and os.pread(handle, 1, size - 1) != b"\n"  # a crash in the middle of a line
        os.write(handle, b"\n" * is_half + anchor.to_line())
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Anchors:
    """What files say: anchors by tenant in order, and lines that are none (a crash may leave half one)."""

    of: Mapping[UUID, list[Anchor]]
    unreadable: list[str]


def read(files: Iterable[Path]) -> Anchors:
    """Read the files; one that is not there has no anchors."""
    found: defaultdict[UUID, list[Anchor]] = defaultdict(list)
    unreadable = []
    for file in files:
        for number, line in enumerate(file.read_bytes().splitlines() if file.is_file() else [], start=1):
            anchor = _from_line(line)
            if anchor is None:
                unreadable.append(f"{file}, line {number}")
            else:
                found[anchor.organization_id].append(anchor)
    for anchors in found.values():
        anchors.sort(key=lambda each: each.sequence)
    return Anchors(found, unreadable)


def _from_line(line: bytes) -> Anchor | None:
    try:
        told = json.loads(line)
        return Anchor(
            at=datetime.fromisoformat(told["at"]),
            organization_id=UUID(told["chain"]),
            sequence=int(told["sequence"]),
            rows=int(told["rows"]),
            hash=str(told["hash"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
