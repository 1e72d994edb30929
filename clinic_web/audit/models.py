"""Schema ``audit``: who saw whose data, and what changed from what to what. Insert only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, one_of

ALLOWED, REFUSED = "ALLOWED", "REFUSED"


class AccessLog(Model):
    """One view or change of a patient's data; a list view is one row with the ids in ``metadata``."""

    __tablename__ = "access_logs"
    __table_args__ = (
        one_of("result", ALLOWED, REFUSED),
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
