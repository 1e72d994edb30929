"""Screens on walls: a code, shown there and typed at a desk, gives the screen the right to a queue's board.

The screen's token is in a cookie that no script reads; we keep its hash. It reads its boards and
nothing else, until somebody revokes it or it was not seen for a month. Approving is one guarded UPDATE: of
two desks that type the same code one wins, and an old code opens nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from clinic_web.audit import api as audit
from clinic_web.kernel import clock, idempotency, ids, push, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, Busy, InvalidForm, NotFound, RuleBroken
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.access import queue_for
from clinic_web.reception.live import board_topic
from clinic_web.reception.models import Display, DisplayQueue
from clinic_web.reception.models.displays import LANGUAGES, THEMES

CODE_LIVES = timedelta(minutes=15)
CODE_LENGTH = 6
LONGEST_NAME = 60

# Anybody may open /board, so what that leaves behind is bounded in number and in time.
MOST_CODES = 1000
LEFT_BEHIND = timedelta(days=1)
SEEN_EVERY = timedelta(minutes=1)
UNUSED = timedelta(days=30)  # a token that nobody showed for so long opens nothing any more

# A process holds the sockets of several tenants' screens, and asks about all of them at once.
STILL_OPEN = text("SELECT id, last_seen_at FROM reception.open_displays(:ids)")
SEEN = text("SELECT reception.note_displays_seen(:ids, :now)")

# What people write for the signs that a code never holds, and digits as an Arabic keyboard types them.
MISREAD = str.maketrans("ILOU٠١٢٣٤٥٦٧٨٩", "110V0123456789", " -–·")

PAIRING, DISPLAYS = "pairing:", "displays:"


@dataclass(frozen=True, kw_only=True)
class NewScreen:
    """A screen that nobody has paired yet: its ``token`` for the cookie, its ``code`` for the wall."""

    display_id: UUID
    token: str
    code: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What a desk gives a screen: its queue, a name, the leading language, the theme."""

    code: str
    queue_id: UUID
    name: str
    language: str = "en"
    theme: str = "light"


def pairing_topic(display_id: UUID) -> str:
    """Return a screen's own topic: it hears there that it was paired, changed or revoked."""
    return f"{PAIRING}{display_id}"


def displays_topic(facility_id: UUID) -> str:
    """Return the topic of a facility's list of screens."""
    return f"{DISPLAYS}{facility_id}"


