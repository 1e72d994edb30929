"""What a unit of work writes last, all in one statement: events, deliveries, answers, streams, witnesses.

It is the last statement before the commit, because it locks the streams, which every colleague of the same
queue wants next; and one, because each more would be another wait for every press of every button.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from clinic_web.kernel.statement import Statement

# Name of a collection → what writes its rows, given as JSON in the parameter of that name. ``LIMIT`` tells
# the planner how few rows come: without it, it expects a hundred and reads the whole table of keys for one.
_parts: dict[str, str] = {
    "events": """
        INSERT INTO kernel.domain_events
               (id, organization_id, event_type, aggregate_type, aggregate_id,
                event_data, user_id, occurred_at)
        SELECT e.* FROM jsonb_to_recordset(CAST(:events AS jsonb))
               AS e(id uuid, organization_id uuid, event_type text, aggregate_type text, aggregate_id uuid,
                    event_data jsonb, user_id uuid, occurred_at timestamptz)
    """,
    "deliveries": """
        INSERT INTO kernel.deliveries (event_id, consumer, queue, due_at)
        SELECT d.event_id, d.consumer, d.queue, CAST(:now AS timestamptz) + interval '2 seconds'
          FROM jsonb_to_recordset(CAST(:deliveries AS jsonb)) AS d(event_id uuid, consumer text, queue text)
    """,
    "answers": """
        UPDATE kernel.idempotency_keys k SET answer = a.answer
          FROM (SELECT * FROM jsonb_to_recordset(CAST(:answers AS jsonb))
                  AS r(organization_id uuid, user_id uuid, action text, key text, answer jsonb) LIMIT 4) a
         WHERE (k.organization_id, k.user_id, k.action, k.key)
             = (a.organization_id, a.user_id, a.action, a.key)
    """,
}

STREAMS = """
    INSERT INTO kernel.streams AS s (topic, seq)
    SELECT topic, 1 FROM unnest(CAST(:topics AS text[])) AS topic ORDER BY topic
        ON CONFLICT (topic) DO UPDATE SET seq = s.seq + 1
    RETURNING topic, epoch, seq
"""


def also(name: str, writes: str) -> None:
    """Let modules have rows of their own written with the record: ``writes`` is one INSERT that selects from
    ``jsonb_to_recordset(CAST(:<name> AS jsonb))``. Called once, when the module is imported."""
    _parts[name] = writes
    _statement.cache_clear()


def write(collected: Mapping[str, list[dict[str, Any]]], topics: set[str], now: datetime) -> list[Any]:
    """Write everything; return topic, epoch and seq of each stream that moved."""
    used = tuple(name for name in _parts if collected.get(name))
    values: dict[str, Any] = {name: json.dumps(collected[name]) for name in used}
    return _statement(used).all(values | {"topics": sorted(topics), "now": now})


@cache
def _statement(used: tuple[str, ...]) -> Statement:
    """Only the parts that have rows: few combinations occur, and each is prepared once per connection."""
    parts = ", ".join(f"{name} AS ({_parts[name]})" for name in used)
    return Statement(f"WITH {parts} {STREAMS}" if parts else STREAMS)
