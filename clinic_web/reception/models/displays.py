"""Waiting-room displays: paired by a short code, then known by a narrow token that can be revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of


class Display(Model, Stamped, Versioned):
    """A screen on a wall. Before it is paired it belongs to nobody and knows only its code.

    ``token_hash`` is the hash of the cookie the screen got when it asked for a code; approving the code at a
    desk gives that token the right to show ``queue_id``'s board, and nothing else.
    """

    __tablename__ = "displays"
    __table_args__ = (
        one_of("language", "en", "ar"),
        one_of("theme", "auto", "light", "dark"),
        CheckConstraint(
            "paired_at IS NULL OR (organization_id IS NOT NULL AND queue_id IS NOT NULL)",
            name="paired_to_a_queue",
        ),
        Index(
            "uq_displays_open_code",
            "pairing_code",
            unique=True,
            postgresql_where=text("pairing_code IS NOT NULL"),
        ),
        {"schema": "reception"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID | None]
    facility_id: Mapped[UUID | None]
    queue_id: Mapped[UUID | None]
    name: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, server_default="en", default="en")
    theme: Mapped[str] = mapped_column(Text, server_default="light", default="light")
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    pairing_code: Mapped[str | None] = mapped_column(Text)
    code_expires_at: Mapped[Moment]
    paired_at: Mapped[datetime | None]
    paired_by: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"), default=dict)
