"""How a paired screen looks and what it shows; the screen takes it at once, without anybody touching it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select

from clinic_web.audit import api as audit
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, InvalidForm, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.live import board_topic
from clinic_web.reception.models import Display, DisplayQueue, Queue
from clinic_web.reception.models.displays import (
    ACCENTS,
    DIGITS,
    LANGUAGES,
    MOST_QUEUES,
    PRIVACIES,
    SECONDS,
    THEMES,
    VOICES,
)
from clinic_web.reception.service import logos
from clinic_web.reception.service.displays import LONGEST_NAME, display_for, tell_screen

LONGEST_HEAD, LONGEST_NOTE = 60, 120

CHOICES = {
    "language": LANGUAGES,
    "second_language": SECONDS,
    "digits": DIGITS,
    "theme": THEMES,
    "accent": ACCENTS,
    "privacy": PRIVACIES,
    "voice": VOICES,
}
LENGTHS = {"head": LONGEST_HEAD, "head_ar": LONGEST_HEAD, "note": LONGEST_NOTE, "note_ar": LONGEST_NOTE}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a screen shows and how. Texts may be empty: then the clinic's name stands above, and the usual
    sentence below. ``keeps_logo`` is False where the logo shall go."""

    name: str
    queue_ids: tuple[UUID, ...]
    language: str
    second_language: str
    digits: str
    theme: str
    accent: str
    privacy: str
    voice: str
    head: str = ""
    head_ar: str = ""
    note: str = ""
    note_ar: str = ""
    keeps_logo: bool = True


def configure(
    actor: Actor, display_id: UUID, wanted: Settings, *, version: int, logo: bytes | None = None
) -> str:
    """Set a screen anew and tell it; return its name. ``logo`` is an uploaded file, None keeps what is there.

    Raises InvalidForm and RuleBroken (422), StaleScreen (409: somebody else set it meanwhile), NotFound (404:
    the screen or a queue is not the actor's, or it was revoked).
    """
    _check(wanted)
    with transaction():
        display = display_for(actor, display_id)
        if display.revoked_at is not None or display.facility_id is None:
            raise NotFound
        if display.version != version:
            raise StaleScreen(N_("Somebody else has set this screen meanwhile. Please look again."))
        queue_ids = _of_this_place(actor, display.facility_id, wanted.queue_ids)
        old = _set(display, wanted)
        if logo:
            display.logo_id = logos.keep(actor, logo)
        elif not wanted.keeps_logo:
            display.logo_id = None
        display.updated_by = actor.user_id
        display.updated_at = clock.now()  # so that the version moves, also where only the lines changed
        shown = _show(display_id, queue_ids)
        db.session.flush()
        new = {name: getattr(display, name) for name in old} | {"queues": [*map(str, queue_ids)]}
        audit.changed(actor, "display.configure", "display", display_id, old=old | {"queues": shown}, new=new)
        _tell(display_id, display.facility_id, queue_ids)
        return display.name or ""


def _check(wanted: Settings) -> None:
    values = asdict(wanted)
    errors: dict[str, Any] = {
        name: RuleBroken(N_("Choose one of these."))
        for name, known in CHOICES.items()
        if values[name] not in known
    }
    errors |= {
        name: RuleBroken(N_("At most %(number)s letters."), number=longest)
        for name, longest in LENGTHS.items()
        if len(values[name]) > longest
    }
    if not wanted.name.strip() or len(wanted.name) > LONGEST_NAME:
        errors["name"] = RuleBroken(N_("Name the screen, for example by where it hangs (up to 60 letters)."))
    if not 1 <= len(set(wanted.queue_ids)) <= MOST_QUEUES:
        errors["queues"] = RuleBroken(N_("Choose between one and six lines."))
    if errors:
        raise InvalidForm(errors)


def _of_this_place(actor: Actor, facility_id: UUID, wanted: Iterable[UUID]) -> list[UUID]:
    """Return the queues in their order, each once; NotFound unless all are of the screen's own facility."""
    queue_ids = list(dict.fromkeys(wanted))
    mine = select(Queue.id).where(
        Queue.organization_id == actor.organization_id,
        Queue.facility_id == facility_id,
        Queue.id.in_(queue_ids),
    )
    if len(db.session.scalars(mine).all()) != len(queue_ids):
        raise NotFound
    return queue_ids


def _set(display: Display, wanted: Settings) -> dict[str, Any]:
    """Write the plain settings into the row; return what was there before."""
    values: dict[str, Any] = {name: getattr(wanted, name) for name in CHOICES}
    values |= {name: getattr(wanted, name).strip() or None for name in LENGTHS}
    values["name"] = wanted.name.strip()
    old = {name: getattr(display, name) for name in (*values, "logo_id")}
    for name, value in values.items():
        setattr(display, name, value)
    return old


def _show(display_id: UUID, queue_ids: list[UUID]) -> list[str]:
    """Let the display show these queues; return which it showed before."""
    mine = DisplayQueue.display_id == display_id
    before = db.session.scalars(select(DisplayQueue.queue_id).where(mine).order_by(DisplayQueue.place))
    shown = [str(queue_id) for queue_id in before]
    db.session.execute(delete(DisplayQueue).where(mine))
    rows = [
        {"display_id": display_id, "place": place, "queue_id": queue_id}
        for place, queue_id in enumerate(queue_ids)
    ]
    db.session.execute(insert(DisplayQueue), rows)
    return shown


def _tell(display_id: UUID, facility_id: UUID, queue_ids: list[UUID]) -> None:
    tell_screen(display_id, facility_id)
    # A queue's stream exists from now on, so that a tick can vouch for its part before the first call.
    for queue_id in queue_ids:
        push.changed(board_topic(queue_id))
