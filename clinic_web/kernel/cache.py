"""Cached listings. A key holds the generation of the topics it depends on, so nothing stale is ever found.

The generation is the topics' ``seq`` in PostgreSQL, bumped in the same transaction as the change. So there is
no moment, no crash and no lost message between a commit and its invalidation: a listing is either computed
from the committed state or found under exactly that state's key. Redis away: computed, and nobody notices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from clinic_web.kernel import push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.broker import broker

FIVE_MINUTES = 300


def cached(
    name: str,
    actor: Actor,
    topics: list[str],
    compute: Callable[[], Any],
    *,
    filters: dict[str, Any],
    ttl: int = FIVE_MINUTES,
) -> Any:
    """Return ``compute()``, or what it returned for the same question at the same state.

    The value must survive JSON. The generation is read *before* computing: a change in between makes the
    stored value newer than its key says, never older.
    """
    key = _key(name, actor, topics, filters)
    stored = broker().attempt(lambda redis: redis.get(key))
    if stored is not None:
        return json.loads(stored)
    value = compute()
    broker().attempt(lambda redis: redis.set(key, json.dumps(value, default=str), ex=ttl))
    return value


def _key(name: str, actor: Actor, topics: list[str], filters: dict[str, Any]) -> str:
    at = push.versions(topics)
    question = {
        "organization": str(actor.organization_id),
        "facility": str(actor.facility_id),
        "rights": sorted(actor.permissions),
        "filters": filters,
        "generation": [
            (topic, at[topic].epoch, at[topic].seq) if topic in at else (topic, 0) for topic in sorted(topics)
        ],
    }
    digest = hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode()).hexdigest()
    return f"clinic:list:{name}:{digest}"
