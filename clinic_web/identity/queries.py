"""Who a token belongs to and what they may do (asked on every request); which sessions are open."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from clinic_web.identity.permissions import EVERYBODY
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db

IDLE_LIMIT = timedelta(hours=2)
ABSOLUTE_LIMIT = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """A signed-in person, in the form that Flask-Login wants its users."""

    token: str = field(repr=False)
    session_id: UUID
    actor: Actor
    language: str
    theme: str
    display_name: str
    rights_stamp: UUID
    last_seen_at: datetime

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.token


# The unique index on the hash and one primary key, nothing else: every request pays for this. Whether the
# rights have changed since this process last read them is told by the stamp on the person's own row.
BY_TOKEN = text(
    """
    SELECT s.id, s.user_id, s.last_seen_at, u.organization_id, u.facility_id, u.staff_id,
           u.first_name, u.last_name, u.language, u.theme, u.rights_stamp
      FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
     WHERE s.token_hash = :token_hash
       AND s.revoked_at IS NULL AND s.expires_at > :now AND s.last_seen_at > :idle_since
       AND u.status = 'ACTIVE' AND u.deleted_at IS NULL
    """
)

PERMISSIONS_OF = text(
    """
    SELECT p.name FROM identity.permissions p
     WHERE p.id IN (SELECT rp.permission_id
                      FROM identity.user_roles ur JOIN identity.role_permissions rp ON rp.role_id = ur.role_id
                     WHERE ur.user_id = :user_id
                     UNION ALL
                    SELECT up.permission_id FROM identity.user_permissions up
                     WHERE up.user_id = :user_id AND up.effect = 'ALLOW')
       AND NOT EXISTS (SELECT FROM identity.user_permissions no
                        WHERE no.user_id = :user_id AND no.permission_id = p.id AND no.effect = 'DENY')
    """
)

OPEN = text(
    """
    SELECT s.id, u.rights_stamp
      FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
     WHERE s.id = ANY(:ids) AND s.revoked_at IS NULL AND s.expires_at > :now AND s.last_seen_at > :idle_since
       AND u.status = 'ACTIVE' AND u.deleted_at IS NULL
    """
)

OPEN_OF_USER = text(
    """
    SELECT id, host(ip_address) AS ip_address, user_agent, created_at, last_seen_at
      FROM identity.sessions
     WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > :now AND last_seen_at > :idle_since
     ORDER BY last_seen_at DESC
    """
)

# What each person may do, as this process last read it, under the stamp it was read with. Equal sets are one.
_rights: dict[UUID, tuple[UUID, frozenset[str]]] = {}
_sets: dict[frozenset[str], frozenset[str]] = {}


def hash_of(token: str) -> bytes:
    """Return what the database keeps of a token: whoever reads the table can't sign in with it."""
    return hashlib.sha256(token.encode()).digest()


def actor_of_token(
    token: str, *, ip_address: str | None = None, user_agent: str | None = None
) -> SignedIn | None:
    """Return whose session this is, with their rights as they are now; None when it is not open."""
    now = clock.now()
    row = db.session.execute(
        BY_TOKEN, {"token_hash": hash_of(token), "now": now, "idle_since": now - IDLE_LIMIT}
    ).first()
    if row is None:
        return None
    session_id, user_id, seen, organization_id, facility_id, staff_id, first, last, language, theme, stamp = (
        row
    )
    name = f"{first} {last}"
    actor = Actor(
        organization_id=organization_id,
        facility_id=facility_id,
        user_id=user_id,
        staff_id=staff_id,
        name=name,
        permissions=permissions_of(user_id, stamp),
        ip_address=ip_address,
        user_agent=user_agent,
    )
    return SignedIn(
        token=token,
        session_id=session_id,
        actor=actor,
        language=language,
        theme=theme,
        display_name=name,
        rights_stamp=stamp,
        last_seen_at=seen,
    )


def permissions_of(user_id: UUID, stamp: UUID) -> frozenset[str]:
    """Return the person's permissions, read again only when ``stamp`` is another than last time.

    They are read after the stamp, so what is remembered may be newer than its stamp says, never older.
    """
    known = _rights.get(user_id)
    if known is not None and known[0] == stamp:
        return known[1]
    names = EVERYBODY.union(db.session.scalars(PERMISSIONS_OF, {"user_id": user_id}))
    names = _sets.setdefault(names, names)
    _rights[user_id] = (stamp, names)
    return names


def open_session_rights(ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return which of these sessions are still open, each with its person's rights stamp."""
    rows = db.session.execute(OPEN, {"ids": list(ids), **_limits()})
    return {session_id: stamp for session_id, stamp in rows}


@dataclass(frozen=True)
class OpenSession:
    """A session as its owner sees it in the list."""

    id: UUID
    ip_address: str | None
    device: str
    created_at: datetime
    last_seen_at: datetime
    is_this: bool


def open_sessions(user_id: UUID, this: UUID | None) -> list[OpenSession]:
    """Return a person's open sessions, the one in use first, then the last used."""
    rows = db.session.execute(OPEN_OF_USER, {"user_id": user_id, **_limits()})
    sessions = [
        OpenSession(
            row.id,
            row.ip_address,
            device_of(row.user_agent),
            row.created_at,
            row.last_seen_at,
            row.id == this,
        )
        for row in rows
    ]
    return sorted(sessions, key=lambda each: not each.is_this)


def _limits() -> dict[str, Any]:
    now = clock.now()
    return {"now": now, "idle_since": now - IDLE_LIMIT}


# The first that is found; Edge calls itself Chrome too, and everybody calls themselves Safari.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
}


def device_of(user_agent: str | None) -> str:
    """Return browser and system in two words, empty when the browser does not say."""
    agent = user_agent or ""
    browser = next((name for mark, name in BROWSERS.items() if mark in agent), "")
    system = next(
        (name for mark, name in SYSTEMS.items() if mark in agent), "Linux" if "Linux" in agent else ""
    )
    return ", ".join(filter(None, (browser, system)))
