"""Screens: which one asks, and the list of them that a desk looks after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.organization import api as organization
from clinic_web.reception.models import BoardLogo, Display, DisplayQueue, Queue
from clinic_web.reception.queries import board
from clinic_web.reception.queries.board import Wall
from clinic_web.reception.service.displays import UNUSED, displays_topic, pairing_topic, token_hash

# A screen is noted once a minute while its socket is open; two notes missing means that it is off or cut off.
THERE = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a screen is set: languages, digits, colours, what stands above and below its board."""

    language: str = "en"
    second_language: str = "BESIDE"
    digits: str = "AUTO"
    theme: str = "light"
    accent: str = "green"
    privacy: str = "QUEUE"
    voice: str = "OFF"
    head: str | None = None
    head_ar: str | None = None
    note: str | None = None
    note_ar: str | None = None
    logo: str | None = None


@dataclass(frozen=True, kw_only=True)
class Screen:
    """The screen that asks. ``walls`` is empty until it is paired; each names this screen's one variant.
    ``look.logo`` is the logo's digest."""

    display_id: UUID
    name: str
    look: Look
    code: str | None
    code_expires_at: datetime
    walls: tuple[Wall, ...]
    version: int = 1

    @property
    def own_topic(self) -> str:
        return pairing_topic(self.display_id)

    @property
    def digits(self) -> str:
        """The digits of the clock and of all times: ``LATN`` or ``ARAB``."""
        return board.digits_of(self.look.language, self.look.digits)

    @property
    def topics(self) -> list[str]:
        """The topics of the boards this screen may show, in their order."""
        return [board.topic_of(wall.queue_id, wall.variants[0]) for wall in self.walls]


@dataclass(frozen=True, kw_only=True)
class DisplayRow:
    """One screen in the list. ``is_there``: its socket was open within the last two minutes."""

    display_id: UUID
    name: str
    lines: list[QueueChoice]
    language: str
    theme: str
    paired_at: datetime
    last_seen_at: datetime | None
    is_there: bool


@dataclass(frozen=True, kw_only=True)
class QueueChoice:
    """A queue that a screen can show: a clinic's is called as its clinic, a station has names of its own."""

    queue_id: UUID
    name: str
    name_ar: str | None


def screen_with(token: str | None) -> Screen | None:
    """Return the screen that holds ``token``; None for no, unknown and revoked ones alike. The rest of the
    request works for its tenant."""
    if not token:
        return None
    tenant.enter(db.session.scalar(select(func.reception.tenant_of_display(token_hash(token)))))
    return _screen(_screens().where(Display.token_hash == token_hash(token)))


def screen_by_id(display_id: UUID) -> Screen | None:
    """Return the screen with this id unless it is revoked."""
    return _screen(_screens().where(Display.id == display_id))


def screen_for(actor: Actor, display_id: UUID) -> Screen:
    """Return a paired screen of the actor's facility; NotFound (404) for any other."""
    mine = _screens().where(
        Display.id == display_id,
        Display.organization_id == actor.organization_id,
        Display.facility_id == organization.facility(actor).id,
        Display.paired_at.is_not(None),
    )
    found = _screen(mine)
    if found is None:
        raise NotFound
    return found


def _screens() -> Any:
    """A row for each queue of a screen, in their order; one row without a queue while it has none. A screen
    that was not there for a month is none any more."""
    seen_at = func.coalesce(Display.last_seen_at, Display.paired_at, Display.code_expires_at)
    return (
        select(Display, BoardLogo.digest, Queue)
        .outerjoin(BoardLogo, BoardLogo.id == Display.logo_id)
        .outerjoin(DisplayQueue, DisplayQueue.display_id == Display.id)
        .outerjoin(Queue, Queue.id == DisplayQueue.queue_id)
        .where(Display.revoked_at.is_(None), seen_at > clock.now() - UNUSED)
        .order_by(DisplayQueue.place)
    )


def _screen(one: Any) -> Screen | None:
    rows = db.session.execute(one).all()
    if not rows:
        return None
    display, digest, _ = rows[0]
    return Screen(
        display_id=display.id,
        name=display.name or "",
        look=_look(display, digest),
        code=display.pairing_code,
        code_expires_at=display.code_expires_at,
        walls=_walls(display, rows) if display.paired_at else (),
        version=display.version,
    )


