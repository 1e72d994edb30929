"""Deliveries: apply each event once per subscriber, whatever is killed in between.

A worker claims one delivery with SKIP LOCKED, notes (event, consumer) in the consumer's schema, runs the
handler, marks the delivery done, and commits all of it together. Twice is a no-op; a crash at any instant
leaves nothing half done. Deliveries are unordered: a handler decides by the state of the row it changes.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text

from clinic_web.kernel import bus, clock, push, record, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import run_again, transaction

logger = structlog.get_logger(__name__)

OPERATIONS = "operations"  # the live topic of who runs the program
TRIES = 8
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=15)
BATCH = 500

# Whoever claims works for the event's tenant from there to the end of the transaction.
CLAIM = Statement(
    """
    WITH claimed AS MATERIALIZED (
        SELECT d.id, d.event_id, d.consumer, d.attempts FROM kernel.deliveries d
         WHERE d.state = 'DUE' AND d.queue = :queue AND (d.attempts = 0 OR d.due_at <= :now)
         ORDER BY d.due_at, d.event_id LIMIT 1
           FOR UPDATE OF d SKIP LOCKED
    )
    SELECT c.id, c.event_id, c.consumer, c.attempts, e.organization_id, e.event_data,
           set_config('app.tenant', COALESCE(CAST(e.organization_id AS text), ''), true) AS told
      FROM claimed c CROSS JOIN LATERAL kernel.event_of(c.event_id) e
    """
)
# Written with the record of what the handler did, in one statement just before the commit.
record.also(
    "finished",
    """
        UPDATE kernel.deliveries d
           SET state = 'DONE', done_at = CAST(:now AS timestamptz), attempts = d.attempts + 1
          FROM jsonb_to_recordset(CAST(:finished AS jsonb)) AS f(id uuid)
         WHERE d.id = f.id
    """,
)
FAIL = text(
    """
    UPDATE kernel.deliveries
       SET attempts = attempts + 1, last_error = :error, due_at = :due_at,
           state = CASE WHEN :park THEN 'PARKED' ELSE 'DUE' END,
           parked_at = CASE WHEN :park THEN CAST(:now AS timestamptz) END
     WHERE id = :id AND state = 'DUE'
    """
)


def drain(queue: str) -> int:
    """Apply what is waiting in ``queue``, one transaction each, up to a batch; return how many were tried."""
    for count in range(BATCH):
        if not deliver_next(queue):
            return count
    return BATCH


def deliver_next(queue: str) -> bool:
    """Apply one delivery of ``queue``; return whether there was one."""
    claimed: dict[str, Any] = {}
    try:
        return run_again(lambda: _deliver(queue, claimed))
    except Exception as error:
        # The one place that catches everything: whatever a handler raises belongs on the delivery's row.
        if not claimed:
            raise
        db.session.rollback()
        _note_failure(claimed, error)
        return True


def _deliver(queue: str, claimed: dict[str, Any]) -> bool:
    claimed.clear()
    with ExitStack() as for_whom, transaction() as work:
        row = CLAIM.first({"queue": queue, "now": clock.now()})
        if row is None:
            return False
        claimed.update(row._asdict())
        for_whom.enter_context(tenant.told(row.organization_id))  # until after the commit
        subscription = bus.subscription_of(row.consumer)
        if subscription is None:
            raise LookupError(f"nobody subscribes as {row.consumer} any more")
        if is_first_time(subscription, row.event_id):
            subscription.handler(bus.from_data(subscription.event, row.event_data))
            failpoint("delivery.after_effect")
        work.collected["finished"].append({"id": str(row.id)})
        failpoint("delivery.before_commit")
    return True


def is_first_time(subscription: bus.Subscription, event_id: UUID) -> bool:
    """Note that this subscriber has handled an event; return whether that is news."""
    note = _note_in(subscription.schema)
    return note.first({"event_id": event_id, "consumer": subscription.consumer}) is not None


@cache
def _note_in(schema: str) -> Statement:
    return Statement(
        f"""
        INSERT INTO {schema}.processed_events (event_id, consumer) VALUES (:event_id, :consumer)
            ON CONFLICT DO NOTHING
        RETURNING true
        """  # noqa: S608 - a module's name
    )


def _note_failure(claimed: dict[str, Any], error: Exception) -> None:
    """Keep the error on the row and try later, each time twice as late; after the last try park it."""
    attempts = claimed["attempts"] + 1
    pause = min(FIRST_PAUSE * 2 ** claimed["attempts"], LONGEST_PAUSE)
    park = attempts >= TRIES
    with transaction():
        db.session.execute(
            FAIL,
            {
                "id": claimed["id"],
                "error": f"{type(error).__name__}: {error}"[:2000],
                "due_at": clock.now() + pause,
                "park": park,
                "now": clock.now(),
            },
        )
        if park:
            push.changed(OPERATIONS)
    logger.warning(
        "delivery_parked" if park else "delivery_failed",
        delivery_id=str(claimed["id"]),
        consumer=claimed["consumer"],
        attempts=attempts,
        error_type=type(error).__name__,
    )


RETRY = text(
    "UPDATE kernel.deliveries SET state = 'DUE', attempts = 0, due_at = :now, parked_at = NULL"
    " WHERE id = :id AND state = 'PARKED' RETURNING queue"
)


def retry(delivery_id: UUID) -> bool:
    """Take a parked delivery up again; return whether it was parked."""
    with transaction():
        return db.session.execute(RETRY, {"id": delivery_id, "now": clock.now()}).scalar() is not None
