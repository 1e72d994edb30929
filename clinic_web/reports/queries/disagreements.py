"""Payments whose own sums, transactions and ledger don't say the same, to the cent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from clinic_web.kernel.db import db
from clinic_web.reports.queries.question import Question

# Every payment that was due or moved on the day, with all its movements and legs up to now.
# NULL: not said there.
DISAGREEING = text(
    """
    WITH touched AS (
        SELECT id FROM payments.v_payments
         WHERE organization_id = :organization_id AND facility_id = :facility_id
           AND due_at >= :begins AND due_at < :ends
        UNION
        SELECT payment_id FROM payments.v_transactions
         WHERE organization_id = :organization_id AND facility_id = :facility_id
           AND payment_date >= :begins AND payment_date < :ends
        UNION
        SELECT t.payment_id
          FROM payments.v_ledger_entries e JOIN payments.v_transactions t ON t.id = e.transaction_id
         WHERE e.organization_id = :organization_id AND e.facility_id = :facility_id
           AND e.account = ANY(:accounts) AND e.entered_at >= :begins AND e.entered_at < :ends
    ), said AS (
        SELECT p.id, p.ticket, p.currency, p.amount_paid, p.amount_refunded, p.doctor_share, p.center_share,
               COALESCE(t.paid, 0) AS t_paid, COALESCE(t.refunded, 0) AS t_refunded,
               COALESCE(t.doctor, 0) AS t_doctor, COALESCE(t.center, 0) AS t_center,
               COALESCE(t.amount, 0) AS t_amount, COALESCE(t.credit, 0) AS t_credit,
               COALESCE(e.doctor, 0) AS e_doctor, COALESCE(e.center, 0) AS e_center,
               COALESCE(e.placed, 0) AS e_placed, COALESCE(e.credit, 0) AS e_credit,
               COALESCE(e.rest, 0) AS e_rest
          FROM touched JOIN payments.v_payments p ON p.id = touched.id
          LEFT JOIN LATERAL (
               SELECT sum(applied_amount) FILTER (WHERE kind <> 'REFUND') AS paid,
                      sum(applied_amount) FILTER (WHERE kind = 'REFUND') AS refunded,
                      sum(CASE kind WHEN 'REFUND' THEN -abs(doctor_share) ELSE doctor_share END) AS doctor,
                      sum(CASE kind WHEN 'REFUND' THEN -abs(center_share) ELSE center_share END) AS center,
                      sum(CASE kind WHEN 'REFUND' THEN -amount ELSE amount END) AS amount,
                      sum(CASE kind WHEN 'REFUND' THEN -credit_amount ELSE credit_amount END) AS credit
                 FROM payments.v_transactions WHERE payment_id = p.id) t ON true
          LEFT JOIN LATERAL (
               SELECT -sum(e.amount) FILTER (WHERE e.account = 'DOCTOR_PAYABLE') AS doctor,
                      -sum(e.amount) FILTER (WHERE e.account = 'CENTRE_INCOME') AS center,
                      -sum(e.amount) FILTER (WHERE e.account = 'PATIENT_CREDIT') AS credit,
                      sum(e.amount) FILTER (WHERE e.account = ANY(:places)) AS placed, sum(e.amount) AS rest
                 FROM payments.v_transactions t JOIN payments.v_ledger_entries e ON e.transaction_id = t.id
                WHERE t.payment_id = p.id) e ON true
    )
    SELECT said.id, said.ticket, said.currency, c.what, CAST(c.payment AS text) AS payment,
           CAST(c.transactions AS text) AS transactions, CAST(c.ledger AS text) AS ledger
      FROM said CROSS JOIN LATERAL (VALUES
           ('PAID', amount_paid, t_paid, NULL),
           ('REFUNDED', amount_refunded, t_refunded, NULL),
           ('DOCTOR_SHARE', doctor_share, t_doctor, e_doctor),
           ('CENTER_SHARE', center_share, t_center, e_center),
           ('MOVED', NULL, t_amount, e_placed),
           ('CREDIT', NULL, t_credit, e_credit),
           ('LEGS', NULL, 0, e_rest)) AS c (what, payment, transactions, ledger)
     WHERE c.payment <> c.transactions OR c.ledger <> c.transactions
     ORDER BY said.id, c.what
    """
)


def disagreements(question: Question) -> list[dict[str, Any]]:
    """Return one entry per payment and sum that differs: what each of the three says, or None for nothing."""
    rows = db.session.execute(DISAGREEING, question.values).mappings()
    return [dict(row) | {"id": str(row["id"])} for row in rows]
