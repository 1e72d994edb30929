"""A unit of work in one statement: the row moves, and the statement itself records what that means.

The busiest presses (the next patient, a walk-in's number) have one usual course. Each round trip to
PostgreSQL that they save is saved under locks that colleagues wait for. So such a press is first tried as one
statement: its parts below are CTEs that write event, deliveries, answer and streams from the row that another
CTE has written. What the usual course doesn't fit returns no row, and the service goes the long way.

Each function returns SQL. ``row`` is the name of a CTE that returns at most one row; keyword arguments are
SQL expressions over it, where they are not simply its column of that name.
"""

# ruff: noqa: S608 - the parts that are put together are constants of the program

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, cast

from clinic_web.kernel import bus, clock, unit_of_work
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.bus import Event
from clinic_web.kernel.idempotency import Press
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import StreamMoved

# True while nobody has pressed with this key: else the long way finds the first answer, or the misuse.
IS_FIRST_PRESS = """NOT EXISTS (SELECT FROM kernel.idempotency_keys
      WHERE organization_id = :organization_id AND user_id = :user_id AND action = :action AND key = :key)"""

# True while a stream stands where it stood when this process read what it tells of: what is remembered from
# then is what the tables say now.
IS_STILL_SO = """EXISTS (SELECT FROM kernel.streams
      WHERE topic = :known_topic AND epoch = CAST(:known_epoch AS uuid) AND seq = :known_seq)"""

# What ``moved`` has moved, for the last SELECT; ``committed`` takes it.
MOVED = "(SELECT jsonb_agg(jsonb_build_array(topic, epoch, seq)) FROM streams) AS moved"


def values(actor: Actor, press: Press, event: type[Event]) -> dict[str, Any]:
    """Return the parameters that the parts below need for one ``press`` that publishes ``event``."""
    heard = bus.subscribers(event)
    if any(each.concerns for each in heard):
        raise TypeError(f"{event.TOPIC} is told by SQL, which can't ask whom it concerns")
    return {
        **vars(press),
        "event_id": new_id(),
        "consumers": _array(each.consumer for each in heard),
        "consumer_queues": _array(each.queue for each in heard),
        "now": clock.now(),
    }


def known_as_of(stream: StreamMoved) -> dict[str, Any]:
    """Return the parameters of ``IS_STILL_SO``."""
    return {"known_topic": stream.topic, "known_epoch": stream.epoch, "known_seq": stream.seq}


def told(event: type[Event], row: str, **columns: str) -> str:
    """Return the CTEs that publish ``event``, with a delivery for each of its subscribers."""
    kind, id_field = event.AGGREGATE
    fields = {field.name: f"{row}.{field.name}" for field in dataclasses.fields(cast(Any, event))} | columns
    return f"""
    event AS (
        INSERT INTO kernel.domain_events
               (id, organization_id, event_type, aggregate_type, aggregate_id,
                event_data, user_id, occurred_at)
        SELECT :event_id, :organization_id, '{event.TOPIC}', '{kind}', {fields[id_field]},
               {_object(fields)}, :user_id, :now
          FROM {row}
        RETURNING id
    ), deliveries AS (
        INSERT INTO kernel.deliveries (event_id, consumer, queue, due_at)
        SELECT event.id, heard.consumer, heard.queue, CAST(:now AS timestamptz) + interval '2 seconds'
          FROM event, unnest(CAST(:consumers AS text[]), CAST(:consumer_queues AS text[]))
               AS heard(consumer, queue))"""


def kept(row: str, **columns: str) -> str:
    """Return the CTE that claims the key and keeps the answer with it.

    A colliding press (the same key at the same instant) waits here and fails with ``ALREADY_PRESSED``.
    """
    return f"""
    kept AS (
        INSERT INTO kernel.idempotency_keys (organization_id, user_id, action, key, fingerprint, answer)
        SELECT :organization_id, :user_id, :action, :key, :fingerprint, {_object(columns)}
          FROM {row}
        RETURNING key)"""


def moved(row: str, *topics: str) -> str:
    """Return the CTE that moves the streams, last of all locks (see docs/architecture.md)."""
    return f"""
    streams AS (
        INSERT INTO kernel.streams AS s (topic, seq)
        SELECT topic, 1 FROM kept, {row}, unnest(ARRAY[{", ".join(topics)}]) AS topic ORDER BY topic
            ON CONFLICT (topic) DO UPDATE SET seq = s.seq + 1
        RETURNING topic, epoch, seq)"""


def recorded(moved: list[list[Any]], *events: type[Event]) -> None:
    """Tell the unit of work what the statement has recorded, so that screens and workers are told of it."""
    work = unit_of_work.current()
    work.moved += [StreamMoved(topic, epoch, seq) for topic, epoch, seq in moved]
    work.queues.update(each.queue for event in events for each in bus.subscribers(event))


def _array(names: Iterable[str]) -> str:
    """Names of the program's own as PostgreSQL writes an array of text; the driver takes longer to."""
    return "{" + ",".join(names) + "}"


def _object(columns: dict[str, str]) -> str:
    pairs = ", ".join(f"'{name}', {expression}" for name, expression in columns.items())
    return f"jsonb_build_object({pairs})"
