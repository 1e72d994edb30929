"""The floors: the least that could do the same. Run by gunicorn with the program's own settings.

``bare()`` answers a word. ``by_psycopg()`` books and calls with the program's SQL and nothing else of it: no
ORM, no forms, no CSRF, no rights, no templates, no Redis. ``by_psycopg(tells=True)`` also tells the screens
of a room, as a bare Flask-SocketIO does.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import LifoQueue
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
from flask import Flask, request
from uuid_utils.compat import uuid7

from bench import floor_sql as sql

IDLE = timedelta(hours=2)
POOL = 10
Values = dict[str, Any]


def bare() -> Flask:
    """A bare Flask answer."""
    app = Flask("floor")

    @app.get("/")
    def hello() -> str:
        return "Hello"

    @app.get("/healthz")
    def healthz() -> str:
        return "alive"

    return app


class Pool:
    """A few connections, made when first needed, the last used first."""

    def __init__(self, url: str, organization_id: str) -> None:
        self._url = url
        self._options = f"-c app.tenant={organization_id}"  # behind row-level security, as ours
        self._idle: LifoQueue[psycopg.Connection[Any] | None] = LifoQueue()
        for _ in range(POOL):
            self._idle.put(None)

    def _new(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._url, autocommit=True, options=self._options)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection on which each statement commits by itself, until a transaction is begun."""
        connection = self._idle.get() or self._new()
        try:
            yield connection
        finally:
            self._idle.put(connection)


def by_psycopg(*, tells: bool = False) -> Flask:
    """The program's SQL by bare psycopg; what the program remembers in its process comes from a file."""
    app = Flask("floor")
    facts = json.loads(Path(os.environ["FLOOR_FACTS"]).read_text())
    pool = Pool(os.environ["DATABASE_URL"], facts["place"]["organization_id"])
    tell = _teller(app, facts) if tells else _tell_nobody

    @app.get("/healthz")
    def healthz() -> str:
        return "alive"

    @app.post("/book/<patient_id>")
    def book(patient_id: str) -> tuple[str, int, dict[str, str]]:
        with pool.connection() as connection:
            values = _who_asks(connection.cursor(), facts)
            with connection.transaction(), connection.cursor() as cursor:
                booked = _book(cursor, values, patient_id)
        return "", 303, {"Location": f"/done/{booked}"}

    @app.post("/next")
    def call_next() -> str:
        with pool.connection() as connection:
            ticket = _call(connection.cursor(), _who_is_remembered(facts))
        tell()
        return f"{ticket} called"

    return app


def _who_is_remembered(facts: Values) -> Values:
    """Who asks, and what a statement proves it by."""
    token, now = request.cookies["token"], datetime.now(UTC)
    digest = hashlib.sha256(token.encode()).digest()
    proof = {"who_token": digest, "who_now": now, "who_idle_since": now - IDLE}
    return dict(facts["people"][token] | facts["place"] | proof | {"now": now})


def _who_asks(cursor: psycopg.Cursor[Any], facts: Values) -> Values:
    values = _who_is_remembered(facts)
    session = {
        "token_hash": values["who_token"],
        "now": values["now"],
        "idle_since": values["who_idle_since"],
    }
    cursor.execute(sql.SESSION, session)
    if cursor.fetchone() is None:
        raise PermissionError
    return values


def _claim(cursor: psycopg.Cursor[Any], values: Values, action: str, body: Values) -> None:
    fingerprint = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
    values |= {"action": action, "key": request.form["idempotency_key"], "fingerprint": fingerprint}
    cursor.execute(sql.CLAIM, values)
    if cursor.fetchone() is None:
        raise RuntimeError("sent twice")


def _seen(values: Values, kind: str, row_id: Any) -> Values:
    """The access log's row."""
    return {
        "id": str(uuid7()),
        "organization_id": str(values["organization_id"]),
        "user_id": str(values["user_id"]),
        "action": values["action"],
        "resource_type": kind,
        "resource_id": str(row_id),
        "result": "ALLOWED",
        "ip_address": request.remote_addr,
        "user_agent": request.headers["User-Agent"],
        "metadata": None,
        "accessed_at": values["now"].isoformat(),
    }


