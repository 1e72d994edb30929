"""Live screens: who may connect, who may join which topic, and the tick that heals what was lost.

A socket carries no patient data: staff screens hear that a topic changed and fetch it themselves. Every five
seconds each process reads from PostgreSQL where the topics of its own sockets stand and tells them, so the
last lost message heals too, and a process that is deaf to Redis is found out. The same tick ends the sockets
of sessions and displays that were revoked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from flask import Flask, current_app, request
from flask_socketio import SocketIO
from socketio.exceptions import ConnectionRefusedError as Refused
from sqlalchemy.exc import SQLAlchemyError

from clinic_web.config import ConfigError, Settings
from clinic_web.kernel import clock, metrics, push, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db
from clinic_web.ui.broadcast import PatientManager
from clinic_web.ui.ports import ports
from clinic_web.ui.who import actor_or_none

logger = structlog.get_logger(__name__)

TICK = 5.0
MOST_TOPICS = 120
LONGEST_TOPIC = 120


@dataclass(frozen=True)
class Joiner:
    """Who is at the other end of a socket: a signed-in person or a paired (or pairing) display."""

    actor: Actor | None
    display_id: UUID | None
    session_id: UUID | None = None

    @property
    def kind(self) -> str:
        return "person" if self.actor else "display"


MayJoin = Callable[[Joiner, str], bool]


@dataclass(frozen=True)
class TopicRule:
    """Who may hear the topics of one kind. ``names`` is the kind of thing behind the colon, ``within`` how
    far it reaches (see ``ui.policies``); ``screens`` says what protects it where no person's right does."""

    may_join: MayJoin
    permission: str | None
    names: str
    within: str
    screens: str
    beyond: str | None


_rules: dict[str, TopicRule] = {}

# Flask-SocketIO's type stubs know neither its server nor its options.
socketio: Any = SocketIO()


def topic_rule(  # noqa: PLR0913 - a policy is that many facts, by keyword
    prefix: str,
    may_join: MayJoin,
    *,
    permission: str | None = None,
    names: str = "",
    within: str = "",
    screens: str = "",
    beyond: str | None = None,
) -> None:
    """Let people with ``permission`` hear the topics that begin with ``prefix``, such as ``queue:``, where
    ``may_join`` agrees. Topics of screens need no permission: ``screens`` says what they show instead.

    Raises ConfigError when a rule says neither, or not what its topics are about.
    """
    if not (permission or screens) or not (names and within):
        raise ConfigError(
            f'Topics {prefix}: say who may join. sockets.topic_rule(..., permission="resource.action",'
            ' names="<kind of thing>", within=policies.FACILITY), or screens="<what they show instead>".'
        )
    _rules[prefix] = TopicRule(may_join, permission, names, within, screens, beyond)


def rules() -> dict[str, TopicRule]:
    return dict(_rules)


@dataclass
class Hub:
    """The sockets of this process: who they are and what they listen to."""

    joiners: dict[str, Joiner] = field(default_factory=dict)
    topics: dict[str, set[str]] = field(default_factory=dict)
    stamps: dict[str, object] = field(default_factory=dict)
    is_ticking: bool = False

    def remember(self, sid: str, joiner: Joiner, stamp: object) -> None:
        self.joiners[sid], self.stamps[sid] = joiner, stamp
        metrics.sockets.labels(joiner.kind).inc()

    def forget(self, sid: str) -> None:
        if joiner := self.joiners.pop(sid, None):
            metrics.sockets.labels(joiner.kind).dec()
        self.topics.pop(sid, None)
        self.stamps.pop(sid, None)


hub = Hub()


def install(app: Flask, settings: Settings) -> None:
    """Attach the socket server to the app and bind the port through which the kernel tells rooms."""
    socketio.init_app(
        app,
        async_mode=_async_mode(),
        client_manager=PatientManager(settings.redis_url, write_only=False),
        transports=["websocket"],
        cors_allowed_origins=_origins(settings),
        manage_session=False,
        max_http_buffer_size=65536,
        ping_interval=10,
        ping_timeout=5,
        http_compression=False,
    )
    for name, handler in (("connect", connect), ("disconnect", disconnect), ("join", join), ("leave", leave)):
        socketio.on_event(name, handler)
    push.bind(lambda event, payload, room: socketio.emit(event, payload, to=room))


def install_writer(settings: Settings) -> None:
    """In a process without sockets (a worker): tell rooms through Redis only."""
    writer = PatientManager(settings.redis_url, write_only=True)
    push.bind(lambda event, payload, room: writer.emit(event, payload, room=room))


def _async_mode() -> str:
    from gevent.monkey import is_module_patched

    return "gevent" if is_module_patched("socket") else "threading"


def _origins(settings: Settings) -> list[str]:
    """The public origin, and its other loopback name on a developer's machine."""
    origins = settings.allowed_origins
    if "//localhost" in origins[0]:
        origins.append(origins[0].replace("//localhost", "//127.0.0.1"))
    return origins


def connect(auth: Any = None) -> None:
    """Admit signed-in people and displays; others hear that they are signed out."""
    if not request.headers.get("Origin"):
        logger.info("socket_refused", why="no-origin", ip_address=request.remote_addr)
        raise Refused("no-origin")  # a browser always sends one with a WebSocket
    with tenant.of(tenant.NOBODY):
        joiner = _joiner()
    db.session.rollback()
    if joiner.actor is None and joiner.display_id is None:
        raise Refused("signed-out")
    stamp = ports.session_rights([joiner.session_id]).get(joiner.session_id) if joiner.session_id else None
    db.session.rollback()
    hub.remember(request.sid, joiner, stamp)  # type: ignore[attr-defined]
    _start_ticking()


