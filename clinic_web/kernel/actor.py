"""Who is asking. Services receive an Actor; they never read the request or the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from clinic_web.kernel.errors import NotAllowed


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person, a display or the program itself, with its tenant and its rights.

    ``staff_id`` is set for people who work in clinics (doctors call their own line by it); ``user_id`` is
    None for the program itself. ``ip_address`` and ``user_agent`` go to the access log only.
    """

    organization_id: UUID
    facility_id: UUID | None = None
    user_id: UUID | None = None
    staff_id: UUID | None = None
    name: str = ""
    permissions: frozenset[str] = field(default_factory=frozenset)
    ip_address: str | None = None
    user_agent: str | None = None

    def can(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise NotAllowed (403) unless the actor has ``permission``."""
        if permission not in self.permissions:
            raise NotAllowed(permission)


def system_actor(organization_id: UUID, *, facility_id: UUID | None = None, name: str = "system") -> Actor:
    """Return the program itself as an actor: event handlers, imports and nightly jobs act as it."""
    return Actor(organization_id=organization_id, facility_id=facility_id, name=name)
