"""Ways to break what is written, each with the invariant that must name it.

The tables' owner does it behind the program's back, in a transaction without constraints and triggers that is
thrown away. ``{visit}`` and the like are ids of the rows in ``conftest.Told``.
"""

from __future__ import annotations

from typing import NamedTuple


class Breakage(NamedTuple):
    """``invariant`` must say no; others may, too: a row that is gone is missed in several places."""

    invariant: str
    sql: str


DESK = (
    Breakage("bookings.whole", "DELETE FROM reception.visits WHERE id = '{booked}'"),
    Breakage("bookings.whole", "DELETE FROM payments.payments WHERE visit_id = '{booked}'"),
    Breakage("bookings.agree", "UPDATE reception.appointments SET status = 'NO_SHOW' WHERE id = '{appointment}'"),
    Breakage(
        "bookings.no_overlap",
        "UPDATE reception.appointments SET start_time = (SELECT min(start_time) FROM reception.appointments),"
        " end_time = (SELECT min(end_time) FROM reception.appointments)",
    ),
    Breakage(
        "bookings.told_once",
        """INSERT INTO kernel.domain_events (id, organization_id, event_type, aggregate_type, aggregate_id,
                  event_data, occurred_at)
           SELECT gen_random_uuid(), organization_id, event_type, aggregate_type, aggregate_id, event_data,
                  occurred_at FROM kernel.domain_events WHERE event_type = 'appointment.booked' LIMIT 1""",
    ),
    Breakage("tickets.gapless", "DELETE FROM reception.queue_numbers WHERE visit_id = '{booked}'"),
    Breakage("tickets.gapless", "UPDATE reception.queue_days SET last_number = last_number + 1"),
    Breakage(
        "tickets.gapless",
        """INSERT INTO reception.queue_numbers (id, organization_id, queue_id, day, number, visit_id, state, issued_at)
           SELECT gen_random_uuid(), organization_id, queue_id, day, number, visit_id, state, issued_at
             FROM reception.queue_numbers WHERE visit_id = '{booked}'""",
    ),
    Breakage("tickets.held", "UPDATE reception.queue_numbers SET visit_id = NULL WHERE visit_id = '{booked}'"),
    Breakage(
        "visits.one_call",
        "UPDATE reception.visits SET status = 'CALLED', attending_id = '{doctor}'"
        " WHERE id IN ('{booked}', '{waiting}')",
    ),
    Breakage("visits.history", "UPDATE reception.visits SET status = 'ON_HOLD' WHERE id = '{waiting}'"),
    Breakage(
        "visits.history",
        "UPDATE reception.visit_transitions SET from_status = 'NO_SHOW' WHERE visit_id = '{paid}'"
        " AND to_status = 'CALLED'",
    ),
)  # fmt: skip

MONEY = (
    Breakage("money.within_due", "UPDATE payments.payments SET total_amount = amount_paid - 1 WHERE visit_id = '{paid}'"),
    Breakage("money.movements", "UPDATE payments.payments SET amount_paid = 0 WHERE visit_id = '{paid}'"),
    Breakage("money.state", "UPDATE payments.payments SET status = 'PENDING' WHERE visit_id = '{paid}'"),
    Breakage(
        "money.ledger",
        "UPDATE payments.ledger_entries SET amount = amount + 1 WHERE account = 'DRAWER'",
    ),
    Breakage("money.ledger", "DELETE FROM payments.ledger_entries"),
    Breakage("money.shares", "UPDATE payments.payments SET doctor_share = doctor_share - 1,"
             " center_share = center_share + 1 WHERE visit_id = '{paid}'"),
    Breakage("money.receipts", "UPDATE payments.receipt_counters SET last_sequence = last_sequence + 1"),
    Breakage(
        "money.on_record",
        "DELETE FROM audit.changes WHERE action = 'payments.take'",
    ),
    Breakage("money.keys", "UPDATE payments.payment_transactions SET idempotency_key = 'one'"),
    Breakage("money.keys", "UPDATE kernel.idempotency_keys SET answer = jsonb_set(answer, '{{transaction_id}}',"
             " to_jsonb(gen_random_uuid())) WHERE action = 'payments.take'"),
)  # fmt: skip

EVENTS = (
    Breakage(
        "events.to_everybody",
        "DELETE FROM kernel.deliveries WHERE event_id = (SELECT id FROM kernel.domain_events"
        " WHERE event_type = 'appointment.booked' ORDER BY occurred_at DESC LIMIT 1)",
    ),
    Breakage("events.of_their_tenant", "UPDATE kernel.domain_events SET organization_id = gen_random_uuid()"),
    Breakage("deliveries.once", "DELETE FROM notifications.processed_events"),
    Breakage(
        "deliveries.once",
        "INSERT INTO notifications.processed_events (event_id, consumer)"
        " SELECT event_id, consumer FROM notifications.processed_events",
    ),
    Breakage("deliveries.in_time", "UPDATE kernel.deliveries SET state = 'DUE', done_at = NULL,"
             " due_at = now() - interval '1 hour'"),
    Breakage("deliveries.not_given_up", "UPDATE kernel.deliveries SET state = 'PARKED', parked_at = now()"),
    Breakage("keys.answered", "UPDATE kernel.idempotency_keys SET answer = NULL"),
    Breakage("keys.answered", "UPDATE kernel.idempotency_keys SET answer = jsonb_set(answer, '{{visit_id}}',"
             " to_jsonb(gen_random_uuid())) WHERE action = 'visit.walk_in'"),
    Breakage(
        "keys.one_effect",
        """INSERT INTO kernel.idempotency_keys (organization_id, user_id, action, key, fingerprint, answer)
           SELECT organization_id, user_id, action, key || ' again', fingerprint, answer
             FROM kernel.idempotency_keys WHERE action = 'visit.walk_in'""",
    ),
    Breakage("streams.moved", "DELETE FROM kernel.streams"),
)  # fmt: skip

ALL = (*DESK, *MONEY, *EVENTS)
