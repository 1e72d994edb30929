"""Create schema payments: payments, payment_transactions, ledger_entries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1005"
down_revision = "20261121_1004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA payments")
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("amount_paid", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("amount_refunded", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column(
            "balance_due",
            sa.Numeric(precision=12, scale=2),
            sa.Computed(
                "CASE WHEN status IN ('PENDING', 'PARTIALLY_PAID') THEN total_amount - amount_paid ELSE 0 END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("doctor_share", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("center_share", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("share_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("share_rule_version", sa.Integer(), nullable=False),
        sa.Column("shares_frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Text(), server_default="PENDING", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "status IN ('PENDING', 'PARTIALLY_PAID', 'PAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'VOIDED')",
            name=op.f("ck_payments_status_known"),
        ),
        sa.CheckConstraint(
            "amount_paid BETWEEN 0 AND total_amount", name=op.f("ck_payments_paid_within_total")
        ),
        sa.CheckConstraint(
            "amount_refunded BETWEEN 0 AND amount_paid", name=op.f("ck_payments_refunded_within_paid")
        ),
        sa.CheckConstraint(
            "doctor_share + center_share = amount_paid - amount_refunded",
            name=op.f("ck_payments_shares_add_up"),
        ),
        sa.CheckConstraint("share_percent BETWEEN 0 AND 100", name=op.f("ck_payments_share_percent_range")),
        sa.CheckConstraint("total_amount >= 0", name=op.f("ck_payments_total_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("visit_id", name=op.f("uq_payments_visit_id")),
        schema="payments",
    )
    op.create_index("ix_payments_day", "payments", ["facility_id", "due_at"], unique=False, schema="payments")
    op.create_index(
        "ix_payments_owing",
        "payments",
        ["clinic_id"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("status IN ('PENDING', 'PARTIALLY_PAID')"),
    )
    op.create_index(
        op.f("ix_payments_patient_id_opened_at"),
        "payments",
        ["patient_id", "opened_at"],
        unique=False,
        schema="payments",
    )
    op.create_table(
        "payment_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("payment_number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payment_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payment_method", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("applied_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("credit_amount", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("handed_over", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("balance_after", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("doctor_share", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("center_share", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("provider_transaction_id", sa.Text(), nullable=True),
        sa.Column("card_last_four", sa.Text(), nullable=True),
        sa.Column("check_number", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="COMPLETED", nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("processed_by", sa.Uuid(), nullable=True),
        sa.Column("processed_by_name", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('RECEIPT', 'REFUND')", name=op.f("ck_payment_transactions_kind_known")),
        sa.CheckConstraint(
            "payment_method IN ('CASH', 'VISA', 'BANK_TRANSFER', 'CREDIT_CARD', 'DEBIT_CARD', 'CHECK', 'INSURANCE')",
            name=op.f("ck_payment_transactions_payment_method_known"),
        ),
        sa.CheckConstraint(
            "status IN ('COMPLETED', 'FAILED')", name=op.f("ck_payment_transactions_status_known")
        ),
        sa.CheckConstraint(
            "abs(doctor_share) + abs(center_share) = applied_amount",
            name=op.f("ck_payment_transactions_shares_add_up"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_transactions_amount_positive")),
        sa.CheckConstraint(
            "applied_amount + credit_amount = amount", name=op.f("ck_payment_transactions_parts_add_up")
        ),
        sa.CheckConstraint(
            "applied_amount >= 0 AND credit_amount >= 0", name=op.f("ck_payment_transactions_parts_positive")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.payments.id"], name=op.f("fk_payment_transactions_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_transactions")),
        sa.UniqueConstraint(
            "organization_id",
            "idempotency_key",
            name=op.f("uq_payment_transactions_organization_id_idempotency_key"),
        ),
        sa.UniqueConstraint(
            "organization_id",
            "payment_number",
            name=op.f("uq_payment_transactions_organization_id_payment_number"),
        ),
        schema="payments",
    )
    op.create_index(
        "ix_payment_transactions_day",
        "payment_transactions",
        ["facility_id", "payment_date", "payment_method"],
        unique=False,
        schema="payments",
    )
    op.create_index(
        op.f("ix_payment_transactions_patient_id_payment_date"),
        "payment_transactions",
        ["patient_id", "payment_date"],
        unique=False,
        schema="payments",
    )
    op.create_index(
        op.f("ix_payment_transactions_payment_id"),
        "payment_transactions",
        ["payment_id"],
        unique=False,
        schema="payments",
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "account IN ('DRAWER', 'BANK', 'CARD', 'RECEIVABLE', 'DOCTOR_PAYABLE', 'CENTRE_INCOME', 'PATIENT_CREDIT')",
            name=op.f("ck_ledger_entries_account_known"),
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entries_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["payments.payment_transactions.id"],
            name=op.f("fk_ledger_entries_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        schema="payments",
    )
    op.create_index(
        op.f("ix_ledger_entries_facility_id_account_entered_at"),
        "ledger_entries",
        ["facility_id", "account", "entered_at"],
        unique=False,
        schema="payments",
    )
    op.create_index(
        op.f("ix_ledger_entries_transaction_id"),
        "ledger_entries",
        ["transaction_id"],
        unique=False,
        schema="payments",
    )
    op.execute(
        """
        CREATE FUNCTION payments.movement_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            moved uuid;
            movement record;
            legs record;
        BEGIN
            IF TG_TABLE_NAME = 'payment_transactions' THEN
                moved := NEW.id;
            ELSE
                moved := NEW.transaction_id;
            END IF;
            SELECT CASE kind WHEN 'REFUND' THEN -amount ELSE amount END AS amount, currency, organization_id
              INTO movement FROM payments.payment_transactions WHERE id = moved;
            SELECT sum(amount) AS rest,
                   sum(amount) FILTER (WHERE account IN ('DRAWER', 'BANK', 'CARD', 'RECEIVABLE')) AS placed,
                   bool_and(currency = movement.currency AND organization_id = movement.organization_id) AS fits
              INTO legs FROM payments.ledger_entries WHERE transaction_id = moved;
            IF (legs.rest = 0 AND legs.placed = movement.amount AND legs.fits) IS NOT TRUE THEN
                RAISE EXCEPTION 'the ledger legs of movement % do not balance', moved
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'movement_sums_to_zero',
                          SCHEMA = 'payments', TABLE = 'ledger_entries';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER movement_sums_to_zero AFTER INSERT ON payments.ledger_entries
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments.movement_sums_to_zero()
        """
    )
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER movement_sums_to_zero AFTER INSERT ON payments.payment_transactions
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments.movement_sums_to_zero()
        """
    )
    op.execute(
        """
        CREATE FUNCTION payments.money_is_never_edited() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of %.% are never changed or deleted: write another movement',
                            TG_TABLE_SCHEMA, TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'money_is_never_edited';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER money_is_never_edited BEFORE UPDATE OR DELETE ON payments.payment_transactions
            FOR EACH ROW EXECUTE FUNCTION payments.money_is_never_edited()
        """
    )
    op.execute(
        """
        CREATE TRIGGER money_is_never_edited BEFORE UPDATE OR DELETE ON payments.ledger_entries
            FOR EACH ROW EXECUTE FUNCTION payments.money_is_never_edited()
        """
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA payments CASCADE")
