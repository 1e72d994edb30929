"""Rendered lists, kept in Redis for five minutes under the state of everything they show.

The key holds the tenant, the facility, the rights, what was asked and the generation: the ``seq`` of the
topics in PostgreSQL, read before the rows and bumped in the same transaction as each change (ADR 3). So what
is found was rendered from what PostgreSQL says now, or from something newer, whatever crashed or was lost.
Redis away: everything is read from PostgreSQL, and nobody notices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.broker import broker
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import StreamMoved, single_statement

FIVE_MINUTES = 300
# The topics that are named, and those that a module's own SQL finds; one that never moved stands at nothing.
STAND = """
    SELECT t.topic, s.epoch, s.seq FROM (SELECT unnest(CAST(:topics AS text[])) AS topic {more}) t
      LEFT JOIN kernel.streams s ON s.topic = t.topic ORDER BY t.topic
"""
# The same, and the witness of a view if everything still stands where the kept list was rendered from.
SEE_AGAIN = """
    WITH standing AS ({stand}), known AS (
        SELECT WHERE {proof} AND :generation = (
            SELECT string_agg(topic || '@' || COALESCE(CAST(epoch AS text), '') || '/' || COALESCE(seq, 0),
                              ' ' ORDER BY topic) FROM standing)
    ), witness AS ({witness})
    SELECT CASE WHEN NOT EXISTS (SELECT FROM witness) THEN (
               SELECT jsonb_agg(jsonb_build_array(topic, COALESCE(CAST(epoch AS text), ''), COALESCE(seq, 0))
                                ORDER BY topic) FROM standing) END AS moved
"""


@dataclass(frozen=True)
class Standing:
    """Where the topics of a list stand, all read in one moment. ``is_seen``: nothing has moved since the list
    was rendered that is shown again, and the access log says so already."""

    moved: Mapping[str, StreamMoved]
    is_seen: bool = False

    @property
    def topics(self) -> list[str]:
        return list(self.moved)

    @property
    def generation(self) -> str:
        return " ".join(f"{each.topic}@{each.epoch}/{each.seq}" for each in self.moved.values())


SEEN = Standing({}, is_seen=True)


@dataclass(frozen=True)
class View:
    """A kept list that is about to be shown again: from which state it was rendered, and the parameters of
    the witness."""

    generation: str
    witness: Mapping[str, Any]


class Stand:
    """Asks where topics stand. ``more`` is SQL that finds further ones by the values it names, ``witness`` is
    the INSERT that notes a view where the CTE ``known`` has a row, ``proof`` the condition that proves who
    asks where that is only remembered (ADR 42)."""

    def __init__(self, *, witness: str, more: str = "", proof: str | None = None) -> None:
        stand = STAND.format(more=f"UNION ALL {more}" if more else "")
        self._stand = Statement(stand)
        self._seen = Statement(SEE_AGAIN.format(stand=stand, witness=witness, proof=proof or "true"))
        self._proves = proof is not None

    def __call__(self, topics: Iterable[str], view: View | None = None, **values: object) -> Standing:
        values["topics"] = list(topics)
        rows: Any
        if view is None:
            rows = [(row.topic, str(row.epoch or ""), row.seq or 0) for row in self._stand.all(values)]
        else:
            if not self._proves:
                tenant.require_proof()
            with single_statement(), tenant.proving() as proof:
                asked = {**proof, **view.witness, "generation": view.generation, **values}
                rows = self._seen.first(asked).moved
        if rows is None:
            tenant.proved()
            return SEEN
        return Standing({topic: StreamMoved(topic, epoch, seq) for topic, epoch, seq in rows})


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


def find(key: str) -> Kept | None:
    stored = broker().attempt(lambda redis: redis.get(key))
    return Kept.from_bytes(stored) if isinstance(stored, bytes) else None


def keep(key: str, kept: Kept) -> None:
    broker().attempt(lambda redis: redis.set(key, kept.to_bytes(), ex=FIVE_MINUTES))


@dataclass(frozen=True)
class Shown:
    """What this process answered to a question, from which state, and until when that may be asked again."""

    kept: Kept
    generation: str
    address: str
    until: datetime


MOST_SHOWN = 128
_shown: dict[Hashable, Shown] = {}


def shown_here(question: Hashable) -> Shown | None:
    """Return what this process answered last. It holds only if its generation still does."""
    shown = _shown.get(question)
    return shown if shown and clock.now() < shown.until else None


def remember(question: Hashable, shown: Shown) -> None:
    """Remember an answer; the oldest of many are forgotten."""
    _shown.pop(question, None)
    while len(_shown) >= MOST_SHOWN:
        _shown.pop(next(iter(_shown)), None)
    _shown[question] = shown


def forget() -> None:
    """Forget what this process answered; Redis goes on keeping it."""
    _shown.clear()