def token_hash(token: str) -> bytes:
    """Return what we keep of a token; it has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def read_code(typed: str) -> str:
    """Return a code as it is kept, however it was typed: small letters, spaces, O for 0, Arabic digits."""
    return typed.strip().upper().translate(MISREAD)


def begin_pairing(language: str) -> NewScreen:
    """Make a token and a code for a screen that has none. Raises Busy (503) when far too many wait."""
    now = clock.now()
    token = ids.new_token()
    with tenant.of(tenant.NOBODY), transaction():
        _sweep(now)
        waiting = select(func.count()).select_from(Display).where(Display.pairing_code.is_not(None))
        if (db.session.scalar(waiting) or 0) >= MOST_CODES:
            raise Busy(N_("Too many screens are waiting to be paired. Please try again later."))
        display_id, code = _insert(token_hash(token), language, now)
    return NewScreen(display_id=display_id, token=token, code=code, expires_at=now + CODE_LIVES)


def _sweep(now: datetime) -> None:
    """Forget screens that nobody ever paired; they hold no right and no history."""
    left = Display.code_expires_at < now - LEFT_BEHIND
    db.session.execute(delete(Display).where(Display.paired_at.is_(None), left))


def _insert(digest: bytes, language: str, now: datetime) -> tuple[UUID, str]:
    while True:
        code = ids.code(CODE_LENGTH)
        row = {
            "id": ids.new_id(),
            "token_hash": digest,
            "pairing_code": code,
            "code_expires_at": now + CODE_LIVES,
            "language": language if language in LANGUAGES else "en",
            "last_seen_at": now,
        }
        made = insert(Display).values(row).on_conflict_do_nothing().returning(Display.id)
        if (display_id := db.session.scalar(made)) is not None:
            return display_id, code


def renew_code(display_id: UUID) -> NewScreen:
    """Give an unpaired screen whose code has expired another one; NotFound if it is not unpaired any more."""
    now, code = clock.now(), ids.code(CODE_LENGTH)
    with tenant.of(tenant.NOBODY), transaction():
        renewed = (
            update(Display)
            .where(Display.id == display_id, Display.paired_at.is_(None), Display.revoked_at.is_(None))
            .values(pairing_code=code, code_expires_at=now + CODE_LIVES, last_seen_at=now)
            .returning(Display.id)
        )
        if db.session.scalar(renewed) is None:
            raise NotFound
    return NewScreen(display_id=display_id, token="", code=code, expires_at=now + CODE_LIVES)


def pair(actor: Actor, pairing: Pairing, *, key: str | None) -> UUID:
    """Give the screen that shows ``pairing.code`` the queue's board; return the display's id.

    Raises RuleBroken (422, field ``code``) when no screen shows this code now, InvalidForm (422), NotFound
    (404: the queue is not the actor's).
    """
    _check(pairing)
    with transaction():
        body = {**asdict(pairing), "code": read_code(pairing.code)}
        claim = idempotency.claim(actor, "boards.pair", key, body)
        if claim.answer:
            return UUID(claim.answer["display_id"])
        display_id = _approve(actor, pairing)
        claim.keep({"display_id": str(display_id)})
    return display_id


def _check(pairing: Pairing) -> None:
    errors: dict[str, Any] = {}
    if len(read_code(pairing.code)) != CODE_LENGTH:
        errors["code"] = RuleBroken(N_("The code on the screen has six letters and digits."))
    if not pairing.name.strip() or len(pairing.name) > LONGEST_NAME:
        errors["name"] = RuleBroken(N_("Name the screen, for example by where it hangs (up to 60 letters)."))
    if pairing.language not in LANGUAGES:
        errors["language"] = RuleBroken(N_("Choose the language that leads on this screen."))
    if pairing.theme not in THEMES:
        errors["theme"] = RuleBroken(N_("Choose light, dark or as the system."))
    if errors:
        raise InvalidForm(errors)


def _approve(actor: Actor, pairing: Pairing) -> UUID:
    queue = queue_for(actor, pairing.queue_id)
    given = {
        "organization_id": queue.organization_id,
        "facility_id": queue.facility_id,
        "name": pairing.name.strip(),
        "language": pairing.language,
        "theme": pairing.theme,
    }
    approved = (
        update(Display)
        .where(
            Display.pairing_code == read_code(pairing.code),
            Display.code_expires_at > clock.now(),
            Display.paired_at.is_(None),
            Display.revoked_at.is_(None),
        )
        .values(
            **given,
            pairing_code=None,
            paired_at=clock.now(),
            paired_by=actor.user_id,
            updated_by=actor.user_id,
            version=Display.version + 1,
        )
        .returning(Display.id)
    )
    display_id = db.session.scalar(approved)
    if display_id is None:
        raise RuleBroken(
            N_("No screen shows this code now. A code lives for 15 minutes; look at the screen again."),
            field="code",
        )
    db.session.execute(insert(DisplayQueue).values(display_id=display_id, place=0, queue_id=queue.id))
    audit.changed(
        actor, "display.pair", "display", display_id, old=None, new=given | {"queues": [str(queue.id)]}
    )
    tell_screen(display_id, queue.facility_id)
    # The queue's stream exists from now on, so that a tick can vouch for the board before the first call.
    push.changed(board_topic(queue.id))
    return display_id


def revoke(actor: Actor, display_id: UUID, *, is_anywhere: bool = False) -> str:
    """Take the screen's right away: told at once, and its token opens nothing any more. Return its name.

    Revoking twice changes nothing. Raises NotFound (404) when the display is not of the actor's facility, or,
    ``is_anywhere``, of none of their tenant's.
    """
    with transaction():
        display = display_for(actor, display_id, is_anywhere=is_anywhere)
        if display.revoked_at is None:
            display.revoked_at = clock.now()
            display.updated_by = actor.user_id
            audit.changed(
                actor,
                "display.revoke",
                "display",
                display_id,
                old={"name": display.name},
                new=None,
            )
            tell_screen(display_id, display.facility_id)
        return display.name or ""


def display_for(actor: Actor, display_id: UUID, *, is_anywhere: bool = False) -> Display:
    """Return a display of the actor's own, locked; NotFound (404) for any other."""
    mine = select(Display).where(Display.id == display_id, Display.organization_id == actor.organization_id)
    if actor.facility_id and not is_anywhere:
        mine = mine.where(Display.facility_id == actor.facility_id)
    display = db.session.scalar(mine.with_for_update())
    if display is None:
        raise NotFound
    return display


def tell_screen(display_id: UUID, facility_id: UUID | None) -> None:
    """The screen looks again what it is; the people who look after screens see it in their list."""
    push.changed(pairing_topic(display_id))
    if facility_id:
        push.changed(displays_topic(facility_id))


def still_open(display_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these displays are not revoked, and note once a minute that they were seen.

    Asked by every tick for the displays whose sockets are open, so "seen" costs a screen no request.
    """
    known = set(display_ids)
    rows = db.session.execute(STILL_OPEN, {"ids": list(known)}).all()
    longest_ago = clock.now() - SEEN_EVERY
    unnoted = [display_id for display_id, seen_at in rows if seen_at is None or seen_at < longest_ago]
    if unnoted:
        note_seen(unnoted)
    return {display_id for display_id, _ in rows}


def note_seen(display_ids: Iterable[UUID]) -> None:
    """Note that these screens are there; the row's version stays, nobody edited it."""
    with transaction():
        db.session.execute(SEEN, {"ids": list(display_ids), "now": clock.now()})