def _look(display: Display, digest: str | None) -> Look:
    return Look(
        language=display.language,
        second_language=display.second_language,
        digits=display.digits,
        theme=display.theme,
        accent=display.accent,
        privacy=display.privacy,
        voice=display.voice,
        head=display.head,
        head_ar=display.head_ar,
        note=display.note,
        note_ar=display.note_ar,
        logo=digest,
    )


def _walls(display: Display, rows: Sequence[Any]) -> tuple[Wall, ...]:
    return tuple(_wall(row[2], display) for row in rows if row[2])


def _wall(queue: Queue, display: Display) -> Wall:
    variant = board.variant(display.language, display.privacy, display.digits, queue_privacy=queue.privacy)
    return Wall(
        queue_id=queue.id,
        organization_id=queue.organization_id,
        facility_id=queue.facility_id,
        clinic_id=queue.clinic_id,
        name=queue.name or queue.prefix,
        name_ar=queue.name_ar,
        privacy=queue.privacy,
        variants=(variant,),
    )


def displays(actor: Actor) -> tuple[str, list[DisplayRow]]:
    """Return the facility's paired screens by name, and the live topic of that list. Two statements."""
    facility = organization.facility(actor)
    lines = {each.queue_id: each for each in queues(actor)}
    since = clock.now() - THERE
    in_order = func.array_agg(aggregate_order_by(DisplayQueue.queue_id, DisplayQueue.place))
    shown = select(in_order).where(DisplayQueue.display_id == Display.id).scalar_subquery()
    statement = (
        select(Display, shown)
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
            lines=[lines[queue_id] for queue_id in queue_ids or [] if queue_id in lines],
            language=display.language,
            theme=display.theme,
            paired_at=display.paired_at or clock.now(),
            last_seen_at=display.last_seen_at,
            is_there=display.last_seen_at is not None and display.last_seen_at >= since,
        )
        for display, queue_ids in db.session.execute(statement)
    ]
    return displays_topic(facility.id), rows


def displays_live() -> dict[str, float]:
    """Return how many paired screens of all tenants are on and off."""
    is_there = Display.last_seen_at >= clock.now() - THERE
    statement = select(func.count().filter(is_there), func.count()).where(
        Display.paired_at.is_not(None), Display.revoked_at.is_(None)
    )
    counts = [db.session.execute(statement).one() for _ in tenant.each()]
    there, paired = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return {"on": float(there), "off": float(paired - there)}


def queues(actor: Actor) -> list[QueueChoice]:
    """Return the facility's queues that a screen can show: its clinics in their order, then its stations."""
    facility = organization.facility(actor)
    clinics = organization.directory(actor.organization_id).clinics
    order = {clinic_id: place for place, clinic_id in enumerate(clinics)}
    statement = (
        select(Queue.id, Queue.clinic_id, func.coalesce(Queue.name, Queue.prefix), Queue.name_ar)
        .where(
            Queue.organization_id == actor.organization_id,
            Queue.facility_id == facility.id,
            Queue.is_active,
        )
        .order_by(Queue.prefix)
    )
    rows = db.session.execute(statement).all()
    rows = sorted(rows, key=lambda row: order.get(row.clinic_id, len(order)))
    return [
        QueueChoice(
            queue_id=queue_id,
            name=clinics[clinic_id].name if clinic_id in clinics else name,
            name_ar=clinics[clinic_id].name_ar if clinic_id in clinics else name_ar,
        )
        for queue_id, clinic_id, name, name_ar in rows
    ]


@dataclass(frozen=True, kw_only=True)
class PlaceName:
    """What the head of a board says unless the screen has words of its own, and its clock's time zone."""

    name: str
    name_ar: str | None
    timezone: str


def place_of(screen: Screen) -> PlaceName:
    """Return whose board it is: the one line's, or the facility's where several are shown."""
    first = screen.walls[0]
    directory = organization.directory(first.organization_id)
    facility = directory.facilities[first.facility_id]
    line = directory.clinics.get(first.clinic_id) if first.clinic_id else first
    own = screen.look
    if own.head or own.head_ar:
        return PlaceName(name=own.head or own.head_ar or "", name_ar=own.head_ar, timezone=facility.timezone)
    head = line if line and len(screen.walls) == 1 else facility
    return PlaceName(name=head.name, name_ar=head.name_ar, timezone=facility.timezone)


def facility_of(actor: Actor) -> UUID:
    """Return the facility whose screens the actor looks after."""
    return organization.facility(actor).id
