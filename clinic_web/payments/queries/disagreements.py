"""Payments whose own sums, movements, shares and ledger do not say the same. There should be none, ever.

CHECKs and triggers hold most of it row by row; this looks across rows, and at what a hand in the database or
a restore of half a backup could have done. The nightly report shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.organization import api as organization

# What can be wrong, in the order of a person's interest: the column of the query, and its sentence.
SENTENCES = {
    "movements": N_("Its movements do not add up to what it says was paid and given back."),
    "ledger": N_("The ledger does not hold what was moved."),
    "shares": N_("Its shares are not those in the ledger."),
    "rule": N_("The doctor's share is not what the frozen rule gives."),
    "doctor": N_("A share stands in the name of another doctor."),
    "state": N_("Its state does not fit its sums."),
}

OF_DAY = """
    SELECT p.id FROM payments.payments p
      JOIN unnest(CAST(:facilities AS uuid[]), CAST(:begins AS timestamptz[]), CAST(:ends AS timestamptz[]))
           AS b (facility_id, begins, ends) ON b.facility_id = p.facility_id
     WHERE p.organization_id = :organization_id AND p.due_at >= b.begins AND p.due_at < b.ends
     UNION
    SELECT t.payment_id FROM payments.payment_transactions t
      JOIN unnest(CAST(:facilities AS uuid[]), CAST(:begins AS timestamptz[]), CAST(:ends AS timestamptz[]))
           AS b (facility_id, begins, ends) ON b.facility_id = t.facility_id
     WHERE t.organization_id = :organization_id AND t.payment_date >= b.begins AND t.payment_date < b.ends
"""
EVER = "SELECT p.id FROM payments.payments p WHERE p.organization_id = :organization_id"

COMPARED = """
    WITH looked_at AS ({payments}),
    moved AS (
        SELECT t.payment_id,
               sum(CASE WHEN t.kind = 'RECEIPT' THEN t.applied_amount
                        WHEN t.reverses_id IS NOT NULL THEN -t.applied_amount ELSE 0 END) AS paid,
               sum(CASE WHEN t.kind = 'REFUND' AND t.reverses_id IS NULL THEN t.applied_amount ELSE 0 END)
                   AS refunded,
               sum(t.doctor_share + t.center_share + t.unassigned_share) AS shared,
               sum(t.credit_amount) AS credit
          FROM payments.payment_transactions t JOIN looked_at l ON l.id = t.payment_id
         WHERE t.status = 'COMPLETED' GROUP BY t.payment_id
    ), legs AS (
        SELECT t.payment_id, t.id,
               CASE t.kind WHEN 'REFUND' THEN -t.amount ELSE t.amount END AS amount,
               sum(e.amount) AS rest,
               sum(e.amount) FILTER (WHERE e.account IN ('DRAWER', 'BANK', 'CARD', 'RECEIVABLE')) AS placed,
               sum(e.amount) FILTER (WHERE e.account = 'DOCTOR_PAYABLE') AS doctor,
               sum(e.amount) FILTER (WHERE e.account = 'DOCTOR_PAYABLE'
                                       AND e.doctor_id IS DISTINCT FROM p.doctor_id) AS others,
               sum(e.amount) FILTER (WHERE e.account = 'CENTRE_INCOME') AS center,
               sum(e.amount) FILTER (WHERE e.account = 'UNASSIGNED_SHARE') AS unassigned,
               sum(e.amount) FILTER (WHERE e.account = 'PATIENT_CREDIT') AS credit
          FROM looked_at l
          JOIN payments.payments p ON p.id = l.id
          JOIN payments.payment_transactions t ON t.payment_id = p.id AND t.status = 'COMPLETED'
          LEFT JOIN payments.ledger_entries e ON e.transaction_id = t.id
         GROUP BY t.payment_id, t.id, t.kind, t.amount
    ), booked AS (
        SELECT payment_id,
               bool_or(rest IS DISTINCT FROM 0 OR placed IS DISTINCT FROM amount) AS is_crooked,
               -COALESCE(sum(doctor), 0) AS doctor, -COALESCE(sum(center), 0) AS center,
               -COALESCE(sum(unassigned), 0) AS unassigned, -COALESCE(sum(credit), 0) AS credit,
               COALESCE(sum(others), 0) AS others
          FROM legs GROUP BY payment_id
    ), compared AS (
        SELECT p.id, p.facility_id, p.visit_id, p.patient_id, p.ticket, p.status, p.currency,
               p.amount_paid, p.amount_refunded,
               COALESCE(m.paid, 0) <> p.amount_paid OR COALESCE(m.refunded, 0) <> p.amount_refunded
               OR COALESCE(m.shared, 0) <> p.amount_paid - p.amount_refunded AS movements,
               COALESCE(b.is_crooked, false) OR COALESCE(b.credit, 0) <> COALESCE(m.credit, 0) AS ledger,
               (COALESCE(b.doctor, 0), COALESCE(b.center, 0), COALESCE(b.unassigned, 0))
               <> (p.doctor_share, p.center_share, p.unassigned_share) AS shares,
               p.shares_frozen_at IS NOT NULL
               AND abs(p.doctor_share - (p.amount_paid - p.amount_refunded) * p.share_percent / 100) > 0.005
               AS rule,
               COALESCE(b.others, 0) <> 0 AS doctor,
               p.status <> CASE WHEN p.status = 'VOIDED' AND p.amount_paid = 0 THEN 'VOIDED'
                                WHEN p.amount_refunded > 0 AND p.amount_refunded < p.amount_paid
                                THEN 'PARTIALLY_REFUNDED'
                                WHEN p.amount_refunded > 0 THEN 'REFUNDED'
                                WHEN p.amount_paid = p.total_amount THEN 'PAID'
                                WHEN p.amount_paid > 0 THEN 'PARTIALLY_PAID' ELSE 'PENDING' END AS state
          FROM looked_at l
          JOIN payments.payments p ON p.id = l.id
          LEFT JOIN moved m ON m.payment_id = p.id
          LEFT JOIN booked b ON b.payment_id = p.id
    )
    SELECT * FROM compared WHERE movements OR ledger OR shares OR rule OR doctor OR state ORDER BY id
