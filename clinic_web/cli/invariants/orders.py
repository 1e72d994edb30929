"""What must be true of orders: each saga ends or is looked after; whole it did each thing once, undone nothing."""

from __future__ import annotations

from clinic_web.cli.invariants.invariant import Invariant

ORDERS = "SELECT count(*) FROM orders.orders WHERE updated_at >= %(since)s"
COMPLETED = ORDERS + " AND status = 'COMPLETED'"
UNDONE = ORDERS + " AND status IN ('FAILED', 'CANCELLED')"
BILL_IS_OFF = "('VOIDED', 'REFUND_DUE', 'KEPT', 'PARTIALLY_REFUNDED', 'REFUNDED')"

ALL = (
    Invariant(
        name="orders.whole",
        promise="an order has its lines, its three steps and a request that was told",
        counted=ORDERS,
        broken="""
            SELECT o.id::text, o.order_number || ' has ' || l.n || ' lines, ' || s.n || ' steps, '
                   || e.n || ' requests'
              FROM orders.orders o,
                   LATERAL (SELECT count(*) AS n FROM orders.order_items i WHERE i.order_id = o.id) l,
                   LATERAL (SELECT count(*) AS n FROM orders.order_steps i WHERE i.order_id = o.id) s,
                   LATERAL (SELECT count(*) AS n FROM kernel.domain_events i
                             WHERE (i.aggregate_type, i.aggregate_id, i.event_type)
                                 = ('order', o.id, 'order.created')) e
             WHERE o.updated_at >= %(since)s AND (l.n = 0 OR s.n <> 3 OR e.n = 0)
        """,
    ),
    Invariant(
        name="orders.ended",
        promise="an order has ended, or somebody looks after it in time, or a person was called",
        counted=ORDERS,
        broken="""
            SELECT id::text, order_number || ' is ' || status || ' since ' || updated_at || ', looked after at '
                   || COALESCE(look_at::text, 'no time')
              FROM orders.orders
             WHERE status IN ('CREATED', 'FULFILLING', 'BILLED', 'COMPENSATING')
               AND (look_at IS NULL OR look_at < %(overdue)s)
             UNION ALL
            SELECT id::text, order_number || ' is ' || status || ' and does not say when it ended'
              FROM orders.orders WHERE status IN ('COMPLETED', 'FAILED', 'CANCELLED') AND ended_at IS NULL
        """,
    ),
    Invariant(
        name="orders.state",
        promise="the steps of an order are where its state says, and its history ends in that state",
        counted=ORDERS,
        broken="""
            WITH steps AS (
                SELECT order_id, max(state) FILTER (WHERE step = 'RESERVE') AS reserve,
                       max(state) FILTER (WHERE step = 'BILL') AS bill,
                       max(state) FILTER (WHERE step = 'NOTIFY') AS notify
                  FROM orders.order_steps GROUP BY order_id
            ), last AS (
                -- FAILED is a step's word, too: a message may be given up when all is complete.
                SELECT DISTINCT ON (order_id) order_id, what FROM orders.order_events
                 WHERE what IN ('CREATED', 'FULFILLING', 'BILLED', 'COMPLETED', 'COMPENSATING', 'CANCELLED',
                                'NEEDS_HUMAN')
                 ORDER BY order_id, sequence_number DESC
            )
            SELECT o.id::text, o.status || ' with RESERVE ' || reserve || ', BILL ' || bill || ', NOTIFY '
                   || notify || '; its history ends with ' || COALESCE(l.what, 'nothing')
              FROM orders.orders o JOIN steps s ON s.order_id = o.id LEFT JOIN last l ON l.order_id = o.id
             WHERE o.updated_at >= %(since)s
               AND (CASE o.status
                    WHEN 'CREATED' THEN (reserve, bill, notify) <> ('ASKED', 'WAITING', 'WAITING')
                    WHEN 'FULFILLING' THEN reserve NOT IN ('DONE', 'UNDONE') OR (bill, notify) <> ('ASKED', 'WAITING')
                    WHEN 'BILLED' THEN reserve NOT IN ('DONE', 'UNDONE') OR bill NOT IN ('DONE', 'UNDONE')
                                       OR notify <> 'ASKED'
                    WHEN 'COMPLETED' THEN reserve NOT IN ('DONE', 'UNDONE') OR bill NOT IN ('DONE', 'UNDONE')
                                          OR notify NOT IN ('DONE', 'FAILED')
                    WHEN 'COMPENSATING' THEN NOT 'UNDOING' IN (reserve, bill)
                    WHEN 'NEEDS_HUMAN' THEN false
                    ELSE reserve IN ('ASKED', 'DONE', 'UNDOING') OR bill IN ('ASKED', 'DONE', 'UNDOING')
                         OR notify IN ('WAITING', 'ASKED') OR o.ends_as <> o.status END
                    OR (o.status IN ('COMPLETED', 'CANCELLED') AND l.what IS DISTINCT FROM o.status))
        """,
    ),
    Invariant(
        name="orders.billed_once",
        promise="a complete order has one bill with one payment, over its own lines",
        counted=COMPLETED,
        broken="""
            SELECT o.id::text, o.order_number || ': ' || count(DISTINCT b.id) || ' billing records, '
                   || count(DISTINCT i.id) || ' bills, ' || count(DISTINCT p.id) || ' payments'
              FROM orders.orders o
              LEFT JOIN billing.billing_records b ON b.order_id = o.id AND b.status = 'COMPLETED'
              LEFT JOIN billing.invoices i ON i.order_id = o.id AND i.id = b.invoice_id
              LEFT JOIN payments.payments p ON p.id = i.payment_id AND p.total_amount = i.total_amount
             WHERE o.status = 'COMPLETED' AND o.updated_at >= %(since)s
             GROUP BY o.id HAVING (count(DISTINCT b.id), count(DISTINCT i.id), count(DISTINCT p.id)) <> (1, 1, 1)
             UNION ALL
            SELECT i.order_id::text, count(*) || ' bills of one order'
              FROM billing.invoices i WHERE i.order_id IS NOT NULL GROUP BY i.order_id HAVING count(*) > 1
             UNION ALL
            SELECT o.id::text, 'the bill has other lines than ' || o.order_number
              FROM orders.orders o
              JOIN billing.invoices v ON v.order_id = o.id
             WHERE o.updated_at >= %(since)s
               AND EXISTS (SELECT i.id, i.quantity FROM orders.order_items i WHERE i.order_id = o.id
                           EXCEPT ALL
                           SELECT n.prescription_item_id, n.quantity FROM billing.invoice_line_items n
                            WHERE n.invoice_id = v.id)
        """,
    ),
    Invariant(
        name="orders.told_once",
        promise="a complete order's patient was told once, or the order says why not",
        counted=COMPLETED,
        broken="""
            SELECT o.id::text, o.order_number || ': the message ' || (s.details ->> 'notification_id') || ' is not there'
              FROM orders.orders o JOIN orders.order_steps s ON s.order_id = o.id AND s.step = 'NOTIFY'
              LEFT JOIN notifications.notifications n ON n.id = (s.details ->> 'notification_id')::uuid
             WHERE o.status = 'COMPLETED' AND s.state = 'DONE' AND n.id IS NULL AND o.updated_at >= %(since)s
             UNION ALL
            SELECT template || ' ' || reference, count(*) || ' messages of one kind about one thing'
              FROM notifications.notifications GROUP BY template, reference HAVING count(*) > 1
        """,
    ),
    Invariant(
        name="orders.undone",
        promise="of an order that failed or was cancelled nothing is held and nothing is owed",
        counted=UNDONE,
        broken=f"""
            SELECT o.id::text, o.order_number || ' is ' || o.status || ', its bill is ' || i.status
              FROM orders.orders o JOIN billing.invoices i ON i.order_id = o.id
              JOIN payments.payments p ON p.id = i.payment_id
             WHERE o.status IN ('FAILED', 'CANCELLED') AND o.updated_at >= %(since)s
               AND (i.status NOT IN {BILL_IS_OFF} OR i.balance_due <> 0
                    -- A part that was paid waits for a person, and its payment with it.
                    OR (p.balance_due <> 0 AND i.status NOT IN ('REFUND_DUE', 'KEPT')))
             UNION ALL
            SELECT o.id::text, o.order_number || ' is ' || o.status || ', and is on the laboratory''s list'
              FROM orders.orders o
             WHERE o.status IN ('FAILED', 'CANCELLED') AND o.order_type = 'LAB' AND o.updated_at >= %(since)s
               AND (EXISTS (SELECT FROM lab.lab_orders l WHERE l.order_id = o.id AND l.status = 'SCHEDULED')
                    OR EXISTS (SELECT FROM lab.heard_orders h WHERE h.order_id = o.id
                                AND h.answer IN ('ASKED', 'HELD')))
             UNION ALL
            SELECT o.id::text, o.order_number || ' is ' || o.status || ', and stock is held for it'
              FROM orders.orders o
             WHERE o.status IN ('FAILED', 'CANCELLED') AND o.order_type = 'PRESCRIPTION'
               AND o.updated_at >= %(since)s
               AND (EXISTS (SELECT FROM pharmacy.reservations r
                             WHERE r.order_id = o.id AND r.status = 'RESERVED')
                    OR EXISTS (SELECT FROM pharmacy.prescription_orders h
                                WHERE h.order_id = o.id AND h.status = 'RESERVED'))
        """,
    ),
    Invariant(
        name="orders.held_once",
        promise="a complete order has all its stock or places, each line once",
        counted=COMPLETED,
        broken="""
            SELECT o.id::text, o.order_number || ' (' || max(p.status) || '): line ' || i.line_number || ' of '
                   || i.quantity || ' holds or had '
                   || COALESCE(sum(r.quantity) FILTER (WHERE r.status IN ('RESERVED', 'DISPENSED')), 0)
              FROM orders.orders o
              JOIN orders.order_items i ON i.order_id = o.id
              LEFT JOIN pharmacy.prescription_orders p ON p.order_id = o.id
              LEFT JOIN pharmacy.reservations r ON (r.order_id, r.line_id) = (o.id, i.id)
             WHERE o.status = 'COMPLETED' AND o.order_type = 'PRESCRIPTION' AND o.updated_at >= %(since)s
             GROUP BY o.id, i.id
            -- Once released it holds nothing; what was handed over before is never more than was ordered.
            HAVING CASE WHEN max(p.status) IN ('RESERVED', 'DISPENSED')
                        THEN COALESCE(sum(r.quantity) FILTER (WHERE r.status IN ('RESERVED', 'DISPENSED')), 0)
                             <> i.quantity
                        ELSE count(r.id) = 0 OR sum(r.dispensed_quantity) > i.quantity END
             UNION ALL
            SELECT o.id::text, o.order_number || ': line ' || i.line_number || ' has ' || count(l.id) || ' places'
              FROM orders.orders o
              JOIN orders.order_items i ON i.order_id = o.id
              LEFT JOIN lab.lab_orders l ON (l.order_id, l.line_id) = (o.id, i.id)
             WHERE o.status = 'COMPLETED' AND o.order_type = 'LAB' AND o.updated_at >= %(since)s
             GROUP BY o.id, i.id HAVING count(l.id) <> 1
        """,
    ),
    Invariant(
        name="orders.taken_up_once",
        promise="an order is taken up again at most once, and not by itself",
        counted=ORDERS + " AND retry_of IS NOT NULL",
        broken="""
            SELECT retry_of::text, count(*) || ' orders take it up'
              FROM orders.orders WHERE retry_of IS NOT NULL
             GROUP BY retry_of HAVING count(*) > 1 OR bool_or(retry_of = id)
        """,
    ),
    Invariant(
        name="orders.keys",
        promise="no press placed two orders, and every answer's order is there",
        counted="SELECT count(*) FROM kernel.idempotency_keys WHERE answer ? 'order_id' AND created_at >= %(since)s",
        broken="""
            SELECT k.answer ->> 'order_id', 'made by ' || count(*) || ' presses, there: '
                   || (max(o.order_number) IS NOT NULL)
              FROM kernel.idempotency_keys k LEFT JOIN orders.orders o ON o.id = (k.answer ->> 'order_id')::uuid
             WHERE k.action IN ('order.write', 'order.retry', 'order.change') AND k.answer ? 'order_id'
               AND k.created_at >= %(since)s
             GROUP BY k.answer ->> 'order_id' HAVING count(*) > 1 OR max(o.order_number) IS NULL
        """,
    ),
)
