"""Rendered lists, kept in Redis for five minutes under the state of everything they show.

The key holds the tenant, the facility, the rights, what was asked and the generation: the ``seq`` of the
topics in PostgreSQL, read before the rows and bumped in the same transaction as each change (ADR 3). So what
is found was rendered from what PostgreSQL says now, or from something newer, whatever crashed or was lost.
Redis away: everything is read from PostgreSQL, and nobody notices.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.broker import broker
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import StreamMoved

FIVE_MINUTES = 300
# The topics that are named, and those that a module's own SQL finds; one that never moved stands at nothing.
STAND = """
    SELECT t.topic, s.epoch, s.seq FROM (SELECT unnest(CAST(:topics AS text[])) AS topic {more}) t
      LEFT JOIN kernel.streams s ON s.topic = t.topic ORDER BY t.topic
"""
NEVER = StreamMoved("", "", 0)


@dataclass(frozen=True)
class Standing:
    """Where the topics of a list stand, all read in one moment."""

    moved: Mapping[str, StreamMoved]

    @property
    def topics(self) -> list[str]:
        return list(self.moved)

    @property
    def generation(self) -> str:
        return " ".join(f"{each.topic}@{each.epoch}/{each.seq}" for each in self.moved.values())


class Stand:
    """Asks where topics stand; ``more`` is SQL that finds further ones by the values it names."""

    def __init__(self, more: str = "") -> None:
        self._statement = Statement(STAND.format(more=f"UNION ALL {more}" if more else ""))

    def __call__(self, topics: Iterable[str], **values: object) -> Standing:
        rows = self._statement.all({"topics": list(topics), **values})
        return Standing(
            {row.topic: StreamMoved(row.topic, str(row.epoch or ""), row.seq or 0) for row in rows}
        )


@dataclass(frozen=True)
class Kept:
    """A rendered list, and the ids of the rows on it as each view of it leaves them in the access log: a
    JSON object, or nothing where there is no row."""

    ids: str | None
    html: bytes

    @classmethod
    def of(cls, ids: Iterable[UUID], html: str) -> Kept:
        listed = [str(each) for each in ids]
        return cls(json.dumps({"ids": listed}) if listed else None, html.encode())

    def to_bytes(self) -> bytes:
        return (self.ids or "").encode() + b"\n" + self.html

    @classmethod
    def from_bytes(cls, stored: bytes) -> Kept:
        ids, _, html = stored.partition(b"\n")
        return cls(ids.decode() or None, html)


def key_of(name: str, actor: Actor, standing: Standing, asked: Mapping[str, str]) -> str:
    """Return the key of a list. ``asked`` is whatever else decides how it looks: filters, page, language."""
    question = json.dumps(asked, sort_keys=True)
    parts = (
        str(actor.organization_id),
        str(actor.facility_id),
        _rights(actor.permissions),
        question,
        standing.generation,
    )
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
    return f"clinic:list:{name}:{digest}"


@lru_cache(maxsize=256)
def _rights(permissions: frozenset[str]) -> str:
    return " ".join(sorted(permissions))


# The newest of this process: a key never means anything else, so what it leads to can stand here as well.
MOST_HERE = 128
_here: dict[str, tuple[float, Kept]] = {}


def find(key: str) -> Kept | None:
    """Return what is kept under the key, in this process or in Redis."""
    until, kept = _here.get(key, (0.0, None))
    if kept is not None and time.monotonic() < until:
        return kept
    stored = broker().attempt(lambda redis: redis.get(key))
    if not isinstance(stored, bytes):
        return None
    kept = Kept.from_bytes(stored)
    _keep_here(key, kept)
    return kept


def keep(key: str, kept: Kept) -> None:
    _keep_here(key, kept)
    broker().attempt(lambda redis: redis.set(key, kept.to_bytes(), ex=FIVE_MINUTES))


def _keep_here(key: str, kept: Kept) -> None:
    while len(_here) >= MOST_HERE:
        _here.pop(next(iter(_here)), None)
    _here[key] = (time.monotonic() + FIVE_MINUTES, kept)


def forget() -> None:
    """Forget what this process keeps; Redis goes on keeping it."""
    _here.clear()
