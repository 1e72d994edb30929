"""How walls learn what changed: each change is rendered once per kind of screen and pushed whole.

After a commit that moved ``board:<queue>``, the queue's newest picture is rendered for every variant
(language and privacy) that has a paired screen, and sent as ``{epoch, prev, seq, html}``. Rows are read after
the commit of ``seq``, so ``html`` may be newer than its number says but never older. A burst is rendered
once: its message covers everything from ``prev`` on. Whatever fails here is logged and no more, because every
tick tells the screens where the stream stands in PostgreSQL, and one that is behind fetches the snapshot.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from psycopg.pq import TransactionStatus

from clinic_web.kernel import clock, push, unit_of_work
from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import StreamMoved, UnitOfWork
from clinic_web.reception.board_words import render
from clinic_web.reception.live import BOARD, board_topic
from clinic_web.reception.queries import board
from clinic_web.reception.queries.board import Wall
from clinic_web.reception.service.displays import DISPLAYS

if TYPE_CHECKING:
    from flask import Flask

logger = structlog.get_logger(__name__)

WALL_KEPT = 2.0  # seconds; a screen paired within them is told by the next tick
PAUSE = 0.02  # seconds between two renderings of a queue; the first change after a quiet moment goes at once
SNAPSHOT_KEPT = 1.0  # seconds; two hundred screens that come back at once cost one rendering


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A rendered board and the place in its stream that it is at least as new as."""

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


@dataclass
class Stage:
    """This process's walls: what is known of them, what waits to be rendered, what was rendered last."""

    app: Flask | None = None
    walls: dict[UUID, tuple[float, Wall | None]] = field(default_factory=dict)
    pending: dict[UUID, Change] = field(default_factory=dict)
    rendering: set[UUID] = field(default_factory=set)
    told: dict[UUID, float] = field(default_factory=dict)
    kept: dict[tuple[UUID, str], tuple[float, Snapshot]] = field(default_factory=dict)
    locks: dict[tuple[UUID, str], threading.Lock] = field(default_factory=dict)
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
    if known and not (known[0] and known[0].languages):
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
        stage.pending[queue_id] = Change(stream.epoch, stream.seq - 1, stream.seq)
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
    with stage.app.app_context(), _reading():
        wall = wall_of(queue_id)
        if wall is None or not wall.languages:
            return
        picture = board.picture(wall)
        variants = {wall.variant(language): render(picture, language) for language in wall.languages}
    with broker().together():
        for variant, html in variants.items():
            snapshot = Snapshot(
                epoch=change.epoch, seq=change.seq, html=html, valid_until=picture.valid_until
            )
            stage.kept[queue_id, variant] = (time.monotonic(), snapshot)
            body = message(snapshot) | {"prev": change.prev}
            push.emit("board", body, f"{board_topic(queue_id)}:{variant}")


@contextmanager
def _reading() -> Iterator[None]:
    """Read without BEGIN and ROLLBACK: each statement is true by itself, and two round trips are saved."""
    driver: Any = db.session.connection().connection.driver_connection
    is_idle = driver.info.transaction_status == TransactionStatus.IDLE
    if is_idle:
        driver.autocommit = True
    try:
        yield
    finally:
        if is_idle and not driver.closed:
            driver.autocommit = False
        db.session.rollback()


def message(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as it travels."""
    return {
        "epoch": snapshot.epoch,
        "seq": snapshot.seq,
        "html": snapshot.html,
        "valid_until": snapshot.valid_until.isoformat(),
        "server_time": clock.now().isoformat(),
    }


def snapshot_of(wall: Wall, language: str) -> Snapshot:
    """Return the board as it is now, rendered at most once a second per variant and place in the stream."""
    key = (wall.queue_id, wall.variant(language))
    at = push.versions([board_topic(wall.queue_id)]).get(board_topic(wall.queue_id))
    epoch, seq = (at.epoch, at.seq) if at else (None, 0)
    with stage.guard:
        lock = stage.locks.setdefault(key, threading.Lock())
    with lock:
        made_at, kept = stage.kept.get(key, (0.0, None))
        now = clock.now()
        if (
            kept
            and (kept.epoch, kept.seq) == (epoch, seq)
            and time.monotonic() - made_at < SNAPSHOT_KEPT
            and now < kept.valid_until
        ):
            return kept
        picture = board.picture(wall)
        fresh = Snapshot(
            epoch=epoch, seq=seq, html=render(picture, language), valid_until=picture.valid_until
        )
        stage.kept[key] = (time.monotonic(), fresh)
        return fresh


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
