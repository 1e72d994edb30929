"""How walls learn what changed: each change is rendered once per kind of screen and pushed whole.

After a commit that moved ``board:<queue>``, the queue's newest picture is rendered for every variant
(language, privacy, digits) that has a paired screen, and sent as ``{epoch, prev, seq, html}``. A screen of
several queues hears each of them by itself, so a lost message costs one part of it. Rows are read after
the commit of ``seq``, so ``html`` may be newer than its number says but never older. A burst is rendered
once: its message covers everything from ``prev`` on. Whatever fails here is logged and no more, because every
tick tells the screens where the stream stands in PostgreSQL, and one that is behind fetches the snapshot.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from clinic_web.kernel import clock, push, tenant, unit_of_work
from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import StreamMoved, UnitOfWork
from clinic_web.organization import api as organization
from clinic_web.reception.board_words import render
from clinic_web.reception.live import BOARD, board_topic
from clinic_web.reception.queries import board
from clinic_web.reception.queries.board import Pictures, Variant, Wall
from clinic_web.reception.service.displays import DISPLAYS

if TYPE_CHECKING:
    from flask import Flask

logger = structlog.get_logger(__name__)

Part = tuple[UUID, Variant]

WALL_KEPT = 2.0  # seconds; a screen paired within them is told by the next tick
PAUSE = 0.02  # seconds between two renderings of a queue; the first change after a quiet moment goes at once
SNAPSHOT_KEPT = 1.0  # seconds; two hundred screens that come back at once cost one rendering


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One queue's part of a board, rendered, and the place in its stream that it is at least as new as."""

    topic: str
    epoch: str | None
    seq: int
    html: str
    valid_until: datetime


@dataclass
class Change:
    """What a renderer still has to tell: everything after ``prev`` up to ``seq``."""

    epoch: str
    prev: int
    seq: int
    for_whom: UUID | None


@dataclass
class Stage:
    """This process's walls: what is known of them, what waits to be rendered, what was rendered last."""

    app: Flask | None = None
    walls: dict[UUID, tuple[float, Wall | None]] = field(default_factory=dict)
    pending: dict[UUID, Change] = field(default_factory=dict)
    rendering: set[UUID] = field(default_factory=set)
    told: dict[UUID, float] = field(default_factory=dict)
    kept: dict[Part, tuple[float, Snapshot]] = field(default_factory=dict)
    locks: dict[tuple[Part, ...], threading.Lock] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)


stage = Stage()


def bind(app: Flask) -> None:
    """Tell walls from this process from now on."""
    stage.app = app
    push.publish_with(BOARD, publish)
    unit_of_work.after_commit(_forget_walls)


def publish(stream: StreamMoved) -> None:
    """Tell the walls of a queue what just changed. Never raises; without a paired screen it costs nothing."""
    queue_id = UUID(stream.topic.removeprefix(BOARD))
    known = _known_wall(queue_id)
    if known and not (known[0] and known[0].variants):
        return
    with stage.guard:
        _add(queue_id, stream)
        if queue_id in stage.rendering:
            return  # the renderer under way takes this change along
        stage.rendering.add(queue_id)
    _start(lambda: _render_all(queue_id))


def _add(queue_id: UUID, stream: StreamMoved) -> None:
    waiting = stage.pending.get(queue_id)
    if waiting is None or waiting.epoch != stream.epoch:
        stage.pending[queue_id] = Change(stream.epoch, stream.seq - 1, stream.seq, tenant.current())
    else:
        waiting.prev = min(waiting.prev, stream.seq - 1)
        waiting.seq = max(waiting.seq, stream.seq)


def _start(work: Callable[[], None]) -> None:
    """Under gevent whoever pressed the button does not wait for the walls; elsewhere render in place."""
    if _has_greenlets():
        import gevent

        gevent.spawn(work)
    else:
        work()


@cache
def _has_greenlets() -> bool:
    from gevent.monkey import is_module_patched

    return bool(is_module_patched("socket"))


def _render_all(queue_id: UUID) -> None:
    while True:
        _pause(queue_id)
        with stage.guard:
            change = stage.pending.pop(queue_id, None)
            if change is None:
                stage.rendering.discard(queue_id)
                return
        try:
            _tell(queue_id, change)
        except Exception as error:  # a wall that is not told now is healed by the next tick
            logger.warning(
                "board_not_told", queue_id=str(queue_id), error_type=type(error).__name__, exc_info=error
            )
        stage.told[queue_id] = time.monotonic()


