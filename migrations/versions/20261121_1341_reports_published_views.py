"""Publish what reports may read: organization.v_facilities, reception.v_visits, payments.v_*."""

from __future__ import annotations

from alembic import op

revision = "20261121_1341"
down_revision = "20261121_1340"
branch_labels = None
depends_on = None

# security_invoker: a plain view runs with its owner's rights and would step around row-level security.
VIEWS = {
    "organization.v_facilities": """
        SELECT id, organization_id, name, name_ar, timezone, currency, created_at
          FROM organization.facilities WHERE is_active AND deleted_at IS NULL
    """,
    "reception.v_visits": """
        SELECT id, organization_id, facility_id, clinic_id, COALESCE(attending_id, doctor_id) AS doctor_id,
               service_id, queue_day AS day, visit_type, status, scheduled_time, check_in_time, called_at,
               start_time, end_time
          FROM reception.visits
    """,
    "payments.v_payments": """
        SELECT id, organization_id, facility_id, clinic_id, doctor_id, service_id, visit_id, ticket, currency,
               total_amount, amount_paid, amount_refunded, balance_due, doctor_share, center_share,
               unassigned_share, status, opened_at, due_at, voided_at
          FROM payments.payments
    """,
    "payments.v_transactions": """
        SELECT id, organization_id, facility_id, payment_id, payment_number, kind, payment_date,
               payment_method, amount, applied_amount, credit_amount, currency, doctor_share, center_share,
               unassigned_share, reverses_id
          FROM payments.payment_transactions WHERE status = 'COMPLETED'
    """,
    "payments.v_ledger_entries": """
        SELECT id, organization_id, facility_id, transaction_id, account, doctor_id, amount, currency,
               entered_at
          FROM payments.ledger_entries
    """,
}


def upgrade() -> None:
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} WITH (security_invoker = true) AS {query}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
