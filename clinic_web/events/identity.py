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
class RoleChanged:
    """A person's rights changed: by a role, or by one given or taken."""

    TOPIC: ClassVar[str] = "role.changed"
    AGGREGATE: ClassVar[tuple[str, str]] = ("user", "user_id")
    organization_id: UUID
    user_id: UUID
