"""What must be true of bills: one of each visit and order, the sum of its lines, and what its payment says."""

from __future__ import annotations

from clinic_web.cli.invariants.invariant import Invariant

INVOICES = "SELECT count(*) FROM billing.invoices WHERE updated_at >= %(since)s"

ALL = (
    Invariant(
        name="bills.lines",
        promise="a bill is the sum of its lines",
        counted=INVOICES,
        broken="""
            SELECT i.id::text, i.invoice_number || ' of ' || i.total_amount || ' has lines of '
                   || COALESCE(sum(l.line_total), 0)
              FROM billing.invoices i LEFT JOIN billing.invoice_line_items l ON l.invoice_id = i.id
             WHERE i.updated_at >= %(since)s
             GROUP BY i.id
            HAVING i.subtotal <> COALESCE(sum(l.line_total), 0)
                OR i.total_amount <> i.subtotal + i.tax_amount - i.discount_amount
                OR count(l.id) = 0
        """,
    ),
    Invariant(
        name="bills.of_visits",
        promise="each visit that was told has one bill, each bill one payment",
        counted="""SELECT count(*) FROM kernel.domain_events
                    WHERE event_type IN ('appointment.booked', 'visit.opened') AND occurred_at >= %(since)s""",
        # A visit from before there were bills has none: billing hears of what is told since it listens.
        broken="""
            SELECT v.id::text, 'a visit with ' || count(i.id) || ' bills'
              FROM kernel.domain_events e
              JOIN kernel.deliveries d ON d.event_id = e.id AND d.consumer LIKE 'billing.bill_visit:%%'
               AND d.state = 'DONE'
              JOIN reception.visits v ON v.id = (e.event_data ->> 'visit_id')::uuid
              LEFT JOIN billing.invoices i ON i.visit_id = v.id
             WHERE e.event_type IN ('appointment.booked', 'visit.opened') AND e.occurred_at >= %(since)s
             GROUP BY v.id HAVING count(DISTINCT i.id) <> 1
             UNION ALL
            SELECT payment_id::text, count(*) || ' bills for one payment'
              FROM billing.invoices GROUP BY payment_id HAVING count(*) > 1
             UNION ALL
            SELECT i.id::text, i.invoice_number || ' has no payment'
              FROM billing.invoices i LEFT JOIN payments.payments p ON p.id = i.payment_id WHERE p.id IS NULL
             UNION ALL
            SELECT p.id::text, 'a payment of an order without a bill'
              FROM payments.payments p LEFT JOIN billing.invoices i ON i.payment_id = p.id
             WHERE p.payable <> 'VISIT' AND i.id IS NULL
        """,
    ),
    Invariant(
        name="bills.follow",
        promise="a bill says what its payment says, as soon as it has heard of it",
        counted=INVOICES,
        broken="""
            WITH allocated AS (
                SELECT invoice_id, sum(allocated_amount) AS n, count(DISTINCT transaction_id) AS movements
                  FROM billing.invoice_payment_allocations GROUP BY invoice_id
            )
            SELECT i.id::text, i.invoice_number || ' is ' || i.status || ', due ' || i.total_amount || ', paid '
                   || i.paid_amount || ' (allocated ' || COALESCE(a.n, 0) || '); its payment is ' || p.status
                   || ', due ' || p.total_amount || ', kept ' || p.amount_paid - p.amount_refunded
              FROM billing.invoices i
              JOIN payments.payments p ON p.id = i.payment_id
              LEFT JOIN allocated a ON a.invoice_id = i.id
             WHERE greatest(i.updated_at, p.updated_at) < %(overdue)s
               AND greatest(i.updated_at, p.updated_at) >= %(since)s
               AND (i.paid_amount <> p.amount_paid - p.amount_refunded
                    OR i.paid_amount <> COALESCE(a.n, 0)
                    OR i.total_amount <> p.total_amount
                    OR (p.status = 'VOIDED') AND i.status <> 'VOIDED'
                    OR i.status IN ('ISSUED', 'PARTIALLY_PAID') AND p.status NOT IN ('PENDING', 'PARTIALLY_PAID')
                    OR i.status = 'PAID' AND p.status <> 'PAID')
        """,
    ),
    Invariant(
        name="bills.records",
        promise="what was answered to an order's request to be billed is what was done",
        counted="SELECT count(*) FROM billing.billing_records WHERE updated_at >= %(since)s",
        broken="""
            SELECT b.id::text, 'is ' || b.status || ', and the bill is ' || COALESCE(i.status, 'not there')
              FROM billing.billing_records b LEFT JOIN billing.invoices i ON i.order_id = b.order_id
             WHERE b.updated_at >= %(since)s
               AND CASE b.status WHEN 'COMPLETED' THEN i.id IS DISTINCT FROM b.invoice_id
                                                       OR i.total_amount <> b.amount
                                 WHEN 'FAILED' THEN i.id IS NOT NULL
                                                    AND i.status IN ('ISSUED', 'PARTIALLY_PAID', 'PAID')
                                 -- Something was told of an order that nobody has asked to be billed (yet).
                                 ELSE b.updated_at < %(overdue)s
                                      AND (b.served IS NOT NULL
                                           OR EXISTS (SELECT FROM kernel.domain_events e
                                                       WHERE (e.aggregate_type, e.aggregate_id)
                                                           = ('order', b.order_id)
                                                         AND e.event_type = 'order.billing_requested')) END
             UNION ALL
            SELECT order_id::text, count(*) || ' records of one order'
              FROM billing.billing_records GROUP BY order_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        name="bills.served",
        promise="a bill knows whether the patient has what is billed, and what nobody got is not owed",
        counted=INVOICES + " AND invoice_type = 'PRESCRIPTION'",
        broken="""
            WITH given AS (
                SELECT order_id, sum(dispensed_quantity) AS n FROM pharmacy.reservations GROUP BY order_id
            )
            SELECT i.id::text, i.invoice_number || ' is ' || i.status || ' and says the patient has '
                   || COALESCE(i.served, 'nothing') || '; the prescription is ' || p.status || ', handed over '
                   || COALESCE(g.n, 0)
              FROM billing.invoices i
              JOIN pharmacy.prescription_orders p ON p.order_id = i.order_id
              LEFT JOIN given g ON g.order_id = i.order_id
             WHERE greatest(i.updated_at, p.updated_at) < %(overdue)s
               AND greatest(i.updated_at, p.updated_at) >= %(since)s
               AND ((i.served IS NOT NULL) <> (COALESCE(g.n, 0) > 0)
                    OR p.status IN ('RELEASED', 'EXPIRED') AND COALESCE(g.n, 0) = 0
                       AND i.status IN ('ISSUED', 'PARTIALLY_PAID', 'PAID'))
        """,
    ),
)
