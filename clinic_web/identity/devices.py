"""Schema ``identity``: the browsers that people have signed in with."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment


class Device(Model):
    """A browser of a person's; ``fingerprint`` is the hash of the token in its cookie, nothing measured.

    ``is_verified``: the owner said that it is theirs.
    """

    __tablename__ = "devices"
    __table_args__ = (UniqueConstraint("user_id", "fingerprint"), {"schema": "identity"})

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"))
    fingerprint: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, server_default="", default="")
    is_verified: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    ip_address: Mapped[str | None] = mapped_column(INET)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    last_used: Mapped[Moment]
