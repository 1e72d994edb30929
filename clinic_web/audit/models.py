"""Schema ``audit``: who saw whose data, what changed from what to what, and the chain that seals both."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, INET
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, one_of

# EMERGENCY: allowed, because who asked opened the chart with a reason (break-glass).
ALLOWED, REFUSED, EMERGENCY = "ALLOWED", "REFUSED", "EMERGENCY"


class AccessLog(Model):
    """One view or change of a patient's data; a list view is one row with the ids in ``metadata``."""

    __tablename__ = "access_logs"
    __table_args__ = (
        one_of("result", ALLOWED, REFUSED, EMERGENCY),
        Index(None, "organization_id", "accessed_at"),
        Index(None, "organization_id", "resource_type", "resource_id"),
        {"schema": "audit"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(Text)
    resource_type: Mapped[str] = mapped_column(Text)
    resource_id: Mapped[UUID | None]
    result: Mapped[str] = mapped_column(Text)
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(Text)
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    accessed_at: Mapped[Moment]


class Change(Model):
    """Old and new values of money, stock, medication or rights."""

    __tablename__ = "changes"
    __table_args__ = (
        Index(None, "organization_id", "changed_at"),
        Index(None, "organization_id", "resource_type", "resource_id"),
        {"schema": "audit"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(Text)
    resource_type: Mapped[str] = mapped_column(Text)
    resource_id: Mapped[UUID]
    old_values: Mapped[dict[str, Any] | None]
    new_values: Mapped[dict[str, Any] | None]
    changed_at: Mapped[Moment]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(Text)


class Chain(Model):
    """Where a tenant's chain ends; the sealer's working state, and evidence of nothing.

    All rows made before ``settled_at`` are sealed. ``pending_at`` becomes ``settled_at`` when every
    transaction that had begun to write by then (below ``pending_xid``) is over. ``swept`` is the row at which
    a sweep goes on that one transaction did not end, with when and where it began. ``anchored`` is the
    sequence of the last seal whose hash was written outside the database.
    """

    __tablename__ = "chains"
    __table_args__ = ({"schema": "audit"},)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    settled_at: Mapped[Moment | None]
    pending_at: Mapped[Moment | None]
    pending_xid: Mapped[int | None] = mapped_column(BigInteger)
    swept: Mapped[UUID | None]
    swept_at: Mapped[Moment | None]
    swept_over: Mapped[int | None] = mapped_column(BigInteger)
    swept_begun: Mapped[int | None] = mapped_column(BigInteger)
    anchored: Mapped[int] = mapped_column(BigInteger)


class Seal(Model):
    """A link of a tenant's chain: some rows of one table, each with its hash, and the hash of all before.

    ``first_number`` is the first row's number in the chain. ``settled_at`` is the chain's at that moment:
    a row that was made long before it came long after its time. Insert only.
    """

    __tablename__ = "seals"
    __table_args__ = (
        one_of("source", "access_logs", "changes"),
        Index(None, "organization_id", "last_id"),
        {"schema": "audit"},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(Text)
    first_number: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(Integer)
    row_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    row_hashes: Mapped[bytes] = mapped_column(LargeBinary)
    first_id: Mapped[UUID]
    last_id: Mapped[UUID]
    settled_at: Mapped[Moment | None]
    sealed_at: Mapped[Moment]
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Trace(Model):
    """Which rows of a seal are of one subject: a patient, a person, a kind of action, or those refused.

    What the filters of /audit ask, written by the sealer, so that nobody's request pays for an index.
    """

    __tablename__ = "traces"
    __table_args__ = ({"schema": "audit"},)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(Text)
    first_at: Mapped[Moment]
    last_at: Mapped[Moment]
    row_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))


class Verification(Model):
    """One verification of a tenant's chain, by night or by hand. ``problem`` is the first of ``problems``."""

    __tablename__ = "verifications"
    __table_args__ = (Index(None, "organization_id", "finished_at"), {"schema": "audit"})

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    started_at: Mapped[Moment]
    finished_at: Mapped[Moment]
    rows: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)
    problems: Mapped[int] = mapped_column(Integer)
    problem: Mapped[str | None] = mapped_column(Text)
