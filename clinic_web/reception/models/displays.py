"""Waiting-room displays: paired by a short code, then known by a narrow token that can be revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of
from clinic_web.reception.models.queues import SHOW_INITIALS, SHOW_NUMBER

LANGUAGES = ("en", "ar")
THEMES = ("auto", "light", "dark")

# The language that does not lead stands beside the first, takes turns with it, or is not shown.
BESIDE, IN_TURNS, ALONE = "BESIDE", "IN_TURNS", "ALONE"
SECONDS = (BESIDE, IN_TURNS, ALONE)

AS_LANGUAGE, WESTERN, ARABIC_INDIC = "AUTO", "LATN", "ARAB"
DIGITS = (AS_LANGUAGE, WESTERN, ARABIC_INDIC)

# A screen may show less of people than its queue allows, never more.
AS_QUEUE = "QUEUE"
PRIVACIES = (AS_QUEUE, SHOW_NUMBER, SHOW_INITIALS)

SILENT, BOTH = "OFF", "BOTH"
VOICES = (SILENT, *LANGUAGES, BOTH)

# Grounds of the head; static/css/board.css holds their colours, a test their contrast.
ACCENTS = ("green", "blue", "teal", "violet", "wine", "brown", "slate")

MOST_QUEUES = 6


class Display(Model, Stamped, Versioned):
    """A screen on a wall. Before it is paired it belongs to nobody and knows only its code.

    ``token_hash`` is the hash of the cookie the screen got when it asked for a code; approving the code at a
    desk gives that token the right to show the boards of its ``display_queues``, and nothing else.
    ``head`` stands above the board instead of the clinic's name, ``note`` below it.
    """

    __tablename__ = "displays"
    __table_args__ = (
        one_of("language", *LANGUAGES),
        one_of("theme", *THEMES),
        one_of("second_language", *SECONDS),
        one_of("digits", *DIGITS),
        one_of("privacy", *PRIVACIES),
        one_of("voice", *VOICES),
        one_of("accent", *ACCENTS),
        CheckConstraint(
            "paired_at IS NULL OR (organization_id IS NOT NULL AND facility_id IS NOT NULL)",
            name="paired_by_somebody",
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
    name: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, server_default="en", default="en")
    second_language: Mapped[str] = mapped_column(Text, server_default=BESIDE, default=BESIDE)
    digits: Mapped[str] = mapped_column(Text, server_default=AS_LANGUAGE, default=AS_LANGUAGE)
    theme: Mapped[str] = mapped_column(Text, server_default="light", default="light")
    accent: Mapped[str] = mapped_column(Text, server_default="green", default="green")
    privacy: Mapped[str] = mapped_column(Text, server_default=AS_QUEUE, default=AS_QUEUE)
    voice: Mapped[str] = mapped_column(Text, server_default=SILENT, default=SILENT)
    head: Mapped[str | None] = mapped_column(Text)
    head_ar: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    note_ar: Mapped[str | None] = mapped_column(Text)
    logo_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.board_logos.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    pairing_code: Mapped[str | None] = mapped_column(Text)
    code_expires_at: Mapped[Moment]
    paired_at: Mapped[datetime | None]
    paired_by: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"), default=dict)


class DisplayQueue(Model):
    """One of the queues that a display shows, in the order of ``place`` (from 0)."""

    __tablename__ = "display_queues"
    __table_args__ = (
        UniqueConstraint("display_id", "queue_id"),
        CheckConstraint(f"place BETWEEN 0 AND {MOST_QUEUES - 1}", name="place_on_the_screen"),
        Index(None, "queue_id"),
        {"schema": "reception"},
    )

    display_id: Mapped[UUID] = mapped_column(
        ForeignKey("reception.displays.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"))


class BoardLogo(Model):
    """A logo for heads of boards: a PNG that this program drew itself from what was uploaded.

    Known by the hash of its bytes, so that the same picture is kept once and its address never changes.
    """

    __tablename__ = "board_logos"
    __table_args__ = (
        UniqueConstraint("organization_id", "digest"),
        {"schema": "reception"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    digest: Mapped[str] = mapped_column(Text, index=True)
    image: Mapped[bytes] = mapped_column(LargeBinary)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[Moment]
    created_by: Mapped[UUID | None]
