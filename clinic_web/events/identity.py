"""What identity tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class SessionRevoked:
    TOPIC: ClassVar[str] = "session.revoked"
    AGGREGATE: ClassVar[tuple[str, str]] = ("session", "session_id")
    organization_id: UUID
    session_id: UUID
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class DeviceAppeared:
    """A person signed in with a browser they had never used before."""

    TOPIC: ClassVar[str] = "device.appeared"
    AGGREGATE: ClassVar[tuple[str, str]] = ("user", "user_id")
    organization_id: UUID
    user_id: UUID
    device_id: UUID


@dataclass(frozen=True, kw_only=True)
class StaffInvited:
    """Somebody was made a user without a password; a link lets them choose one."""

    TOPIC: ClassVar[str] = "staff.invited"
    AGGREGATE: ClassVar[tuple[str, str]] = ("user", "user_id")
    organization_id: UUID
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class PasswordForgotten:
    """A person (or somebody with their name) asked for a link to choose another password."""

    TOPIC: ClassVar[str] = "password.forgotten"
    AGGREGATE: ClassVar[tuple[str, str]] = ("user", "user_id")
    organization_id: UUID
    user_id: UUID
    request_id: UUID


@dataclass(frozen=True, kw_only=True)
class AddressGiven:
    """A person gave an e-mail address that has to be shown to be theirs."""

    TOPIC: ClassVar[str] = "address.given"
    AGGREGATE: ClassVar[tuple[str, str]] = ("user", "user_id")
    organization_id: UUID
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class RoleChanged:
    """A person's rights changed: by a role, or by one given or taken."""

    TOPIC: ClassVar[str] = "role.changed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("user", "user_id")
    organization_id: UUID
    user_id: UUID
