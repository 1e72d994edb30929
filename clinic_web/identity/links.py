"""Schema ``identity``: links that are sent to people, and the requests for them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, one_of

INVITE, RESET, VERIFY = "INVITE", "RESET", "VERIFY"


class Link(Model):
    """A link by which a person chooses a password (INVITE, RESET) or shows an address to be theirs (VERIFY).

    Made at the moment of sending, so that nothing that waits in a queue opens anything. It opens once.
    """

    __tablename__ = "links"
    __table_args__ = (
        one_of("purpose", INVITE, RESET, VERIFY),
        Index("ix_links_user_id_purpose", "user_id", "purpose"),
        Index("ix_links_expires_at", "expires_at"),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"))
    purpose: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    email: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    expires_at: Mapped[Moment]
    used_at: Mapped[datetime | None]


class LinkRequest(Model):
    """Somebody said at the sign-in page that they forgot their password. Written down in the same way whether
    there is such a person (``user_id``) or not; a job answers it later."""

    __tablename__ = "link_requests"
    __table_args__ = (
        Index("ix_link_requests_ip_address_requested_at", "ip_address", "requested_at"),
        Index("ix_link_requests_user_id_requested_at", "user_id", "requested_at"),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    requested_at: Mapped[Moment]
    answered_at: Mapped[datetime | None]
