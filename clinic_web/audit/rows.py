"""The rows that are sealed, as bytes that are always the same: lines of PostgreSQL's COPY in text form.

``READING`` settles what a session could write otherwise: times in UTC, in ISO form. JSON and addresses have
one text form. The first column is the id, so the first 36 bytes of a line say which row it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import text

from clinic_web.audit.models import EMERGENCY, REFUSED
from clinic_web.kernel.db import db

UUIDV7 = 7
ID = 36  # bytes of an id at the beginning of a line
READING = text("SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true)")
ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
PLAIN = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True)
class Source:
    """A table that is sealed. ``columns`` in their lasting order: a new one makes a new form of the chain."""

    name: str
    columns: tuple[str, ...]
    moment: str

    @property
    def table(self) -> str:
        return f"audit.{self.name}"

    @property
    def listed(self) -> str:
        return ", ".join(f"a.{column}" for column in self.columns)


SEEN = Source(
    "access_logs",
    (
        *("id", "organization_id", "accessed_at", "user_id", "action", "resource_type", "resource_id"),
        *("result", "ip_address", "user_agent", "metadata"),
    ),
    "accessed_at",
)
CHANGED = Source(
    "changes",
    (
        *("id", "organization_id", "changed_at", "user_id", "action", "resource_type", "resource_id"),
        *("old_values", "new_values", "ip_address", "user_agent"),
    ),
    "changed_at",
)
SOURCES = {each.name: each for each in (SEEN, CHANGED)}


@dataclass
class Row:
    """What of a line says whose row it is. ``resource_ids``: of one resource, or of a whole list."""

    id: str
    at: str
    user_id: str | None
    action: str
    resource_type: str
    resource_ids: list[str]
    is_refused: bool
    is_emergency: bool = False
    subjects: set[str] = field(default_factory=set)


def copy(driver: Any, sql: str, values: dict[str, Any]) -> Iterator[bytes]:
    """Run ``COPY (sql)`` on a psycopg connection and return its lines, each with its line feed."""
    with driver.cursor().copy(f"COPY ({sql}) TO STDOUT", values) as lines:
        for line in lines:
            yield bytes(line)


def driver() -> Any:
    """Return psycopg's connection of the session's transaction."""
    return db.session.connection().connection.driver_connection


def parse(line: bytes, source: Source) -> Row:
    values = dict(zip(source.columns, map(_plain, line.rstrip(b"\n").split(b"\t")), strict=True))
    listed = json.loads(values.get("metadata") or "{}").get("ids", ()) if source is SEEN else ()
    one = values["resource_id"]
    return Row(
        id=str(values["id"]),
        at=str(values[source.moment]),
        user_id=values["user_id"],
        action=str(values["action"]),
        resource_type=str(values["resource_type"]),
        resource_ids=[*([one] if one else []), *map(str, listed)],
        is_refused=values.get("result") == REFUSED,
        is_emergency=values.get("result") == EMERGENCY,
    )


def _plain(cell: bytes) -> str | None:
    if cell == rb"\N":
        return None
    if b"\\" in cell:
        cell = ESCAPED.sub(lambda found: PLAIN.get(found[1], found[1]), cell)
    return cell.decode()


@lru_cache(maxsize=512)
def action_subject(action: str) -> UUID:
    """Return the subject under which rows of an action are traced."""
    return uuid5(NAMESPACE_URL, f"clinic:audit:action:{action}")


REFUSED_SUBJECT = uuid5(NAMESPACE_URL, "clinic:audit:refused")
EMERGENCY_SUBJECT = uuid5(NAMESPACE_URL, "clinic:audit:emergency")


def first_made_at(moment: datetime) -> UUID:
    """Return the least id that is made at ``moment``: ids are UUIDv7, in order of time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def made_at(row_id: UUID) -> datetime | None:
    """Return when a row's id was made, or None for one that the program did not make."""
    if row_id.version != UUIDV7:
        return None
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)
