"""Screens: which one asks, and the list of them that a desk looks after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo
from clinic_web.reception.models import Display, Queue
from clinic_web.reception.models.queues import CLINIC
from clinic_web.reception.queries.board import Wall
from clinic_web.reception.service.displays import displays_topic, pairing_topic, token_hash

# A screen is noted once a minute while its socket is open; two notes missing means that it is off or cut off.
THERE = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Screen:
    """The screen that asks. ``wall`` is None until it is paired."""

    display_id: UUID
    name: str
    language: str
    theme: str
    code: str | None
    code_expires_at: datetime
    wall: Wall | None

    @property
    def own_topic(self) -> str:
        return pairing_topic(self.display_id)

    @property
    def topic(self) -> str | None:
        """The topic of the one board this screen may show."""
        return f"board:{self.wall.queue_id}:{self.wall.variant(self.language)}" if self.wall else None


@dataclass(frozen=True, kw_only=True)
class DisplayRow:
    """One screen in the list. ``is_there``: its socket was open within the last two minutes."""

    display_id: UUID
    name: str
    clinic: ClinicInfo | None
    language: str
    theme: str
    paired_at: datetime
    last_seen_at: datetime | None
    is_there: bool


@dataclass(frozen=True, kw_only=True)
class QueueChoice:
    """A queue that a screen can show."""

    queue_id: UUID
    prefix: str
    clinic: ClinicInfo | None


def screen_with(token: str | None) -> Screen | None:
    """Return the screen that holds ``token``; None for no, unknown and revoked ones alike."""
    if not token:
        return None
    statement = (
        select(Display, Queue)
        .outerjoin(Queue, Queue.id == Display.queue_id)
        .where(Display.token_hash == token_hash(token), Display.revoked_at.is_(None))
    )
    found = db.session.execute(statement).one_or_none()
    return _screen(*found) if found else None


def screen_by_id(display_id: UUID) -> Screen | None:
    """Return the screen with this id unless it is revoked."""
    statement = (
        select(Display, Queue)
        .outerjoin(Queue, Queue.id == Display.queue_id)
        .where(Display.id == display_id, Display.revoked_at.is_(None))
    )
    found = db.session.execute(statement).one_or_none()
    return _screen(*found) if found else None


def _screen(display: Display, queue: Queue | None) -> Screen:
    return Screen(
        display_id=display.id,
        name=display.name or "",
        language=display.language,
        theme=display.theme,
        code=display.pairing_code,
        code_expires_at=display.code_expires_at,
        wall=_wall(queue, display.language) if queue and display.paired_at else None,
    )


def _wall(queue: Queue, language: str) -> Wall:
    return Wall(
        queue_id=queue.id,
        organization_id=queue.organization_id,
        facility_id=queue.facility_id,
        clinic_id=queue.clinic_id,
        privacy=queue.privacy,
        languages=(language,),
    )


def displays(actor: Actor) -> tuple[str, list[DisplayRow]]:
    """Return the facility's paired screens by name, and the live topic of that list."""
    facility = organization.facility(actor)
    clinics = organization.directory(actor.organization_id).clinics
    since = clock.now() - THERE
    statement = (
        select(Display, Queue.clinic_id)
        .join(Queue, Queue.id == Display.queue_id)
        .where(
            Display.organization_id == actor.organization_id,
            Display.facility_id == facility.id,
            Display.paired_at.is_not(None),
            Display.revoked_at.is_(None),
        )
        .order_by(Display.name, Display.id)
    )
    rows = [
        DisplayRow(
            display_id=display.id,
            name=display.name or "",
            clinic=clinics.get(clinic_id) if clinic_id else None,
            language=display.language,
            theme=display.theme,
            paired_at=display.paired_at or clock.now(),
            last_seen_at=display.last_seen_at,
            is_there=display.last_seen_at is not None and display.last_seen_at >= since,
        )
        for display, clinic_id in db.session.execute(statement)
    ]
    return displays_topic(facility.id), rows


def displays_live() -> dict[str, float]:
    """Return how many paired screens of all tenants are on and off."""
    is_there = Display.last_seen_at >= clock.now() - THERE
    statement = select(func.count().filter(is_there), func.count()).where(
        Display.paired_at.is_not(None), Display.revoked_at.is_(None)
    )
    there, paired = db.session.execute(statement).one()
    return {"on": float(there), "off": float(paired - there)}


def queues(actor: Actor) -> list[QueueChoice]:
    """Return the facility's queues that a screen can show, in the order of its clinics."""
    facility = organization.facility(actor)
    clinics = organization.directory(actor.organization_id).clinics
    order = {clinic_id: place for place, clinic_id in enumerate(clinics)}
    statement = select(Queue.id, Queue.prefix, Queue.clinic_id).where(
        Queue.organization_id == actor.organization_id,
        Queue.facility_id == facility.id,
        Queue.kind == CLINIC,
        Queue.is_active,
    )
    found = [
        QueueChoice(queue_id=queue_id, prefix=prefix, clinic=clinics.get(clinic_id) if clinic_id else None)
        for queue_id, prefix, clinic_id in db.session.execute(statement)
    ]
    return sorted(found, key=lambda each: (order.get(each.clinic.id, 0) if each.clinic else 0, each.prefix))


@dataclass(frozen=True, kw_only=True)
class PlaceName:
    """What the head of a board says: the clinic, or the facility for a queue that belongs to no clinic."""

    name: str
    name_ar: str | None
    timezone: str


def place_of(wall: Wall) -> PlaceName:
    """Return whose board it is, and the time zone of its clock."""
    directory = organization.directory(wall.organization_id)
    facility = directory.facilities[wall.facility_id]
    clinic = directory.clinics.get(wall.clinic_id) if wall.clinic_id else None
    head = clinic or facility
    return PlaceName(name=head.name, name_ar=head.name_ar, timezone=facility.timezone)


def facility_of(actor: Actor) -> UUID:
    """Return the facility whose screens the actor looks after."""
    return organization.facility(actor).id