def _joiner() -> Joiner:
    actor = actor_or_none()
    return Joiner(actor, None if actor else ports.display_id(), ports.session_id() if actor else None)


def disconnect(_reason: str | None = None) -> None:
    hub.forget(request.sid)  # type: ignore[attr-defined]


def join(message: Any) -> dict[str, Any]:
    """Join one topic, if its rule allows it; answer where the topic stands now."""
    sid: str = request.sid  # type: ignore[attr-defined]
    topic = str((message or {}).get("topic", "") if isinstance(message, dict) else "")[:LONGEST_TOPIC]
    mine = hub.topics.setdefault(sid, set())
    if len(mine) >= MOST_TOPICS or not may_join(hub.joiners.get(sid), topic):
        joiner = hub.joiners.get(sid)
        who = joiner.actor.user_id if joiner and joiner.actor else None
        kind = topic.partition(":")[0] if is_heard(topic) else None
        logger.info(
            "join_refused", user_id=str(who) if who else None, kind=kind, ip_address=request.remote_addr
        )
        return {"ok": False}
    socketio.server.enter_room(sid, topic)
    mine.add(topic)
    socketio.server.manager.wait_until_heard(topic)  # whatever the answer below does not tell, arrives
    at = push.versions([stream_of(topic)]).get(stream_of(topic))
    db.session.rollback()
    return {"ok": True, "seq": at.seq if at else 0, "epoch": at.epoch if at else None}


def leave(message: Any) -> None:
    topic = str((message or {}).get("topic", "") if isinstance(message, dict) else "")
    sid: str = request.sid  # type: ignore[attr-defined]
    hub.topics.get(sid, set()).discard(topic)
    socketio.server.leave_room(sid, topic)


def may_join(joiner: Joiner | None, topic: str) -> bool:
    """Ask the rule of the topic's kind; a topic without a rule is nobody's."""
    rule = _rules.get(topic.partition(":")[0] + ":")
    if rule is None or joiner is None:
        return False
    if rule.permission and not (joiner.actor and joiner.actor.can(rule.permission)):
        return False
    try:
        with tenant.of(joiner.actor.organization_id if joiner.actor else tenant.NOBODY):
            return rule.may_join(joiner, topic)
    except ValueError:  # an id in the topic that is none
        return False
    finally:
        db.session.rollback()


def is_heard(topic: str) -> bool:
    """Return whether anybody may hear topics of this kind at all."""
    return topic.partition(":")[0] + ":" in _rules


def stream_of(topic: str) -> str:
    """Return the stream a topic follows: ``board:<queue>`` for ``board:<queue>:<variant>``."""
    return ":".join(topic.split(":")[:2])


def _start_ticking() -> None:
    if not hub.is_ticking:
        hub.is_ticking = True
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        socketio.start_background_task(_tick_for_ever, app)


def _tick_for_ever(app: Flask) -> None:
    while True:
        for each in (_look_between, tick):
            socketio.sleep(TICK / 2)
            try:
                with app.app_context():
                    each()
            except SQLAlchemyError as error:
                # Without PostgreSQL nothing can be vouched for: no tick, and every screen says so.
                logger.warning("tick_failed", error_type=type(error).__name__)


def _look_between() -> None:
    """Between two ticks, too: a socket whose session was ended lives for half a tick at most."""
    _end_revoked()
    db.session.rollback()


def tick() -> None:
    """Tell each socket of this process where its topics stand, and end those that were revoked."""
    _end_revoked()
    streams = sorted({stream_of(topic) for topics in hub.topics.values() for topic in topics})
    at = push.versions(streams)
    db.session.rollback()
    is_live = broker().is_there()
    now = clock.now().isoformat()
    for sid, topics in list(hub.topics.items()):
        standing: dict[str, Any] = {
            topic: {"seq": at[stream].seq, "epoch": at[stream].epoch}
            for topic in topics
            if (stream := stream_of(topic)) in at
        }
        socketio.server.emit("tick", {**standing, "live": is_live, "now": now}, to=sid, ignore_queue=True)


def _end_revoked() -> None:
    """End the sockets whose session or display is closed, and those whose person's rights changed: such a
    browser comes back at once and asks for each topic again."""
    asked = dict(hub.joiners)  # while PostgreSQL answers, others come: nothing was asked of them
    sessions = {joiner.session_id for joiner in asked.values() if joiner.session_id}
    displays = {joiner.display_id for joiner in asked.values() if joiner.display_id}
    rights = ports.session_rights(sessions) if sessions else {}
    open_displays = ports.open_displays(displays) if displays else set()
    for sid, joiner in asked.items():
        if sid not in hub.joiners:
            continue
        if joiner.session_id and joiner.session_id in rights:
            if hub.stamps.get(sid) != rights[joiner.session_id]:
                _end(sid)
        elif joiner.display_id not in open_displays:
            socketio.server.emit("signed_out", {}, to=sid, ignore_queue=True)
            _end(sid)


def _end(sid: str) -> None:
    """Tell the browser, and close its connection: whoever does not listen is gone all the same."""
    hub.forget(sid)
    server = socketio.server
    connection = server.manager.eio_sid_from_sid(sid, "/")
    server.disconnect(sid, ignore_queue=True)
    if connection is not None:
        server.eio.disconnect(connection)