"""
GAPS = text(
    """
    SELECT c.facility_id, c.year, c.last_sequence, count(t.receipt_sequence) AS given
      FROM payments.receipt_counters c
      LEFT JOIN payments.payment_transactions t ON t.facility_id = c.facility_id AND t.receipt_year = c.year
     WHERE c.facility_id = ANY(:facilities)
     GROUP BY 1, 2, 3
    HAVING count(t.receipt_sequence) <> c.last_sequence
        OR COALESCE(max(t.receipt_sequence), 0) <> c.last_sequence
     ORDER BY 1, 2
    """
)


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A payment that does not agree with itself. ``kinds`` are keys of ``SENTENCES``."""

    payment_id: UUID
    facility_id: UUID
    visit_id: UUID | None
    patient_id: UUID
    ticket: str | None
    status: str
    kinds: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """What is wrong, as marked messages to be translated."""
        return [SENTENCES[kind] for kind in self.kinds]


@dataclass(frozen=True, kw_only=True)
class ReceiptGap:
    """A facility's year whose receipts are not 1, 2, 3 … up to the counter."""

    facility_id: UUID
    year: int
    last_sequence: int
    given: int


def disagreements(organization_id: UUID, day: date | None = None) -> list[Disagreement]:
    """Return the organization's payments that do not agree with themselves.

    ``day``: only those due or moved on that local day of their facility; otherwise all there are.
    """
    asked: dict[str, Any] = {"organization_id": organization_id} | (
        _spans(organization_id, day) if day else {}
    )
    query = text(COMPARED.format(payments=OF_DAY if day else EVER))
    return [_disagreement(row) for row in db.session.execute(query, asked).mappings()]


def receipt_gaps(organization_id: UUID) -> list[ReceiptGap]:
    """Return the years of the organization's facilities whose receipt numbers have a gap."""
    facilities = list(organization.directory(organization_id).facilities)
    rows = db.session.execute(GAPS, {"facilities": facilities}).mappings()
    return [ReceiptGap(**row) for row in rows]


def _spans(organization_id: UUID, day: date) -> dict[str, Any]:
    """Return the facilities with the beginning and end of the day on their own walls."""
    places = list(organization.directory(organization_id).facilities.values())
    after = day + timedelta(days=1)
    return {
        "facilities": [each.id for each in places],
        "begins": [organization.moment_at(day, time(), each.timezone) for each in places],
        "ends": [organization.moment_at(after, time(), each.timezone) for each in places],
    }


def _disagreement(row: Any) -> Disagreement:
    return Disagreement(
        payment_id=row["id"],
        facility_id=row["facility_id"],
        visit_id=row["visit_id"],
        patient_id=row["patient_id"],
        ticket=row["ticket"],
        status=row["status"],
        kinds=tuple(kind for kind in SENTENCES if row[kind]),
    )
