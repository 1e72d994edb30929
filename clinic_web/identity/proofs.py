"""Schema ``identity``: how people prove who they are beside a password, and what begins such a proof."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel import clock
from clinic_web.kernel.db import Key, Model, Moment, one_of
from clinic_web.kernel.secret_store import Sealed

TOTP, PASSKEY = "TOTP", "PASSKEY"
SIGN_IN, PROVE, REGISTER, KEY_ONLY = "SIGN_IN", "PROVE", "REGISTER", "KEY_ONLY"


class Factor(Model):
    """Something a person has: an authenticator app (TOTP) or a passkey.

    An app's ``secret`` is its seed, sealed; ``last_step`` is the last half minute whose code was taken, so no
    code is taken twice. A passkey has a public key, and ``sign_count`` as its device counts.
    """

    __tablename__ = "factors"
    __table_args__ = (
        one_of("kind", TOTP, PASSKEY),
        Index("ix_factors_user_id", "user_id"),
        Index(
            "uq_factors_app",
            "user_id",
            unique=True,
            postgresql_where=text("kind = 'TOTP' AND confirmed_at IS NOT NULL"),
        ),
        Index(
            "uq_factors_app_begun",
            "user_id",
            unique=True,
            postgresql_where=text("kind = 'TOTP' AND confirmed_at IS NULL"),
        ),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"))
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, server_default="", default="")
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str | None] = mapped_column(Text)
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    credential_id: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    transports: Mapped[str] = mapped_column(Text, server_default="", default="")
    is_backed_up: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    confirmed_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())

    def keep_secret(self, sealed: Sealed) -> None:
        self.secret, self.key_id = sealed.data, sealed.key_id

    def sealed(self) -> Sealed:
        return Sealed(self.key_id or "", self.secret or b"")

    def about(self) -> str:
        """Return what the seed is sealed with: of another row it can't be opened."""
        return f"identity.factors:{self.id}:{self.user_id}"

    def used_in(self, step: int) -> bool:
        """Take a code's half minute, unless it or a later one was taken before."""
        if self.last_step is not None and step <= self.last_step:
            return False
        self.last_step, self.last_used_at = step, clock.now()
        return True


class RecoveryCode(Model):
    """One of ten codes on paper for who lost everything else; each opens once. ``salt`` is the person's."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index("ix_recovery_codes_user_id", "user_id"), {"schema": "identity"})

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"))
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime | None]


class Challenge(Model):
    """A proof that has begun: the password was right and the second factor is awaited (SIGN_IN), or a passkey
    was asked for. The browser keeps the token, this row its hash; it opens nothing, and serves once.

    ``challenge`` is what a passkey must sign. Who nobody knows yet (KEY_ONLY) has no ``user_id``.
    """

    __tablename__ = "challenges"
    __table_args__ = (
        one_of("purpose", SIGN_IN, PROVE, REGISTER, KEY_ONLY),
        Index("ix_challenges_expires_at", "expires_at"),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("identity.users.id"))
    purpose: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    challenge: Mapped[bytes | None] = mapped_column(LargeBinary)
    ip_address: Mapped[str | None] = mapped_column(INET)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    expires_at: Mapped[Moment]


class RoleRule(Model):
    """What a tenant demands of the people of a role, also of a role that is every tenant's."""

    __tablename__ = "role_rules"
    __table_args__ = {"schema": "identity"}  # noqa: RUF012

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    role_id: Mapped[UUID] = mapped_column(
        ForeignKey("identity.roles.id", ondelete="CASCADE"), primary_key=True
    )
    requires_second_factor: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    updated_at: Mapped[Moment] = mapped_column(server_default=func.now())
    updated_by: Mapped[UUID | None]
