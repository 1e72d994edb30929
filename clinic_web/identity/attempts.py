"""What administrators see of sign-ins: who tried, who is delayed, and where people are signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text

from clinic_web.identity.kinds import STAFF
from clinic_web.identity.models import ACTIVE, User
from clinic_web.identity.service import tries
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db

PAGE = 100

# A try belongs to the tenant whose user name was typed. What is nobody's name is kept as a digest and shown
# to nobody: it may be a password in the wrong field.
TRIES = text(
    """
    SELECT a.id, u.id AS user_id, u.first_name || ' ' || u.last_name AS name,
           host(a.ip_address) AS ip_address, a.success, a.reason,
           a.device_id IS NOT NULL AS is_known, a.attempted_at
      FROM identity.login_attempts a JOIN identity.users u ON lower(u.username) = a.email
     WHERE u.organization_id = :organization_id AND u.kind = 'STAFF' AND u.deleted_at IS NULL
       AND a.attempted_at < :before
       AND (:only_failed IS FALSE OR (NOT a.success AND COALESCE(a.reason, '') <> 'HALF'))
       AND (CAST(:user_id AS uuid) IS NULL OR u.id = :user_id)
     ORDER BY a.attempted_at DESC, a.id DESC LIMIT :most
    """
)


@dataclass(frozen=True)
class ShownTry:
    """One try of somebody's; ``result``: SIGNED_IN, or why not. ``is_known``: from a device of theirs."""

    id: UUID
    user_id: UUID
    name: str
    ip_address: str | None
    result: str
    is_known: bool
    attempted_at: datetime


@dataclass(frozen=True)
class Delayed:
    """Somebody whose next try is looked at only ``until`` then."""

    user_id: UUID
    name: str
    failures: int
    until: datetime


def of_tenant(
    actor: Actor, *, only_failed: bool, before: datetime | None = None, user_id: UUID | None = None
) -> list[ShownTry]:
    """Return a page of the tenant's tries, the last first; one statement."""
    values = {
        "organization_id": actor.organization_id,
        "before": before or clock.now() + timedelta(days=1),
        "only_failed": only_failed,
        "user_id": user_id,
        "most": PAGE,
    }
    return [
        ShownTry(
            row.id,
            row.user_id,
            row.name,
            row.ip_address,
            row.reason or ("SIGNED_IN" if row.success else tries.WRONG_PASSWORD),
            row.is_known,
            row.attempted_at,
        )
        for row in db.session.execute(TRIES, values)
    ]


def delayed(actor: Actor) -> list[Delayed]:
    """Return who has to wait now, the longest first; one statement."""
    now = clock.now()
    rows = db.session.scalars(
        select(User).where(
            User.organization_id == actor.organization_id,
            User.kind == STAFF,
            User.status == ACTIVE,
            User.deleted_at.is_(None),
            User.failed_login_attempts >= tries.DELAYED_FROM,
            User.last_failed_login_at > now - tries.LONGEST_DELAY,
        )
    )
    found = [
        Delayed(row.id, row.display_name, row.failed_login_attempts, until)
        for row in rows
        if row.last_failed_login_at
        and (until := row.last_failed_login_at + tries.delay_after(row.failed_login_attempts)) > now
    ]
    return sorted(found, key=lambda each: each.until, reverse=True)
