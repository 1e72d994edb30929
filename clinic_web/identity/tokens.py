"""Schema ``identity``: tokens of other programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment


class ApiToken(Model):
    """What a program of a tenant's shows instead of a person. Narrow: these rights, at this facility, until
    then.

    ``permissions`` are names; pages are open to reading only, the JSON API to all of them. The token itself
    is kept nowhere. ``requests_per_minute`` is how often the JSON API answers it.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (
        Index("ix_api_tokens_organization_id", "organization_id"),
        CheckConstraint("requests_per_minute > 0", name="rate_positive"),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    permissions: Mapped[list[Any]]
    requests_per_minute: Mapped[int] = mapped_column(Integer, server_default="300", default=300)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID | None]
    expires_at: Mapped[Moment]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
