"""Live topics: collect what changed during a transaction, tell it after the commit.

Staff screens are told that a topic changed and its version, never what it now says: each browser fetches the
fragment again under its own rights. A topic whose screens can't fetch (public boards) has a publisher of its
own, registered by its prefix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from clinic_web.kernel import unit_of_work
from clinic_web.kernel.db import db
from clinic_web.kernel.tables import Stream
from clinic_web.kernel.unit_of_work import StreamMoved, UnitOfWork

Emit = Callable[[str, dict[str, Any], str], None]
Publisher = Callable[[StreamMoved], None]


def _emit_nothing(event: str, payload: dict[str, Any], room: str) -> None:
    """Until the app binds a real socket server there is nobody to tell."""


_emit: Emit = _emit_nothing
_publishers: dict[str, Publisher] = {}


def bind(emit: Emit) -> None:
    """Bind the port through which rooms are told. ``emit`` never raises and never blocks for long."""
    global _emit
    _emit = emit


def publish_with(prefix: str, publisher: Publisher) -> None:
    """Let ``publisher`` tell the topics that begin with ``prefix`` (for example ``board:``)."""
    _publishers[prefix] = publisher


def changed(topic: str) -> None:
    """Say that what ``topic`` shows changes with the current transaction."""
    unit_of_work.current().topics.add(topic)


def emit(event: str, payload: dict[str, Any], room: str) -> None:
    """Tell a room at once. Only for what is already committed."""
    _emit(event, payload, room)


@unit_of_work.after_commit
def tell(work: UnitOfWork) -> None:
    """Tell staff screens."""
    for stream in work.moved:
        if _publisher_of(stream) is None:
            _emit("changed", {"topic": stream.topic, "version": stream.seq}, stream.topic)


@unit_of_work.afterwards
def publish(work: UnitOfWork) -> None:
    for stream in work.moved:
        if publisher := _publisher_of(stream):
            publisher(stream)


def _publisher_of(stream: StreamMoved) -> Publisher | None:
    return _publishers.get(stream.topic.partition(":")[0] + ":")


def versions(topics: list[str]) -> dict[str, StreamMoved]:
    """Return where the given topics stand in PostgreSQL; a topic that never changed is absent."""
    if not topics:
        return {}
    rows = db.session.execute(select(Stream.topic, Stream.epoch, Stream.seq).where(Stream.topic.in_(topics)))
    return {topic: StreamMoved(topic, str(epoch), seq) for topic, epoch, seq in rows}
