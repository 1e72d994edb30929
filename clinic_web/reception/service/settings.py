"""How a line works: its policy, its target, what its walls show, its priorities; and new stations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from clinic_web.audit import api as audit
from clinic_web.kernel import idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.reception.access import queue_for
from clinic_web.reception.models import Queue, QueuePriority
from clinic_web.reception.models.queues import (
    AT_BOOKING,
    AT_CHECK_IN,
    BY_APPOINTMENT,
    CASHIER,
    CLINIC,
    POLICIES,
    PRIVACIES,
    STATIONS,
)
from clinic_web.reception.service.moves import tell_line
from clinic_web.reception.service.queues import free_prefix

MANAGE = "organization.manage"
CHANGED = N_("Somebody else changed this line meanwhile. Please look at it again.")
LONGEST_TARGET = 480  # minutes
HIGHEST_RANK = 99

# People who wait keep their reason; where it stands is what the clinic says now.
RANK_AGAIN = text(
    """
    UPDATE reception.visits SET priority_rank = :rank
     WHERE queue_id = :queue_id AND priority = :code
       AND status IN ('SCHEDULED', 'WAITING', 'CALLED', 'ON_HOLD', 'NO_SHOW')
    """
)


@dataclass(frozen=True, kw_only=True)
class QueueSettings:
    """``wait_target_minutes`` is what the waiting bars measure by. ``room_id``: a station's usual counter.
    ``takes_unpaid`` counts for cashiers only."""

    policy: str
    draw_at: str
    privacy: str
    wait_target_minutes: int
    is_active: bool = True
    takes_unpaid: bool = True
    room_id: UUID | None = None
    name: str | None = None
    name_ar: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewStation:
    """``kind`` is one of models.queues.STATIONS; ``prefix`` the letter of the numbers it draws itself."""

    kind: str
    name: str
    name_ar: str | None
    prefix: str
    room_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PriorityRow:
    """One priority as it was filled in; ``version`` None for a new one, whose ``code`` the form makes up."""

    code: str
    name: str
    name_ar: str
    rank: int
    is_active: bool = True
    version: int | None = None


def change_queue(actor: Actor, queue_id: UUID, wanted: QueueSettings, *, version: int) -> None:
    """Set how a line works; the next call goes by it. Right ``organization.manage``.

    Raises RuleBroken (422, with its field), StaleScreen (409), NotFound (404), NotAllowed (403).
    """
    actor.require(MANAGE)
    with transaction():
        queue = queue_for(actor, queue_id)
        if queue.version != version:
            raise StaleScreen(CHANGED)
        values = vars(_allowed(actor, queue.kind, wanted))
        if queue.kind == CLINIC:  # called as its clinic is
            values = {name: value for name, value in values.items() if not name.startswith("name")}
        if queue.kind != CASHIER:
            values = {name: value for name, value in values.items() if name != "takes_unpaid"}
        old = {name: getattr(queue, name) for name in values}
        for name, value in values.items():
            setattr(queue, name, value)
        queue.updated_by = actor.user_id
        db.session.flush()
        audit.changed(actor, "queue.change", "queue", queue.id, old=old, new=values)
        tell_line(queue.id)
        push.changed(organization.topic(actor.organization_id))


def _allowed(actor: Actor, kind: str, wanted: QueueSettings) -> QueueSettings:
    checks = (
        ("policy", wanted.policy in POLICIES, N_("Choose how the next is found.")),
        ("draw_at", wanted.draw_at in (AT_BOOKING, AT_CHECK_IN), N_("Choose when the number is drawn.")),
        ("privacy", wanted.privacy in PRIVACIES, N_("Choose what the walls show.")),
        (
            "wait_target_minutes",
            0 < wanted.wait_target_minutes <= LONGEST_TARGET,
            N_("Give minutes between 1 and 480."),
        ),
        ("name", kind == CLINIC or bool(wanted.name), N_("Give the station a name.")),
    )
    for field, is_right, sentence in checks:
        if not is_right:
            raise RuleBroken(sentence, field=field)
    _require_room(actor, wanted.room_id)
    return wanted if kind == CLINIC else replace(wanted, policy=BY_APPOINTMENT)


def _require_room(actor: Actor, room_id: UUID | None) -> None:
    rooms = organization.directory(actor.organization_id).rooms
    if room_id is not None and room_id not in rooms:
        raise NotFound(N_("This room is not here (any more)."))


def open_station(actor: Actor, new: NewStation, *, key: str | None) -> UUID:
    """Make the line of a station, once per ``key``; return its id. Right ``organization.manage``.

    Raises RuleBroken (422, field ``kind``, ``name`` or ``prefix``), BadRequest (400: no key).
    """
    actor.require(MANAGE)
    if new.kind not in STATIONS:
        raise RuleBroken(N_("Choose what kind of station it is."), field="kind")
    if not new.name:
        raise RuleBroken(N_("Give the station a name."), field="name")
    with transaction():
        claim = idempotency.claim(actor, "queue.open_station", key, vars(new))
        if claim.is_repetition:
            return UUID((claim.answer or {})["queue_id"])
        _require_room(actor, new.room_id)
        facility = organization.facility(actor)
        if free_prefix(facility.id, new.prefix) != new.prefix:
            raise RuleBroken(N_("Another line has this letter already."), field="prefix")
        queue = Queue(
            organization_id=actor.organization_id,
            facility_id=facility.id,
            created_by=actor.user_id,
            **vars(new),
        )
        db.session.add(queue)
        db.session.flush()
        audit.changed(actor, "queue.open_station", "queue", queue.id, old=None, new=vars(new))
        push.changed(organization.topic(actor.organization_id))
        claim.keep({"queue_id": str(queue.id)})
        return queue.id


def save_priorities(actor: Actor, queue_id: UUID, rows: Sequence[PriorityRow]) -> None:
    """Write a line's priorities; whoever waits is ranked anew. Right ``organization.manage``.

    Raises RuleBroken (422, field ``<what>-<code>``), StaleScreen (409), NotFound (404).
    """
    actor.require(MANAGE)
    with transaction():
        queue = queue_for(actor, queue_id)
        known = {
            row.code: row
            for row in db.session.scalars(
                # Whoever gives one of them to a patient meanwhile does not wait.
                select(QueuePriority)
                .where(QueuePriority.queue_id == queue.id)
                .with_for_update(key_share=True)
            )
        }
        for wanted in rows:
            _require_priority(wanted)
            _save(actor, queue, known.get(wanted.code), wanted)
        db.session.flush()
        tell_line(queue.id)


def _require_priority(wanted: PriorityRow) -> None:
    for field, text_ in (("name", wanted.name), ("name_ar", wanted.name_ar)):
        if not text_.strip():
            sentence = N_("A priority has a name in both languages.")
            raise RuleBroken(sentence, field=f"{field}-{wanted.code}")
    if not 0 < wanted.rank <= HIGHEST_RANK:
        raise RuleBroken(N_("Give a number between 1 and 99."), field=f"rank-{wanted.code}")


def _save(actor: Actor, queue: Queue, row: QueuePriority | None, wanted: PriorityRow) -> None:
    fields = ("name", "name_ar", "rank", "is_active")
    values: dict[str, Any] = {name: getattr(wanted, name) for name in fields}
    if row is None and wanted.version is not None:
        raise StaleScreen(CHANGED)
    if row is None:
        row = QueuePriority(
            organization_id=actor.organization_id,
            queue_id=queue.id,
            code=wanted.code,
            created_by=actor.user_id,
        )
        db.session.add(row)
    elif wanted.version != row.version:
        raise StaleScreen(CHANGED)
    old = {name: getattr(row, name) for name in values}
    if old == values:
        return
    for name, value in values.items():
        setattr(row, name, value)
    row.updated_by = actor.user_id
    db.session.flush()
    audit.changed(actor, "queue.priority", "queue_priority", row.id, old=old, new=values)
    if old["rank"] != wanted.rank:
        db.session.execute(RANK_AGAIN, {"queue_id": queue.id, "code": wanted.code, "rank": wanted.rank})
