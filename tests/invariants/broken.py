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
    Breakage("events.whom_they_concern", "DELETE FROM kernel.deliveries d USING kernel.domain_events e WHERE e.id = d.event_id"
             " AND e.event_type = 'order.compensation_requested' AND e.aggregate_id = '{last}'"),
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

BILLS = (
    Breakage("bills.lines", "UPDATE billing.invoice_line_items SET line_total = line_total + 1"),
    Breakage("bills.of_visits", "DELETE FROM billing.invoices WHERE visit_id = '{booked}'"),
    Breakage("bills.of_visits", "UPDATE billing.invoices SET payment_id = (SELECT min(payment_id::text)::uuid FROM billing.invoices)"),
    Breakage(
        "bills.follow",
        """WITH long_ago AS (UPDATE payments.payments SET updated_at = now() - interval '1 hour' WHERE visit_id = '{paid}')
           UPDATE billing.invoices SET paid_amount = 0, updated_at = now() - interval '1 hour' WHERE visit_id = '{paid}'""",
    ),
    Breakage("bills.records", "UPDATE billing.billing_records SET amount = amount + 1"),
    Breakage("bills.records", "UPDATE billing.billing_records SET status = 'FAILED', reason = 'NO_PRICE' WHERE order_id = '{lab}'"),
)  # fmt: skip

ORDERS = (
    Breakage("orders.whole", "DELETE FROM orders.order_items WHERE order_id = '{lab}'"),
    Breakage("orders.whole", "DELETE FROM orders.order_steps WHERE order_id = '{lab}' AND step = 'NOTIFY'"),
    Breakage("orders.ended", "UPDATE orders.orders SET status = 'FULFILLING', look_at = NULL WHERE id = '{lab}'"),
    Breakage("orders.ended", "UPDATE orders.orders SET ended_at = NULL WHERE id = '{lab}'"),
    Breakage("orders.state", "UPDATE orders.orders SET status = 'CANCELLED', ends_as = 'CANCELLED' WHERE id = '{lab}'"),
    Breakage("orders.state", "UPDATE orders.order_steps SET state = 'ASKED' WHERE order_id = '{lab}' AND step = 'BILL'"),
    Breakage("orders.billed_once", "DELETE FROM billing.invoices WHERE order_id = '{lab}'"),
    Breakage(
        "orders.billed_once",
        "UPDATE billing.invoices SET order_id = '{lab}' WHERE visit_id = '{booked}'",
    ),
    Breakage("orders.billed_once", "UPDATE billing.invoice_line_items SET quantity = quantity + 1 WHERE item_type = 'LAB_TEST'"),
    Breakage("orders.told_once", "UPDATE notifications.notifications SET template = 'one', reference = 'one'"),
    Breakage("orders.undone", "UPDATE lab.lab_orders SET status = 'SCHEDULED' WHERE order_id = '{cancelled}'"),
    Breakage("orders.undone", "UPDATE lab.heard_orders SET answer = 'HELD' WHERE order_id = '{cancelled}'"),
    Breakage("orders.undone", "UPDATE billing.invoices SET order_id = '{cancelled}' WHERE visit_id = '{booked}'"),
    Breakage("orders.held_once", "DELETE FROM lab.lab_orders WHERE order_id = '{lab}'"),
    Breakage("orders.taken_up_once", "UPDATE orders.orders SET retry_of = '{lab}'"),
    Breakage("orders.keys", "UPDATE kernel.idempotency_keys SET answer = jsonb_set(answer, '{{order_id}}', to_jsonb('{lab}'::text))"
             " WHERE answer ? 'order_id'"),
)  # fmt: skip

LAB = (
    Breakage("lab.places", "UPDATE lab.slots SET taken = taken + 1"),
    Breakage("lab.places", "UPDATE lab.slots SET capacity = 0"),
    Breakage("lab.answered", "UPDATE lab.heard_orders SET answer = 'REFUSED' WHERE order_id = '{lab}'"),
    Breakage("lab.answered", "UPDATE lab.lab_orders SET line_id = (SELECT min(line_id::text)::uuid FROM lab.lab_orders)"),
    Breakage("lab.specimens", "UPDATE lab.lab_orders SET status = 'COLLECTED'"),
    Breakage("lab.specimens", "UPDATE lab.lab_orders SET status = 'RESULTED'"),
)  # fmt: skip

MESSAGES = (
    Breakage(
        "messages.once",
        """INSERT INTO notifications.notification_delivery_log (id, organization_id, notification_id, channel, outcome, tried_at)
           SELECT gen_random_uuid(), organization_id, id, 'RECORD', 'SENT', now()
             FROM notifications.notifications CROSS JOIN generate_series(1, 2)""",
    ),
    Breakage("messages.in_time", "UPDATE notifications.notifications SET status = 'PENDING', due_at = now() - interval '1 hour'"),
)  # fmt: skip

STOCK = (
    Breakage("stock.batches", "UPDATE inventory.inventory_batches SET quantity_available = quantity_available - 1"),
    Breakage("stock.movements", "DELETE FROM inventory.inventory_transactions WHERE transaction_type = 'RESERVE'"),
    Breakage("stock.movements", "UPDATE inventory.inventory_transactions SET quantity_before = quantity_before + 1"),
    Breakage("stock.items", "UPDATE inventory.inventory_items SET quantity_available = quantity_available + 1"),
    Breakage("stock.promised", "UPDATE pharmacy.reservations SET status = 'RELEASED' WHERE status = 'RESERVED'"),
    Breakage("stock.promised", "UPDATE pharmacy.reservations SET quantity = quantity + 1 WHERE status = 'RESERVED'"),
    Breakage("stock.dispensed", "UPDATE pharmacy.reservations SET dispensed_quantity = dispensed_quantity - 1 WHERE dispensed_quantity > 0"),
    Breakage("stock.dispensed", "UPDATE pharmacy.prescription_orders SET status = 'RELEASED' WHERE status = 'RESERVED'"),
    Breakage("stock.unexpired", "UPDATE inventory.inventory_batches SET expiration_date = '2020-01-01'"),
    Breakage("stock.first_out", "UPDATE inventory.inventory_batches SET expiration_date = expiration_date"
             " + CASE batch_number WHEN 'B1' THEN 100 ELSE 0 END"),
    Breakage(
        "bills.served",
        """WITH long_ago AS (UPDATE pharmacy.prescription_orders SET updated_at = now() - interval '1 hour')
           UPDATE billing.invoices SET served = CASE WHEN served IS NULL THEN 'WHOLE' END,
                  updated_at = now() - interval '1 hour' WHERE order_id = '{medicine}'""",
    ),
    Breakage("orders.held_once", "UPDATE pharmacy.reservations SET quantity = quantity + 1 WHERE order_id = '{medicine}'"),
)  # fmt: skip

ALL = (*DESK, *MONEY, *EVENTS, *BILLS, *ORDERS, *LAB, *MESSAGES, *STOCK)
