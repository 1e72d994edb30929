"""What must be true of money: never above what is due, every sum the sum of its parts, every act on record."""

from __future__ import annotations

from clinic_web.cli.invariants.invariant import Invariant

PAYMENTS = "SELECT count(*) FROM payments.payments WHERE updated_at >= %(since)s"
MOVEMENTS = "SELECT count(*) FROM payments.payment_transactions WHERE created_at >= %(since)s"

ALL = (
    Invariant(
        name="money.within_due",
        promise="nobody paid more than was due, nothing more than was paid was given back",
        counted=PAYMENTS,
        broken="""
            SELECT id::text, 'due ' || total_amount || ', paid ' || amount_paid || ', given back ' || amount_refunded
              FROM payments.payments
             WHERE updated_at >= %(since)s
               AND NOT (amount_paid BETWEEN 0 AND total_amount AND amount_refunded BETWEEN 0 AND amount_paid)
        """,
    ),
    Invariant(
        name="money.movements",
        promise="what a payment says was paid and given back is the sum of its movements",
        counted=PAYMENTS,
        broken="""
            SELECT p.id::text, 'paid ' || p.amount_paid || ' and movements of ' || COALESCE(sum(t.signed), 0)
                   || ', given back ' || p.amount_refunded || ' and movements of ' || COALESCE(sum(t.back), 0)
              FROM payments.payments p
              LEFT JOIN (SELECT payment_id,
                                CASE WHEN kind = 'RECEIPT' THEN applied_amount
                                     WHEN reverses_id IS NOT NULL THEN -applied_amount ELSE 0 END AS signed,
                                CASE WHEN kind = 'REFUND' AND reverses_id IS NULL THEN applied_amount ELSE 0 END
                                     AS back
                           FROM payments.payment_transactions WHERE status = 'COMPLETED') t
                ON t.payment_id = p.id
             WHERE p.updated_at >= %(since)s
             GROUP BY p.id
            HAVING (COALESCE(sum(t.signed), 0), COALESCE(sum(t.back), 0)) <> (p.amount_paid, p.amount_refunded)
        """,
    ),
    Invariant(
        name="money.state",
        promise="the state of a payment is what its sums say",
        counted=PAYMENTS,
        broken="""
            SELECT id::text, status || ' with due ' || total_amount || ', paid ' || amount_paid
                   || ', given back ' || amount_refunded
              FROM payments.payments
             WHERE updated_at >= %(since)s
               AND status <> CASE WHEN status = 'VOIDED' AND amount_paid = 0 THEN 'VOIDED'
                                  WHEN amount_refunded > 0 AND amount_refunded < amount_paid
                                  THEN 'PARTIALLY_REFUNDED'
                                  WHEN amount_refunded > 0 THEN 'REFUNDED'
                                  WHEN amount_paid = total_amount THEN 'PAID'
                                  WHEN amount_paid > 0 THEN 'PARTIALLY_PAID' ELSE 'PENDING' END
        """,
    ),
    Invariant(
        name="money.ledger",
        promise="the legs of a movement sum to zero, and as much lies where it says",
        counted=MOVEMENTS,
        broken="""
            SELECT t.id::text, COALESCE(sum(e.amount), 0) || ' is left over of ' || t.kind || ' ' || t.amount
              FROM payments.payment_transactions t LEFT JOIN payments.ledger_entries e ON e.transaction_id = t.id
             WHERE t.created_at >= %(since)s AND t.status = 'COMPLETED'
             GROUP BY t.id
            HAVING sum(e.amount) IS DISTINCT FROM 0 OR bool_or(e.currency <> t.currency)
                OR sum(e.amount) FILTER (WHERE e.account IN ('DRAWER', 'BANK', 'CARD', 'RECEIVABLE'))
                   IS DISTINCT FROM CASE t.kind WHEN 'REFUND' THEN -t.amount ELSE t.amount END
             UNION ALL
            SELECT e.id::text, 'a leg of no movement'
              FROM payments.ledger_entries e LEFT JOIN payments.payment_transactions t ON t.id = e.transaction_id
             WHERE t.id IS NULL
        """,
    ),
    Invariant(
        name="money.shares",
        promise="the shares of a payment add up to what is kept, and are those in the ledger",
        counted=PAYMENTS,
        broken="""
            WITH legs AS (
                SELECT t.payment_id,
                       -COALESCE(sum(e.amount) FILTER (WHERE e.account = 'DOCTOR_PAYABLE'), 0) AS doctor,
                       -COALESCE(sum(e.amount) FILTER (WHERE e.account = 'CENTRE_INCOME'), 0) AS center,
                       -COALESCE(sum(e.amount) FILTER (WHERE e.account = 'UNASSIGNED_SHARE'), 0) AS unassigned,
                       COALESCE(sum(e.amount) FILTER (WHERE e.account = 'DOCTOR_PAYABLE'
                                                        AND e.doctor_id IS DISTINCT FROM p.doctor_id), 0) AS others
                  FROM payments.payment_transactions t
                  JOIN payments.payments p ON p.id = t.payment_id
                  JOIN payments.ledger_entries e ON e.transaction_id = t.id
                 GROUP BY t.payment_id
            )
            SELECT p.id::text, 'doctor ' || p.doctor_share || ', centre ' || p.center_share || ', nobody '
                   || p.unassigned_share || '; in the ledger ' || COALESCE(l.doctor, 0) || ', '
                   || COALESCE(l.center, 0) || ', ' || COALESCE(l.unassigned, 0)
              FROM payments.payments p LEFT JOIN legs l ON l.payment_id = p.id
             WHERE p.updated_at >= %(since)s
               AND ((p.doctor_share, p.center_share, p.unassigned_share)
                    <> (COALESCE(l.doctor, 0), COALESCE(l.center, 0), COALESCE(l.unassigned, 0))
                    OR p.doctor_share + p.center_share + p.unassigned_share <> p.amount_paid - p.amount_refunded
                    OR COALESCE(l.others, 0) <> 0)
        """,
    ),
    Invariant(
        name="money.receipts",
        promise="a facility's receipts of a year are numbered 1 to N, each once",
        counted="""SELECT count(*) FROM payments.payment_transactions
                    WHERE receipt_sequence IS NOT NULL AND created_at >= %(since)s""",
        broken="""
            SELECT facility_id || ' ' || year, count(t.n) || ' receipts from ' || COALESCE(min(t.n), 0) || ' to '
                   || COALESCE(max(t.n), 0) || ', the last is ' || COALESCE(max(c.last_sequence), 0)
              FROM payments.receipt_counters c
              FULL JOIN (SELECT facility_id, receipt_year AS year, receipt_sequence AS n
                           FROM payments.payment_transactions WHERE receipt_sequence IS NOT NULL) t
             USING (facility_id, year)
             GROUP BY facility_id, year
            HAVING (COALESCE(max(c.last_sequence), 0), COALESCE(max(t.n), 0), count(DISTINCT t.n))
                   IS DISTINCT FROM (count(t.n)::integer, count(t.n)::integer, count(t.n))
        """,
    ),
    Invariant(
        name="money.on_record",
        promise="every movement of money, and every void, has its row in the audit",
        counted="""SELECT count(*) FROM payments.payment_transactions
                    WHERE receipt_sequence IS NOT NULL AND created_at >= %(since)s""",
        broken="""
            WITH moved AS (
                -- A correction is a movement back and mostly a second one in its place: one act, one row.
                SELECT payment_id, count(*) FILTER (WHERE replaces_id IS NULL) AS acts
                  FROM payments.payment_transactions
                 WHERE receipt_sequence IS NOT NULL OR kind = 'REFUND'
                 GROUP BY payment_id HAVING max(created_at) >= %(since)s
            ), recorded AS (
                SELECT resource_id, count(*) AS acts FROM audit.changes
                 WHERE resource_type = 'payment'
                   AND action IN ('payments.take', 'payments.refund', 'payments.correct')
                 GROUP BY resource_id
            )
            SELECT m.payment_id::text, m.acts || ' acts, ' || COALESCE(r.acts, 0) || ' rows in the audit'
              FROM moved m LEFT JOIN recorded r ON r.resource_id = m.payment_id
             WHERE m.acts <> COALESCE(r.acts, 0)
             UNION ALL
            SELECT p.id::text, 'was voided, which no row in the audit says'
              FROM payments.payments p
             WHERE p.status = 'VOIDED' AND p.updated_at >= %(since)s
               AND NOT EXISTS (SELECT FROM audit.changes a
                                WHERE (a.organization_id, a.resource_type, a.resource_id)
                                    = (p.organization_id, 'payment', p.id)
                                  AND a.new_values ->> 'status' = 'VOIDED')
        """,
    ),
    Invariant(
        name="money.keys",
        promise="no press of a button moved money twice",
        counted="SELECT count(*) FROM kernel.idempotency_keys WHERE action LIKE 'payments.%%'",
        broken="""
            SELECT organization_id || ' ' || idempotency_key, count(*) || ' movements for one key'
              FROM payments.payment_transactions GROUP BY organization_id, idempotency_key HAVING count(*) > 1
             UNION ALL
            SELECT k.action || ' ' || k.key, 'answered with a movement that is not there'
              FROM kernel.idempotency_keys k
              LEFT JOIN payments.payment_transactions t ON t.id = (k.answer ->> 'transaction_id')::uuid
             WHERE k.answer ? 'transaction_id' AND t.id IS NULL
        """,
    ),
)
