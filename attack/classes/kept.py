"""What is kept: the audit and the ledger as the application's own role, and Redis fed by somebody else."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from uuid import uuid4

from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from attack.arena import Arena, Case, Deed, Knock, Line
from attack.judges import no_fault
from clinic_web.kernel import jobs
from clinic_web.kernel.db import Model

IDS = "A16 A17 A55 A71"
WHAT = "audit and ledger as the application, Redis"

WRITTEN_ONCE = ("audit.access_logs", "audit.changes", "audit.seals", "kernel.domain_events",
                "payments.payment_transactions", "payments.ledger_entries")  # fmt: skip
STATEMENTS = (
    "UPDATE {table} SET organization_id = organization_id", "DELETE FROM {table}", "TRUNCATE {table}",
    "TRUNCATE {table} CASCADE", "ALTER TABLE {table} DISABLE TRIGGER USER", "DROP TABLE {table}",
    "ALTER TABLE {table} OWNER TO CURRENT_USER", "CREATE RULE r AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "GRANT ALL ON {table} TO CURRENT_USER", "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
)  # fmt: skip
OF_THE_SERVER = (
    "CREATE ROLE intruder SUPERUSER", "ALTER ROLE CURRENT_USER BYPASSRLS", "SET SESSION AUTHORIZATION clinic_owner",
    "SET ROLE clinic_owner", "COPY audit.changes TO PROGRAM 'true'", "COPY audit.changes TO '/tmp/x'",
    "CREATE EXTENSION plpython3u", "SELECT pg_read_file('/etc/passwd')", "SELECT lo_import('/etc/passwd')",
    "ALTER SYSTEM SET log_statement = 'all'", "SET session_replication_role = replica",
    "CREATE SCHEMA intruder", "CREATE TABLE reception.intruder (id int)",
    "CREATE OR REPLACE FUNCTION kernel.intruder() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER DATABASE CURRENT_DATABASE RENAME TO x",
    "UPDATE identity.roles SET is_system = true WHERE ctid IS NULL; DROP TABLE identity.users",
)  # fmt: skip


def cases(arena: Arena) -> Iterator[Case]:
    yield from _of_postgresql(arena)
    for what, make in PAYLOADS.items():
        for queue in (*jobs.DELIVERY_QUEUES, *jobs.OUTSIDE_QUEUES):
            yield Deed(f"{what} into the queue {queue}", partial(_into_queue, arena, queue, make))
        for channel in ("flask-socketio", "socketio", "clinic", "rq:pubsub"):
            yield Deed(f"{what} into the channel {channel}", partial(_into_channel, arena, channel, make))


def _of_postgresql(arena: Arena) -> Iterator[Case]:
    written_once = [each.format(table=table) for table in WRITTEN_ONCE for each in STATEMENTS]
    for asked in (*written_once, *OF_THE_SERVER):
        yield Deed(asked, partial(_is_denied, arena, asked))
    for table in _tenants_tables():
        for of_whom, organization_id in (("nobody", ""), ("us", str(arena.ours.organization_id))):
            look = partial(_sees_nothing, arena, table, organization_id)
            yield Deed(f"{table} of others, working for {of_whom}", look)


def _is_denied(arena: Arena, statement: str) -> str | None:
    """Run a statement as the application's role; whatever it did is taken back."""
    url = arena.app.config["SETTINGS"].database_url
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            began = connection.begin()
            try:
                done = connection.execute(text(statement.replace(":", r"\:")))
                number = done.rowcount if not done.returns_rows else 1
            finally:
                began.rollback()
    except DBAPIError:
        return None
    is_grant = statement.startswith("GRANT")  # which only warns that nothing was granted
    return None if is_grant or (number == 0 and "UPDATE" in statement) else "was done"


def _tenants_tables() -> list[str]:
    """Tables of a tenant's own rows; the kernel's are no business data and know no wall."""
    tables = Model.metadata.sorted_tables
    return [each.fullname for each in tables if "organization_id" in each.columns and each.schema != "kernel"]


def _sees_nothing(arena: Arena, table: str, organization_id: str) -> str | None:
    """Row-level security: who works for nobody, or for us, reads no row of theirs, whatever is asked."""
    engine = create_engine(arena.app.config["SETTINGS"].database_url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(
            text("SELECT set_config('app.tenant', :tenant, false)"), {"tenant": organization_id}
        )
        asked = text(f"SELECT count(*) FROM {table} WHERE organization_id = :theirs")  # noqa: S608 - our own name
        found = connection.scalar(asked, {"theirs": arena.theirs.organization_id})
    return f"{found} rows of theirs" if found else None


class _Gadget:
    """Unpickling it leaves a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.file,)


def _marker() -> Path:
    return Path(gettempdir()) / f"clinic-attack-{uuid4().hex}"


def _pickled(file: Path) -> bytes:
    return pickle.dumps(_Gadget(file))


def _named(file: Path) -> bytes:
    return json.dumps(["os.system", None, [f"touch {file}"], {}]).encode()


def _method(file: Path) -> bytes:
    return json.dumps(
        {"method": "emit", "event": "x", "data": {"__reduce__": ["os.system", [f"touch {file}"]]}}
    ).encode()


PAYLOADS = {"a pickle": _pickled, "a command": _named, "a message": _method}


def _redis(arena: Arena) -> Redis:
    return Redis.from_url(arena.app.config["SETTINGS"].redis_url)


def _into_queue(arena: Arena, queue: str, make: Callable[[Path], bytes]) -> str | None:
    file, job = _marker(), uuid4().hex
    with _redis(arena) as redis:
        redis.hset(f"rq:job:{job}", mapping={"data": make(file), "status": "queued", "origin": queue, "timeout": "5",
                                             "created_at": "2026-11-21T10:00:00.000000Z", "description": "x"})  # fmt: skip
        redis.rpush(f"rq:queue:{queue}", job)
    time.sleep(0.4)
    return _left(arena, file)


def _into_channel(arena: Arena, channel: str, make: Callable[[Path], bytes]) -> str | None:
    file = _marker()
    with _redis(arena) as redis:
        redis.publish(channel, make(file))
    time.sleep(0.2)  # that nothing comes of it can only be seen by giving it time
    return _left(arena, file)


def _left(arena: Arena, file: Path) -> str | None:
    if file.exists():
        file.unlink()
        return "it was carried out"
    answer = Line(arena).send(Knock("", "/readyz", no_fault))
    return None if answer.status == 200 else f"the program answers {answer.status} since then"
