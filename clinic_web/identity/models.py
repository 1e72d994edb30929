"""Schema ``identity``."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    event,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

# The schema's other tables: whoever asks this file for the tables of identity gets all of them.
from clinic_web.identity import devices, links, proofs, tokens  # noqa: F401
from clinic_web.identity.kinds import MARK, PATIENT, STAFF
from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of

ACTIVE, INVITED, DISABLED = "ACTIVE", "INVITED", "DISABLED"
ALLOW, DENY = "ALLOW", "DENY"


class User(Model, Stamped, Versioned):
    """A person who signs in. ``staff_id`` names the member of staff (organization) that the person is.

    ``username`` is unique in the whole program, in lower case: the sign-in form does not ask for a tenant. A
    patient's is kept with a mark (see ``kinds``).
    """

    __tablename__ = "users"
    __table_args__ = (
        one_of("status", ACTIVE, INVITED, DISABLED),
        one_of("theme", "auto", "light", "dark"),
        one_of("kind", STAFF, PATIENT),
        CheckConstraint(f"(kind = '{PATIENT}') = starts_with(username, '{MARK}')", name="kind_by_name"),
        Index("uq_users_username", func.lower(text("username")), unique=True),
        Index(
            "uq_users_email",
            "kind",
            func.lower(text("email")),
            unique=True,
            postgresql_where=text("email IS NOT NULL"),
        ),
        # Looked at when the transaction ends: who comes and where they may work are written in turn.
        ForeignKeyConstraint(
            ["id", "facility_id", "organization_id"],
            [f"identity.user_facilities.{each}" for each in ("user_id", "facility_id", "organization_id")],
            deferrable=True,
            initially="DEFERRED",
            use_alter=True,
        ),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID] = mapped_column(index=True)
    # Where they work now: one of those where they may (UserFacility).
    facility_id: Mapped[UUID | None]
    staff_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text, server_default=STAFF, default=STAFF)
    username: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    email_verified: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    phone: Mapped[str | None] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(Text)
    # Somebody else knows the password (it was handed over on paper): it opens nothing but its own change.
    must_change_password: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    first_name: Mapped[str] = mapped_column(Text)
    last_name: Mapped[str] = mapped_column(Text)
    license_number: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, server_default="en", default="en")
    theme: Mapped[str] = mapped_column(Text, server_default="auto", default="auto")
    status: Mapped[str] = mapped_column(Text, server_default=ACTIVE, default=ACTIVE)
    failed_login_attempts: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    last_failed_login_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    # Another random value after each change of this row or of what the person may do: processes remember
    # the person under it. Random, not counted: a restored backup never repeats what somebody remembers.
    rights_stamp: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid(), default=uuid4)
    deleted_at: Mapped[datetime | None]

    @property
    def display_name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    def rights_changed(self) -> None:
        """Make every process read this person's rights again, at the next request."""
        self.rights_stamp = uuid4()

    def take_password(self, password_hash: str, *, is_for_once: bool = False) -> None:
        """Sign in with this password from now on; who was only invited becomes active by it."""
        self.password_hash = password_hash
        self.must_change_password = is_for_once
        if self.status == INVITED:
            self.status = ACTIVE

    def disable(self) -> None:
        self.status = DISABLED

    def let_in_again(self) -> None:
        """End ``disable``; without a password the person is only invited."""
        self.status = ACTIVE if self.password_hash else INVITED


@event.listens_for(User, "before_update")
def _renew_stamp(_mapper: Any, _connection: Any, user: User) -> None:
    """Whoever changes a person's row through the model needs not think of the processes that remember it."""
    user.rights_changed()


class UserFacility(Model):
    """A facility at which a person may work."""

    __tablename__ = "user_facilities"
    __table_args__ = {"schema": "identity"}  # noqa: RUF012

    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID | None]


class Role(Model, Stamped, Versioned):
    """A named group of permissions. System roles (``organization_id`` null) are every tenant's."""

    __tablename__ = "roles"
    __table_args__ = (
        UniqueConstraint("organization_id", "name", postgresql_nulls_not_distinct=True),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="", default="")
    is_system: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)


class Permission(Model):
    """The right to one action on one kind of resource; ``name`` is ``resource.action``."""

    __tablename__ = "permissions"
    __table_args__ = (UniqueConstraint("resource", "action"), {"schema": "identity"})

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(Text, unique=True)
    resource: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="", default="")
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class RolePermission(Model):
    __tablename__ = "role_permissions"
    __table_args__ = {"schema": "identity"}  # noqa: RUF012

    role_id: Mapped[UUID] = mapped_column(ForeignKey("identity.roles.id"), primary_key=True)
    permission_id: Mapped[UUID] = mapped_column(ForeignKey("identity.permissions.id"), primary_key=True)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class UserRole(Model):
    __tablename__ = "user_roles"
    __table_args__ = {"schema": "identity"}  # noqa: RUF012

    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"), primary_key=True)
    role_id: Mapped[UUID] = mapped_column(ForeignKey("identity.roles.id"), primary_key=True)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class UserPermission(Model):
    """One permission given to, or taken from, one person, and why. DENY wins over every role."""

    __tablename__ = "user_permissions"
    __table_args__ = (one_of("effect", ALLOW, DENY), {"schema": "identity"})

    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"), primary_key=True)
    permission_id: Mapped[UUID] = mapped_column(ForeignKey("identity.permissions.id"), primary_key=True)
    effect: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class Session(Model):
    """One signed-in browser. The cookie holds the token, this row only its hash."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_open", "user_id", postgresql_where=text("revoked_at IS NULL")),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    device_fingerprint: Mapped[str | None] = mapped_column(Text)
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    revoked_at: Mapped[datetime | None]
    # When the person last gave a second factor here, and when whatever proof they have.
    mfa_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]


class LoginAttempt(Model):
    """A try to sign in; ``email`` is what was typed as user name. It is the tenant's whose name it is."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        Index(None, "email", "attempted_at"),
        Index(None, "attempted_at"),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID | None] = mapped_column(server_default=text("kernel.tenant()"))
    email: Mapped[str] = mapped_column(Text)
    ip_address: Mapped[str | None] = mapped_column(INET)
    success: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str | None] = mapped_column(Text)
    # The person's known device that it came from; its tries are counted apart from strangers'.
    device_id: Mapped[UUID | None]
    attempted_at: Mapped[Moment]


class SavedView(Model, Stamped, Versioned):
    """The filters and the order of a list under a name: a person's own, or shared with their facility.

    ``query`` is the address after the question mark, as the list itself writes it; ``list`` the list's name.
    """

    __tablename__ = "saved_views"
    __table_args__ = (
        Index(
            "uq_saved_views_name",
            "user_id",
            "list",
            func.lower(text("name")),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_saved_views_shared", "facility_id", "list", postgresql_where=text("is_shared")),
        {"schema": "identity"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID | None]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"))
    list: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    query: Mapped[str] = mapped_column(Text)
    is_shared: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    deleted_at: Mapped[datetime | None]
