"""One local day of one facility, computed from what other modules publish: four statements for any day.

Each returns its figures as JSON lists in a fixed order, so that the same past always gives the same digest.
Money travels as text: a float never touches it. Minutes are whole and cut at a thousand.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from clinic_web.kernel.db import db
from clinic_web.payments import api as payments
from clinic_web.reports.queries.question import Question

# A wait ends with the call after which the patient went in; who never went in did not wait, but missed it.
VISITS = text(
    """
    WITH visit AS MATERIALIZED (
        SELECT clinic_id, doctor_id, service_id, visit_type, status,
               CAST(EXTRACT(hour FROM check_in_time AT TIME ZONE :timezone) AS int) AS came_hour,
               CAST(EXTRACT(hour FROM start_time AT TIME ZONE :timezone) AS int) AS start_hour,
               CASE WHEN start_time >= check_in_time THEN CAST(LEAST(floor(EXTRACT(
                    epoch FROM LEAST(called_at, start_time) - check_in_time) / 60), 999) AS int)
                    END AS waited,
               CASE WHEN end_time >= start_time THEN CAST(LEAST(floor(EXTRACT(
                    epoch FROM end_time - start_time) / 60), 999) AS int)
                    END AS consulted
          FROM reception.v_visits
         WHERE organization_id = :organization_id AND clinic_id = ANY(:clinics) AND status = ANY(:states)
           AND day = :day
    )
    SELECT jsonb_build_object(
        'visits', (SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
             SELECT jsonb_build_array(clinic_id, doctor_id, service_id, visit_type, status, count(*)) AS x
               FROM visit GROUP BY clinic_id, doctor_id, service_id, visit_type, status) r),
        'arrivals', (SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
             SELECT jsonb_build_array(came_hour, count(*)) AS x
               FROM visit WHERE came_hour IS NOT NULL GROUP BY came_hour) r),
        'waits', (SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
             SELECT jsonb_build_array(clinic_id, came_hour, waited, count(*)) AS x
               FROM visit WHERE waited >= 0 GROUP BY clinic_id, came_hour, waited) r),
        'consultations', (SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
             SELECT jsonb_build_array(start_hour, consulted, count(*)) AS x
               FROM visit WHERE consulted >= 0 GROUP BY start_hour, consulted) r),
        'consultations_by_doctor', (SELECT COALESCE(jsonb_object_agg(doctor, spans), '{}') FROM (
             SELECT doctor, jsonb_agg(jsonb_build_array(consulted, number) ORDER BY consulted) AS spans
               FROM (SELECT COALESCE(CAST(doctor_id AS text), '') AS doctor, consulted, count(*) AS number
                       FROM visit WHERE consulted >= 0 GROUP BY doctor_id, consulted) c
              GROUP BY doctor) r))
    """
)
# What moved on that day, as the transactions say and as the ledger says; and what was due that day and how
# much of it was left when the day was over (a later payment does not change that any more). A refund closes
# its claim; a receipt that was a mistake (``reverses_id``) counts as if it had never been.
MONEY = text(
    """
    WITH moved AS MATERIALIZED (
        SELECT t.*, p.clinic_id, p.doctor_id, p.service_id,
               CASE t.kind WHEN 'REFUND' THEN -1 ELSE 1 END AS sign
          FROM payments.v_transactions t JOIN payments.v_payments p ON p.id = t.payment_id
         WHERE t.organization_id = :organization_id AND t.facility_id = :facility_id
           AND t.payment_date >= :begins AND t.payment_date < :ends
    ), entered AS MATERIALIZED (
        SELECT currency, account, doctor_id, sum(amount) AS amount FROM payments.v_ledger_entries
         WHERE organization_id = :organization_id AND facility_id = :facility_id AND account = ANY(:accounts)
           AND entered_at >= :begins AND entered_at < :ends
         GROUP BY currency, account, doctor_id
    ), due AS MATERIALIZED (
        SELECT p.id, p.currency, p.total_amount,
               CASE WHEN paid.is_refunded THEN 0
                    ELSE p.total_amount - COALESCE(paid.amount, 0) END AS left_over
          FROM payments.v_payments p
          LEFT JOIN LATERAL (
               SELECT sum(CASE t.kind WHEN 'REFUND' THEN -t.applied_amount ELSE t.applied_amount END)
                          FILTER (WHERE t.kind <> 'REFUND' OR t.reverses_id IS NOT NULL) AS amount,
                      bool_or(t.kind = 'REFUND' AND t.reverses_id IS NULL) AS is_refunded
                 FROM payments.v_transactions t WHERE t.payment_id = p.id AND t.payment_date < :ends
               ) paid ON true
         WHERE p.organization_id = :organization_id AND p.facility_id = :facility_id
           AND p.due_at >= :begins AND p.due_at < :ends AND (p.voided_at IS NULL OR p.voided_at >= :ends)
    )
    SELECT jsonb_build_object(
        'methods', (SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
             SELECT jsonb_build_array(currency, payment_method,
                        CAST(COALESCE(sum(amount) FILTER (WHERE sign = 1), 0) AS text),
                        CAST(COALESCE(sum(amount) FILTER (WHERE sign = -1), 0) AS text), count(*)) AS x
               FROM moved GROUP BY currency, payment_method) r),
        'doctors', (SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
             SELECT jsonb_build_array(currency, doctor_id, CAST(sum(sign * amount) AS text),
                        CAST(sum(sign * credit_amount) AS text)) AS x
               FROM moved GROUP BY currency, doctor_id) r),
        'services', (SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
             SELECT jsonb_build_array(currency, service_id, CAST(sum(sign * amount) AS text), count(*)) AS x
               FROM moved GROUP BY currency, service_id) r),
        'ledger', (SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
             SELECT jsonb_build_array(currency, account, doctor_id, CAST(amount AS text)) AS x
               FROM entered) r),
        'due', (SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
             SELECT jsonb_build_array(currency, count(*), CAST(sum(total_amount) AS text),
                        CAST(sum(left_over) AS text), count(*) FILTER (WHERE left_over > 0)) AS x
               FROM due GROUP BY currency) r))
    """
)
# By age in days, at the end of the day: what is due later is owed by nobody yet.
OUTSTANDING = text(
    """
    SELECT COALESCE(jsonb_agg(x ORDER BY x), '[]') FROM (
        SELECT jsonb_build_array(currency, age, count(*), CAST(sum(balance_due) AS text)) AS x
          FROM (SELECT currency, balance_due,
                       CASE WHEN due_at >= CAST(:ends AS timestamptz) - interval '7 days' THEN 7
                            WHEN due_at >= CAST(:ends AS timestamptz) - interval '30 days' THEN 30
                            WHEN due_at >= CAST(:ends AS timestamptz) - interval '90 days' THEN 90
                            ELSE 999 END AS age
                  FROM payments.v_payments
                 WHERE organization_id = :organization_id AND facility_id = :facility_id
                   AND clinic_id = ANY(:clinics) AND status IN ('PENDING', 'PARTIALLY_PAID')
                   AND due_at < :ends) owed
         GROUP BY currency, age) r
    """
)


def figures(question: Question) -> dict[str, Any]:
    """Return the day as its report holds it: visits, waits, consultations, money, what does not add up."""
    visits: dict[str, Any] = db.session.execute(VISITS, question.values).scalar_one()
    money: dict[str, Any] = db.session.execute(MONEY, question.values).scalar_one()
    return visits | money | {"disagreements": _disagreements(question)}


def _disagreements(question: Question) -> list[dict[str, Any]]:
    """Return the facility's payments that do not agree with themselves: which, and in what (messages)."""
    found = payments.disagreements(question.organization_id, question.day)
    return [
        {"id": str(each.payment_id), "ticket": each.ticket, "what": each.sentences}
        for each in found
        if each.facility_id == question.facility_id
    ]


def outstanding(question: Question) -> list[Any]:
    """Return what is owed by the end of the day, as it stands now: currency, age in days, number, sum."""
    found: list[Any] = db.session.execute(OUTSTANDING, question.values).scalar_one()
    return found