def _book(cursor: psycopg.Cursor[Any], values: Values, patient_id: str) -> UUID:
    doctor_id, moment = request.form["slot"].split("|")
    start = datetime.fromisoformat(moment).astimezone(UTC)
    day = start.astimezone(ZoneInfo(values["timezone"])).date()
    values |= {
        "patient_id": UUID(patient_id),
        "doctor_id": UUID(doctor_id),
        "service_id": UUID(request.form["service"]),
        "start_time": start,
    }
    _claim(cursor, values, "appointment.book", {"slot": moment, "doctor": doctor_id, "patient": patient_id})
    cursor.execute(sql.PATIENT, values)
    if cursor.fetchone() is None:
        raise LookupError("patient")
    cursor.execute(sql.TERMS, values | {"profession": "DOCTOR"})
    clinic_id, price, minutes, share, rule, facility_id, currency, own_share = _row(cursor)
    values |= {
        "facility_id": facility_id,
        "clinic_id": clinic_id,
        "doctors_day": f"{doctor_id}/{day}",
        "appointment_id": uuid7(),
        "visit_id": uuid7(),
        "number_id": uuid7(),
        "transition_id": uuid7(),
        "payment_id": uuid7(),
        "booking_id": f"BK-{day:%Y%m%d}-{os.urandom(3).hex()}",
        "end_time": start + timedelta(minutes=minutes),
        "booking_source": "WALK_IN",
        "notes": None,
        "is_overbooking": False,
        "overbooking_reason": None,
    }
    cursor.execute(sql.BOOK, values)
    _, queue_id, ticket = _row(cursor)
    values |= {
        "ticket": ticket,
        "currency": currency,
        "total_amount": price,
        "share_percent": own_share if share is None else share,
        "share_rule_version": rule,
        "status": "PENDING",
        "due_at": start,
        "paid_at": None,
    }
    cursor.execute(sql.PAYMENT, values)
    answer = _texts(
        values, "appointment_id", "visit_id", "payment_id", "booking_id", "ticket", "start_time", "doctor_id"
    )
    answer |= {"queue_id": str(queue_id), "version": 1, "appointment_version": 1}
    told = _texts(
        values, "organization_id", "facility_id", "clinic_id", "appointment_id", "visit_id", "payment_id",
        "patient_id", "doctor_id", "service_id", "start_time", "total_amount", "booking_id", "ticket",
    )  # fmt: skip
    record = _recorded(values, ("appointment.booked", "appointment", told["appointment_id"]), told, answer)
    consumer = "notifications.queue_booking_confirmation:appointment.booked"
    sent = {"event_id": record["event_id"], "consumer": consumer, "queue": "notifications"}
    record |= {"deliveries": json.dumps([sent]), "topics": [f"payments:{clinic_id}", f"queue:{queue_id}"]}
    cursor.execute(sql.RECORD_BOOKED, record).fetchall()
    return UUID(answer["visit_id"])


def _call(cursor: psycopg.Cursor[Any], values: Values) -> str:
    values |= {
        "action": "visit.call_next",
        "key": request.form["idempotency_key"],
        "fingerprint": hashlib.sha256(b"{}").digest(),
        "clinic_id": UUID(values["clinic_id"]),
        "transition_id": uuid7(),
        "finished_id": None,
        "event_id": uuid7(),
        "consumers": [],
        "consumer_queues": [],
        "access_id": uuid7(),
        "ip_address": request.remote_addr,
        "user_agent": request.headers["User-Agent"],
    }
    cursor.execute(sql.CALL_NEXT, values)
    return str(_row(cursor)[8])


def _row(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise LookupError("nothing")
    return row


def _texts(values: Values, *names: str) -> Values:
    return {name: str(values[name]) for name in names}


def _recorded(values: Values, event: tuple[str, str, str], told: Values, answer: Values) -> Values:
    """What one commit says: an event, the answer of its key, an access log's row."""
    event_id = str(uuid7())
    owner = {"organization_id": str(values["organization_id"]), "user_id": str(values["user_id"])}
    row = owner | {
        "id": event_id,
        "event_type": event[0],
        "aggregate_type": event[1],
        "aggregate_id": event[2],
        "event_data": told,
        "occurred_at": values["now"].isoformat(),
    }
    kept = owner | {"action": values["action"], "key": values["key"], "answer": answer}
    return {
        "event_id": event_id,
        "events": json.dumps([row]),
        "answers": json.dumps([kept]),
        "witnesses": json.dumps([_seen(values, event[1], event[2])]),
        "now": values["now"],
    }


def _tell_nobody() -> None:
    """A floor without screens."""


def _teller(app: Flask, facts: Values) -> Callable[[], None]:
    """Let screens join a room, and return what tells them: one bare emit through Redis."""
    from flask_socketio import SocketIO, join_room

    socketio: Any = SocketIO()  # its type stubs know neither its server nor its options
    socketio.init_app(
        app,
        async_mode="gevent",
        message_queue=os.environ["REDIS_URL"],
        channel="floor",
        transports=["websocket"],
        cors_allowed_origins=[os.environ["PUBLIC_URL"]],
        manage_session=False,
        ping_interval=10,
        ping_timeout=5,
        http_compression=False,
    )

    # Forked as ours is, and each process under a name of its own.
    os.register_at_fork(after_in_child=lambda: setattr(socketio.server.manager, "host_id", uuid4().hex))

    def join(message: dict[str, str]) -> dict[str, bool]:
        join_room(message["topic"])
        return {"ok": True}

    socketio.on_event("join", join)
    message, room = facts["message"], facts["room"]
    return lambda: socketio.emit("board", message, to=room)
