"""What the list of payments is made of, in SQL: those of some days, or of any time.

What is still to come stands below what has happened, although its time is later: it counts from when it was
opened. So the order depends on the time of asking (``:asof``).
"""

from __future__ import annotations

from dataclasses import replace

from clinic_web.kernel.keyset import Table

ONLY_PATIENT = "AND p.patient_id = ANY(:patients)"
# Looked up for the rows of the page and no other: it stands among the columns, not in a join.
METHODS = """(
    SELECT array_agg(DISTINCT t.payment_method ORDER BY t.payment_method)
      FROM payments.payment_transactions t WHERE t.payment_id = l.id AND t.status = 'COMPLETED') AS methods"""
COLUMNS = """l.id, l.visit_id, l.patient_id, l.clinic_id, l.doctor_id, l.service_id, l.payable,
    l.reference, l.ticket, {methods},
    l.total_amount, l.amount_paid - l.amount_refunded AS paid, l.balance_due, l.status, l.opened_at,
    l.currency, {at} AS at"""
# `due` are the payments of the days, `of_doctor` what the sums are of, `listed` what other filters narrow.
_DAYS = """
    WITH due AS (
        SELECT id FROM payments.payments p
         WHERE p.organization_id = :organization_id AND p.facility_id = :facility_id
           AND p.due_at >= :begins AND p.due_at < :ends {only}
        UNION
        SELECT p.payment_id FROM payments.payment_transactions p
         WHERE p.organization_id = :organization_id AND p.facility_id = :facility_id
           AND p.payment_date >= :begins AND p.payment_date < :ends {only}
    ), of_clinic AS (
        SELECT p.* FROM due JOIN payments.payments p ON p.id = due.id
         WHERE CAST(:clinic AS uuid) IS NULL OR p.clinic_id = :clinic
    ), of_doctor AS (
        SELECT * FROM of_clinic WHERE CAST(:doctor AS uuid) IS NULL OR doctor_id = :doctor
    ), listed AS (
        SELECT p.*, moved.latest,
               COALESCE(moved.latest, CASE WHEN p.due_at <= :asof THEN p.due_at ELSE p.opened_at END)
                   AS moment
          FROM of_doctor p
          LEFT JOIN LATERAL (
               SELECT max(t.payment_date) AS latest
                 FROM payments.payment_transactions t WHERE t.payment_id = p.id AND t.status = 'COMPLETED'
                  AND t.payment_date >= :begins AND t.payment_date < :ends
               ) moved ON true
    )
"""
# Sums travel through JSON as text: a float never touches money.
_SUMS = """(
    SELECT jsonb_build_object(
        'owed', (SELECT CAST(COALESCE(sum(balance_due), 0) AS text) FROM of_doctor),
        'doctors', (SELECT jsonb_agg(DISTINCT doctor_id) FROM of_clinic WHERE doctor_id IS NOT NULL),
        'taken', (SELECT jsonb_object_agg(payment_method, CAST(taken AS text)) FROM (
            SELECT t.payment_method,
                   sum(CASE t.kind WHEN 'REFUND' THEN -t.amount ELSE t.amount END) AS taken
              FROM payments.payment_transactions t JOIN of_doctor p ON p.id = t.payment_id
             WHERE t.payment_date >= :begins AND t.payment_date < :ends AND t.status = 'COMPLETED'
             GROUP BY t.payment_method) m)))"""
DAYS = Table(
    columns=COLUMNS.format(methods=METHODS, at="COALESCE(l.latest, l.due_at)"),
    source="listed l",
    id="l.id",
    state="l.status",
    aside=_SUMS,
)

_HERE = "p.organization_id = :organization_id AND p.facility_id = :facility_id {only}"
# The list of any time is read where an index already has its order: in two arms, for what is to come (a few
# weeks of appointments) counts from another time than what has happened (years). ``:now`` keeps the first
# arm from passing all that is to come on its way to yesterday.
_HAPPENED = f"""
    (SELECT p.*, COALESCE(p.moved_at, p.due_at) AS moment FROM payments.payments p
      WHERE {_HERE} AND COALESCE(p.moved_at, p.due_at) <= :now
        AND (p.moved_at IS NOT NULL OR p.due_at <= :asof)) l"""  # noqa: S608 - made of constants
_TO_COME = f"""
    (SELECT p.*, p.opened_at AS moment FROM payments.payments p
      WHERE {_HERE} AND p.moved_at IS NULL AND p.due_at > :asof) l"""  # noqa: S608 - made of constants
# What was ever taken is no sum that a page pays for; what is owed has an index of its own.
_OWED = f"""(
    SELECT jsonb_build_object('owed', CAST(COALESCE(sum(p.balance_due), 0) AS text)) FROM payments.payments p
     WHERE {_HERE} AND p.status IN ('PENDING', 'PARTIALLY_PAID')
       AND (CAST(:clinic AS uuid) IS NULL OR p.clinic_id = :clinic)
       AND (CAST(:doctor AS uuid) IS NULL OR p.doctor_id = :doctor))"""  # noqa: S608 - made of constants
ANY_TIME = Table(
    columns=COLUMNS.format(methods=METHODS, at="COALESCE(l.moved_at, l.due_at)"),
    source=_HAPPENED,
    more=(_TO_COME,),
    id="l.id",
    state="l.status",
    counted=f"(SELECT p.* FROM payments.payments p WHERE {_HERE}) l",  # noqa: S608 - made of constants
    aside=_OWED,
)


def of_days(*, only_patient: bool) -> Table:
    """Return the payments that were due or moved from ``:begins`` to ``:ends``, with their sums."""
    return replace(DAYS, given=_DAYS.format(only=_only(only_patient)))


def of_any_time(*, only_patient: bool) -> Table:
    """Return all payments of the facility; of sums only what is owed."""
    only = _only(only_patient)
    return replace(
        ANY_TIME,
        source=ANY_TIME.source.format(only=only),
        more=tuple(each.format(only=only) for each in ANY_TIME.more),
        counted=ANY_TIME.counted.format(only=only),
        aside=ANY_TIME.aside.format(only=only),
    )


def _only(patient: bool) -> str:
    return ONLY_PATIENT if patient else ""
