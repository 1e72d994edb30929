"""The tokens of all screens of a tenant, for who looks after what opens the program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.organization.api import FacilityInfo
from clinic_web.reception.models import Display, DisplayQueue, Queue
from clinic_web.reception.service.displays import UNUSED

MOST = 500


@dataclass(frozen=True, kw_only=True)
class DisplayToken:
    """The token of one screen. ``shows`` are the names of its lines; ``expires_at`` moves on while it is
    seen."""

    id: UUID
    name: str
    facility: FacilityInfo | None
    shows: tuple[str, ...]
    paired_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime
    is_open: bool


def of_tenant(actor: Actor) -> list[DisplayToken]:
    """Return the screens of all facilities, those whose token opens something first; one statement."""
    shows = (
        select(func.array_agg(func.coalesce(Queue.name, Queue.prefix)))
        .select_from(DisplayQueue)
        .join(Queue, Queue.id == DisplayQueue.queue_id)
        .where(DisplayQueue.display_id == Display.id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Display, shows)
        .where(Display.organization_id == actor.organization_id, Display.paired_at.is_not(None))
        .order_by(Display.revoked_at.is_not(None), Display.name, Display.id)
        .limit(MOST)
    )
    facilities = organization.directory(actor.organization_id).facilities
    found = [_token(display, names or (), facilities) for display, names in rows]
    return sorted(found, key=lambda each: not each.is_open)


def _token(display: Display, shows: Iterable[str], facilities: Mapping[UUID, FacilityInfo]) -> DisplayToken:
    now = clock.now()
    paired_at = display.paired_at or now
    expires_at = (display.last_seen_at or paired_at) + UNUSED
    return DisplayToken(
        id=display.id,
        name=display.name or "",
        facility=facilities.get(display.facility_id) if display.facility_id else None,
        shows=tuple(shows),
        paired_at=paired_at,
        last_seen_at=display.last_seen_at,
        expires_at=expires_at,
        is_open=display.revoked_at is None and expires_at > now,
    )
