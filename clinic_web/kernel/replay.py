"""Replay: let subscribers hear stored events again, in order, tenant by tenant.

Whoever heard an event before is passed over by its row in ``processed_events``. With ``again`` it runs once
more: its own rows keep it from doing anything twice, and what changed nothing tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from clinic_web.kernel import bus, delivery, tenant
from clinic_web.kernel.bus import Subscription
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import UnitOfWork, run_again, transaction

logger = structlog.get_logger(__name__)

BATCH = 500
EVENTS = Statement(
    """
    SELECT id, sequence_number, event_type, event_data FROM kernel.domain_events
     WHERE event_type = ANY(:topics) AND occurred_at >= :since AND sequence_number > :after
       AND organization_id IS NOT DISTINCT FROM CAST(:organization_id AS uuid)
     ORDER BY sequence_number LIMIT :batch
    """
)
# Rows that this transaction has written so far, whichever way; that an event was heard is not counted.
WRITTEN = Statement(
    """
    SELECT COALESCE(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) AS rows
      FROM pg_stat_xact_user_tables WHERE relname <> 'processed_events'
    """
)


@dataclass(kw_only=True)
class Replayed:
    """What a replay did: ``events`` read, ``handled`` by subscribers that had not heard them before,
    ``repeated`` by those that had, of both ``changed`` that wrote anything, and ``failed``."""

    events: int = 0
    handled: int = 0
    repeated: int = 0
    changed: int = 0
    failed: int = 0


Progress = Callable[[Replayed], None]


def named(name: str) -> list[Subscription]:
    """Return the subscribers of a module (``billing``), one handler (``billing.allocate``) or one
    subscription (``billing.allocate:payment.received``). Raises BadRequest where there is none."""
    found = [each for each in bus.subscriptions() if f"{each.consumer}:".startswith((f"{name}.", f"{name}:"))]
    if not found:
        raise BadRequest("Nobody subscribes under this name.")
    return found


def replay(
    subscriptions: Sequence[Subscription], *, since: datetime, again: bool = False, progress: Progress
) -> Replayed:
    """Let ``subscriptions`` hear every event since a moment, each tenant's in order; tell ``progress`` after
    each batch. A handler that fails is counted and logged, and the rest goes on."""
    done = Replayed()
    for organization_id in [*tenant.all_of_them(), tenant.NOBODY]:
        with tenant.of(organization_id):
            for batch in _batches(subscriptions, since):
                for event in batch:
                    _replay_one(event, subscriptions, again=again, done=done)
                progress(done)
    return done


def _batches(subscriptions: Sequence[Subscription], since: datetime) -> Iterator[list[Any]]:
    topics = sorted({each.event.TOPIC for each in subscriptions})
    values = {"topics": topics, "since": since, "batch": BATCH, "organization_id": tenant.current()}
    after = 0
    while batch := EVENTS.all({**values, "after": after}):
        yield batch
        after = batch[-1].sequence_number


def _replay_one(row: Any, subscriptions: Sequence[Subscription], *, again: bool, done: Replayed) -> None:
    done.events += 1
    for each in subscriptions:
        if row.event_type != each.event.TOPIC:
            continue
        event = bus.from_data(each.event, row.event_data)
        if each.concerns is None or each.concerns(event):
            _try(each, event, row.id, again=again, done=done)


def _try(subscription: Subscription, event: Any, event_id: Any, *, again: bool, done: Replayed) -> None:
    try:
        is_news, has_changed = run_again(lambda: _hear(subscription, event, event_id, again=again))
    except Exception as error:  # whatever a handler raises: the others are heard all the same
        db.session.rollback()
        done.failed += 1
        logger.warning(
            "replay_failed",
            consumer=subscription.consumer,
            event_id=str(event_id),
            error_type=type(error).__name__,
        )
        return
    done.handled += is_news
    done.repeated += again and not is_news
    done.changed += has_changed


def _hear(subscription: Subscription, event: Any, event_id: Any, *, again: bool) -> tuple[bool, bool]:
    with transaction() as work:
        is_news = delivery.is_first_time(subscription, event_id)
        if not (is_news or again):
            return False, False
        before = WRITTEN.first({}).rows
        subscription.handler(event)
        db.session.flush()
        has_changed = bool(WRITTEN.first({}).rows != before)
        if not has_changed and not is_news:
            _tell_nothing(work)
        return is_news, has_changed


def _tell_nothing(work: UnitOfWork) -> None:
    """An answer that was given when the event was heard first is not given again."""
    work.collected.clear()
    work.topics.clear()
    work.queues.clear()
    work.jobs.clear()
