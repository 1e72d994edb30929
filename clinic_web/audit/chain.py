"""The hashes of the chain: SHA-256 over the hash before and what is sealed. Knows no database.

A row is hashed as PostgreSQL's COPY writes it in text (``rows.py`` says which columns in which order, with
times in UTC). A seal covers some rows of one table: each row's id and hash, so that an edit is found and
named, and the hash of the seal before, so that no seal can be edited, left out or put in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

FORM = b"clinic-audit-1"  # a later form of these bytes gets another name
WIDTH = 32  # bytes of a hash
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a seal's hash is over, besides the seal before. ``hashes`` are the rows', one after the other."""

    organization_id: UUID
    sequence: int
    source: str
    first_number: int
    ids: list[str]
    hashes: bytes
    settled_at: datetime | None
    sealed_at: datetime


def hash_of_row(line: bytes | memoryview) -> bytes:
    return sha256(line).digest()


def beginning(organization_id: UUID) -> bytes:
    """Return what stands before a tenant's first seal."""
    return sha256(b"\n".join((FORM, str(organization_id).encode()))).digest()


def hash_of(link: Link, before: bytes) -> bytes:
    """Return the hash of a seal that follows the one whose hash is ``before``."""
    told = (
        FORM,
        str(link.organization_id).encode(),
        str(link.sequence).encode(),
        link.source.encode(),
        str(link.first_number).encode(),
        str(len(link.ids)).encode(),
        _moment(link.settled_at),
        _moment(link.sealed_at),
        before.hex().encode(),
        ",".join(link.ids).encode(),
        link.hashes.hex().encode(),
    )
    return sha256(b"\n".join(told)).digest()


def _moment(moment: datetime | None) -> bytes:
    """Microseconds since 1970, whatever the time zone it is told in."""
    if moment is None:
        return b"-"
    return str((moment - EPOCH) // timedelta(microseconds=1)).encode()
