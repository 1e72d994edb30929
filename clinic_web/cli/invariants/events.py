"""What must be true of events, deliveries, keys and streams: told once, heard once, nothing left lying.

Who hears what is known to the program alone, so it comes as two lists, ``topics`` and ``consumers``; and each
consumer's schema has its own table of what was processed, which ``processed`` reads as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clinic_web.cli.invariants.invariant import Invariant
from clinic_web.kernel import bus

DELIVERIES = """
    SELECT count(*) FROM kernel.deliveries d JOIN kernel.domain_events e ON e.id = d.event_id
     WHERE e.occurred_at >= %(since)s
"""


def invariants(schemas: Iterable[str]) -> tuple[Invariant, ...]:
    """Return them for consumers whose notes lie in ``schemas``."""
    notes = " UNION ALL ".join(
        f"SELECT '{each}' AS schema, event_id, consumer FROM {each}.processed_events"
        for each in sorted(schemas)
    )
    return (*_told(), *_heard(f"({notes})"), *_kept())


def _concerns_them_not(consumer: str, data: dict[str, Any]) -> bool:
    subscription = bus.subscription_of(consumer)
    if subscription is None or subscription.concerns is None:
        return False
    return not subscription.concerns(bus.from_data(subscription.event, data))


def _told_to_whom_it_concerns() -> Invariant:
    return Invariant(
        name="events.whom_they_concern",
        promise="a subscriber who hears some events of a kind only has its delivery of each of those",
        counted="""SELECT count(*) FROM kernel.deliveries d JOIN kernel.domain_events e ON e.id = d.event_id
                    WHERE d.consumer = ANY (%(choosy)s::text[]) AND e.occurred_at >= %(since)s""",
        broken="""
            SELECT e.id, e.event_type || ' has no delivery for ' || s.consumer, s.consumer, e.event_data
              FROM kernel.domain_events e
              JOIN unnest(%(topics)s::text[], %(consumers)s::text[]) AS s (topic, consumer)
                ON s.topic = e.event_type AND s.consumer = ANY (%(choosy)s::text[])
             WHERE e.occurred_at >= %(since)s
               AND e.occurred_at >= (SELECT min(f.occurred_at) FROM kernel.deliveries d
                                       JOIN kernel.domain_events f ON f.id = d.event_id
                                      WHERE d.consumer = s.consumer)
               AND NOT EXISTS (SELECT FROM kernel.deliveries d
                                WHERE (d.event_id, d.consumer) = (e.id, s.consumer))
        """,
        spared=_concerns_them_not,
    )


def _told() -> tuple[Invariant, ...]:
    return (
        Invariant(
            name="events.to_everybody",
            promise="every event has one delivery for each of its subscribers",
            counted="SELECT count(*) FROM kernel.domain_events WHERE occurred_at >= %(since)s",
            # A subscriber hears of what is told since it first heard something: what was before is replayed.
            broken="""
                WITH subscribed AS (
                    SELECT s.topic, s.consumer,
                           (SELECT min(e.occurred_at) FROM kernel.deliveries d
                              JOIN kernel.domain_events e ON e.id = d.event_id
                             WHERE d.consumer = s.consumer) AS begun
                      FROM unnest(%(topics)s::text[], %(consumers)s::text[]) AS s (topic, consumer)
                )
                SELECT e.id::text, e.event_type || ' has no delivery for ' || s.consumer
                  FROM kernel.domain_events e JOIN subscribed s ON s.topic = e.event_type
                 WHERE e.occurred_at >= s.begun AND e.occurred_at >= %(since)s
                   AND s.consumer <> ALL (%(choosy)s::text[])
                   AND NOT EXISTS (SELECT FROM kernel.deliveries d
                                    WHERE (d.event_id, d.consumer) = (e.id, s.consumer))
                 UNION ALL
                SELECT event_id::text, count(*) || ' deliveries for ' || consumer
                  FROM kernel.deliveries GROUP BY event_id, consumer HAVING count(*) > 1
                 UNION ALL
                SELECT d.id::text, 'a delivery of no event'
                  FROM kernel.deliveries d LEFT JOIN kernel.domain_events e ON e.id = d.event_id
                 WHERE e.id IS NULL
            """,
        ),
        _told_to_whom_it_concerns(),
        Invariant(
            name="events.of_their_tenant",
            promise="an event belongs to the tenant that it names",
            counted="SELECT count(*) FROM kernel.domain_events WHERE occurred_at >= %(since)s",
            broken="""
                SELECT e.id::text, e.event_type || ' of ' || COALESCE(e.organization_id::text, 'nobody')
                       || ' names ' || (e.event_data ->> 'organization_id')
                  FROM kernel.domain_events e
                 WHERE e.event_data ? 'organization_id' AND e.occurred_at >= %(since)s
                   AND (e.event_data ->> 'organization_id') IS DISTINCT FROM e.organization_id::text
            """,
        ),
    )


def _heard(notes: str) -> tuple[Invariant, ...]:
    return (
        Invariant(
            name="deliveries.once",
            promise="every delivery that is done was noted by its consumer, once, together with its effect",
            counted=DELIVERIES + " AND d.state = 'DONE'",
            broken=f"""
                WITH processed AS {notes}
                SELECT d.id::text, 'done, and ' || d.consumer || ' has noted it ' || count(p.event_id) || ' times'
                  FROM kernel.deliveries d
                  JOIN kernel.domain_events e ON e.id = d.event_id
                  LEFT JOIN processed p ON (p.event_id, p.consumer, p.schema)
                                         = (d.event_id, d.consumer, split_part(d.consumer, '.', 1))
                 WHERE d.state = 'DONE' AND e.occurred_at >= %(since)s
                 GROUP BY d.id HAVING count(p.event_id) <> 1
                 UNION ALL
                SELECT p.event_id::text, 'noted by ' || p.consumer || ', which it was not on its way to'
                  FROM processed p LEFT JOIN kernel.deliveries d USING (event_id, consumer)
                 WHERE d.id IS NULL
            """,
        ),
        Invariant(
            name="deliveries.in_time",
            promise="no delivery waits past its time",
            counted=DELIVERIES,
            broken="""
                SELECT id::text, consumer || ' was due at ' || due_at || ', tried ' || attempts || ' times: '
                       || COALESCE(last_error, 'no error')
                  FROM kernel.deliveries WHERE state = 'DUE' AND due_at < %(overdue)s
            """,
        ),
        Invariant(
            name="deliveries.not_given_up",
            promise="no delivery was given up (one that was waits for a person, on the page of operations)",
            counted=DELIVERIES,
            broken="""
                SELECT id::text, consumer || ' was parked at ' || parked_at || ': ' || COALESCE(last_error, '?')
                  FROM kernel.deliveries WHERE state = 'PARKED'
            """,
        ),
    )


def _kept() -> tuple[Invariant, ...]:
    return (
        Invariant(
            name="keys.answered",
            promise="every press that was taken has its answer, and the visit that it speaks of is there",
            counted="SELECT count(*) FROM kernel.idempotency_keys WHERE created_at >= %(since)s",
            broken="""
                SELECT k.action || ' ' || k.key, 'has no answer'
                  FROM kernel.idempotency_keys k
                 WHERE k.answer IS NULL AND k.action <> 'synthea.today' AND k.created_at >= %(since)s
                 UNION ALL
                SELECT k.action || ' ' || k.key, 'speaks of visit ' || (k.answer ->> 'visit_id')
                  FROM kernel.idempotency_keys k
                  LEFT JOIN reception.visits v ON v.id = (k.answer ->> 'visit_id')::uuid
                 WHERE k.answer ? 'visit_id' AND k.answer ->> 'visit_id' <> '' AND v.id IS NULL
                   AND k.created_at >= %(since)s
            """,
        ),
        Invariant(
            name="keys.one_effect",
            promise="no two presses made the same booking, and none made two",
            counted="""SELECT count(*) FROM kernel.idempotency_keys
                        WHERE action IN ('appointment.book', 'visit.walk_in') AND created_at >= %(since)s""",
            broken="""
                SELECT answer ->> 'visit_id', 'made by ' || count(*) || ' presses'
                  FROM kernel.idempotency_keys
                 WHERE action IN ('appointment.book', 'visit.walk_in') AND answer ? 'visit_id'
                   AND created_at >= %(since)s
                 GROUP BY answer ->> 'visit_id' HAVING count(*) > 1
            """,
        ),
        Invariant(
            name="streams.moved",
            promise="the stream of a queue has moved at least once for each visit whose state changed in it",
            counted="SELECT count(*) FROM kernel.streams",
            # Some of a visit's moves are one transaction, so this counts visits and not moves.
            broken="""
                SELECT v.queue_id::text, count(DISTINCT v.id) || ' visits moved, its stream stands at '
                       || COALESCE(max(s.seq)::text, 'nothing')
                  FROM reception.visits v
                  LEFT JOIN kernel.streams s ON s.topic = 'queue:' || v.queue_id
                 WHERE v.start_time IS NOT NULL
                   AND EXISTS (SELECT FROM kernel.domain_events e
                                WHERE (e.aggregate_type, e.aggregate_id, e.event_type)
                                    = ('visit', v.id, 'visit.started'))
                 GROUP BY v.queue_id HAVING COALESCE(max(s.seq), 0) < count(DISTINCT v.id)
            """,
        ),
    )