def _pause(queue_id: UUID) -> None:
    """Let simultaneous calls share one rendering. Whatever comes in meanwhile is pending and taken along."""
    left = stage.told.get(queue_id, 0.0) + PAUSE - time.monotonic()
    if left > 0 and _has_greenlets():
        time.sleep(left)


def _tell(queue_id: UUID, change: Change) -> None:
    assert stage.app is not None  # noqa: S101 - bind() registered us
    with stage.app.app_context(), tenant.of(change.for_whom):
        wall = wall_of(queue_id)
        if wall is None or not wall.variants:
            return
        found = board.pictures([wall])
        db.session.rollback()
        snapshots = {each: _snapshot(found, (queue_id, each), change) for each in wall.variants}
    with broker().together():
        for variant, snapshot in snapshots.items():
            stage.kept[queue_id, variant] = (time.monotonic(), snapshot)
            body = message(snapshot) | {"prev": change.prev}
            push.emit("board", body, snapshot.topic)


def _snapshot(found: Pictures, part: Part, at: StreamMoved | Change | None) -> Snapshot:
    queue_id, variant = part
    picture = found[queue_id, variant.privacy]
    return Snapshot(
        topic=board.topic_of(queue_id, variant),
        epoch=at.epoch if at else None,
        seq=at.seq if at else 0,
        html=render(picture, variant),
        valid_until=picture.valid_until,
    )


def message(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as it travels."""
    return {
        "topic": snapshot.topic,
        "epoch": snapshot.epoch,
        "seq": snapshot.seq,
        "html": snapshot.html,
        "valid_until": snapshot.valid_until.isoformat(),
        "server_time": clock.now().isoformat(),
    }


def snapshots_of(walls: Sequence[Wall]) -> list[Snapshot]:
    """Return the parts of a screen as they are now, each rendered once a second at most unless it changed.

    ``walls`` are of one facility, and each names the one variant that is wanted. Costs the same number of
    statements for one queue and for six.
    """
    parts: list[Part] = [(wall.queue_id, wall.variants[0]) for wall in walls]
    at = push.versions([board_topic(wall.queue_id) for wall in walls])
    with stage.guard:
        lock = stage.locks.setdefault(tuple(parts), threading.Lock())
    with lock:
        known = {part: _kept(part, at) for part in parts}
        old = [wall for wall, part in zip(walls, parts, strict=True) if known[part] is None]
        if old:
            organization.look_again(old[0].organization_id)
        found = board.pictures(old) if old else {}
        for wall in old:
            part = wall.queue_id, wall.variants[0]
            fresh = known[part] = _snapshot(found, part, at.get(board_topic(wall.queue_id)))
            stage.kept[part] = (time.monotonic(), fresh)
        return [snapshot for snapshot in known.values() if snapshot]


def _kept(part: Part, at: dict[str, StreamMoved]) -> Snapshot | None:
    """Return what was rendered within the last second, if nothing has moved since."""
    made_at, kept = stage.kept.get(part, (0.0, None))
    moved = at.get(board_topic(part[0]))
    place = (moved.epoch, moved.seq) if moved else (None, 0)
    is_fresh = (
        kept is not None
        and (kept.epoch, kept.seq) == place
        and time.monotonic() - made_at < SNAPSHOT_KEPT
        and clock.now() < kept.valid_until
    )
    return kept if is_fresh else None


def wall_of(queue_id: UUID) -> Wall | None:
    """Return what this process knows of a queue's walls, asked again every two seconds at most."""
    known = _known_wall(queue_id)
    if known:
        return known[0]
    found = board.wall(queue_id)
    stage.walls[queue_id] = (time.monotonic(), found)
    return found


def _known_wall(queue_id: UUID) -> tuple[Wall | None] | None:
    asked_at, wall = stage.walls.get(queue_id, (None, None))
    return (wall,) if asked_at is not None and time.monotonic() - asked_at < WALL_KEPT else None


def _forget_walls(work: UnitOfWork) -> None:
    """A screen was paired or revoked here: look at the walls again."""
    if any(stream.topic.startswith(DISPLAYS) for stream in work.moved):
        stage.walls.clear()
