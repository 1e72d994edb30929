"""Bills: invoices, their lines, what settled them; and payments of orders beside those of visits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.walls import guard

revision = "20261121_2231"
down_revision = "20261121_2221"
branch_labels = None
depends_on = None

GUARDED = (
    "invoices",
    "invoice_line_items",
    "billing_records",
    "invoice_payment_allocations",
    "payment_rules",
)
MOVED = "payments.payment_transactions"
# A movement that failed has no legs; every other one has legs that sum to zero.
MOVEMENT_SUMS_TO_ZERO = """
    CREATE OR REPLACE FUNCTION payments.movement_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
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
        SELECT CASE kind WHEN 'REFUND' THEN -amount ELSE amount END AS amount, currency,
               organization_id{status}
          INTO movement FROM payments.payment_transactions WHERE id = moved;{failed}
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
FAILED = """
        IF movement.status = 'FAILED' THEN
            IF EXISTS (SELECT FROM payments.ledger_entries WHERE transaction_id = moved) THEN
                RAISE EXCEPTION 'movement % failed and can have no ledger legs', moved
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'movement_sums_to_zero',
                          SCHEMA = 'payments', TABLE = 'ledger_entries';
            END IF;
            RETURN NULL;
        END IF;"""


def check(table: str, name: str, condition: str) -> None:
    """Add a CHECK to a table that is in use: nobody waits while its rows are looked through."""
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def upgrade() -> None:
    make_tables()
    for table in GUARDED:
        guard(f"billing.{table}")
    op.execute(
        "CREATE VIEW billing.v_of_patients WITH (security_invoker = true) AS"
        " SELECT id, organization_id, patient_id FROM billing.invoices"
    )
    op.add_column(
        "payments",
        sa.Column("payable", sa.Text(), server_default="VISIT", nullable=False),
        schema="payments",
    )
    op.add_column("payments", sa.Column("reference", sa.Text(), nullable=True), schema="payments")
    check("payments.payments", "ck_payments_payable_known", "payable IN ('VISIT', 'PRESCRIPTION', 'LAB')")
    op.create_index(
        "ix_payments_of_orders",
        "payments",
        ["facility_id", "payable", sa.literal_column("COALESCE(moved_at, due_at)"), "id"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("payable <> 'VISIT'"),
    )
    op.create_index(
        "ix_payments_by_reference",
        "payments",
        ["facility_id", "reference"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.execute(f"ALTER TABLE {MOVED} DROP CONSTRAINT ck_payment_transactions_parts_add_up")
    check(
        MOVED,
        "ck_payment_transactions_parts_add_up",
        "applied_amount + credit_amount = CASE status WHEN 'FAILED' THEN 0 ELSE amount END",
    )
    check(
        MOVED,
        "ck_payment_transactions_failed_has_no_receipt",
        "status = 'COMPLETED' OR receipt_sequence IS NULL",
    )
    op.execute(MOVEMENT_SUMS_TO_ZERO.format(status=", status", failed=FAILED))


def downgrade() -> None:
    op.execute("DROP VIEW billing.v_of_patients")
    op.execute(MOVEMENT_SUMS_TO_ZERO.format(status="", failed=""))
    op.execute(f"ALTER TABLE {MOVED} DROP CONSTRAINT ck_payment_transactions_failed_has_no_receipt")
    op.execute(f"ALTER TABLE {MOVED} DROP CONSTRAINT ck_payment_transactions_parts_add_up")
    check(MOVED, "ck_payment_transactions_parts_add_up", "applied_amount + credit_amount = amount")
    op.drop_index("ix_payments_by_reference", table_name="payments", schema="payments")
    op.drop_index("ix_payments_of_orders", table_name="payments", schema="payments")
    op.drop_column("payments", "reference", schema="payments")
    op.drop_column("payments", "payable", schema="payments")
    for table in (
        "invoice_payment_allocations",
        "invoice_line_items",
        "payment_rules",
        "invoices",
        "billing_records",
    ):
        op.drop_table(table, schema="billing")


def make_tables() -> None:
    op.create_table(
        "billing_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reason IN ('NO_PRICE', 'CANCELLED')", name=op.f("ck_billing_records_reason_known")
        ),
        sa.CheckConstraint(
            "status <> 'COMPLETED' OR invoice_id IS NOT NULL",
            name=op.f("ck_billing_records_completed_has_invoice"),
        ),
        sa.CheckConstraint(
            "status <> 'FAILED' OR reason IS NOT NULL", name=op.f("ck_billing_records_failed_has_reason")
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'COMPLETED', 'FAILED')", name=op.f("ck_billing_records_status_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_records")),
        sa.UniqueConstraint("order_id", name=op.f("uq_billing_records_order_id")),
        schema="billing",
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_number", sa.Text(), nullable=False),
        sa.Column("invoice_type", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("billing_account_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("prescription_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("tax_amount", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("discount_amount", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("insurance_payment", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("patient_copay", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("total_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("paid_amount", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column(
            "balance_due",
            sa.Numeric(precision=12, scale=2),
            sa.Computed(
                "CASE WHEN status IN ('ISSUED', 'PARTIALLY_PAID') THEN total_amount - paid_amount ELSE 0 END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("status", sa.Text(), server_default="ISSUED", nullable=False),
        sa.Column("invoice_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("paid_date", sa.Date(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_reason", sa.Text(), nullable=True),
        sa.Column("released_reason", sa.Text(), nullable=True),
        sa.Column("served", sa.Text(), nullable=True),
        sa.Column("off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kept_by", sa.Uuid(), nullable=True),
        sa.Column("kept_reason", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "invoice_type IN ('VISIT', 'PRESCRIPTION', 'LAB')", name=op.f("ck_invoices_invoice_type_known")
        ),
        sa.CheckConstraint(
            "released_reason IN ('STOCK_RELEASED', 'RESERVATION_EXPIRED', 'LAB_RELEASED')",
            name=op.f("ck_invoices_released_reason_known"),
        ),
        sa.CheckConstraint("served IN ('PART', 'WHOLE')", name=op.f("ck_invoices_served_known")),
        sa.CheckConstraint(
            "status IN ('ISSUED', 'PARTIALLY_PAID', 'PAID', 'VOIDED', 'REFUND_DUE', 'KEPT', 'PARTIALLY_REFUNDED', 'REFUNDED')",
            name=op.f("ck_invoices_status_known"),
        ),
        sa.CheckConstraint(
            "undone_reason IN ('VISIT_OFF', 'ORDER_UNDONE')", name=op.f("ck_invoices_undone_reason_known")
        ),
        sa.CheckConstraint(
            "(visit_id IS NULL) <> (order_id IS NULL)", name=op.f("ck_invoices_of_visit_or_order")
        ),
        sa.CheckConstraint(
            "paid_amount >= 0 AND paid_amount <= total_amount", name=op.f("ck_invoices_paid_within_total")
        ),
        sa.CheckConstraint(
            "subtotal >= 0 AND tax_amount >= 0 AND discount_amount >= 0",
            name=op.f("ck_invoices_parts_positive"),
        ),
        sa.CheckConstraint(
            "total_amount = subtotal + tax_amount - discount_amount", name=op.f("ck_invoices_parts_add_up")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("order_id", name=op.f("uq_invoices_order_id")),
        sa.UniqueConstraint(
            "organization_id", "invoice_number", name=op.f("uq_invoices_organization_id_invoice_number")
        ),
        sa.UniqueConstraint("payment_id", name=op.f("uq_invoices_payment_id")),
        sa.UniqueConstraint("visit_id", name=op.f("uq_invoices_visit_id")),
        schema="billing",
    )
    op.create_index(
        "ix_invoices_by_day", "invoices", ["facility_id", "issued_at", "id"], unique=False, schema="billing"
    )
    op.create_index(
        "ix_invoices_by_left",
        "invoices",
        ["facility_id", sa.literal_column("COALESCE(balance_due, 0)"), "id"],
        unique=False,
        schema="billing",
    )
    op.create_index(
        "ix_invoices_by_state",
        "invoices",
        ["facility_id", "status", "issued_at", "id"],
        unique=False,
        schema="billing",
    )
    op.create_index(
        "ix_invoices_by_total",
        "invoices",
        ["facility_id", "total_amount", "id"],
        unique=False,
        schema="billing",
    )
    op.create_index(
        op.f("ix_invoices_patient_id_issued_at"),
        "invoices",
        ["patient_id", "issued_at"],
        unique=False,
        schema="billing",
    )
    op.create_index(
        "ix_invoices_refund_due",
        "invoices",
        ["facility_id", "off_at"],
        unique=False,
        schema="billing",
        postgresql_where=sa.text("status = 'REFUND_DUE'"),
    )
    op.create_table(
        "payment_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("must_be_paid_first", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("kind IN ('PRESCRIPTION', 'LAB')", name=op.f("ck_payment_rules_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_rules")),
        sa.UniqueConstraint("facility_id", "kind", name=op.f("uq_payment_rules_facility_id_kind")),
        schema="billing",
    )
    op.create_table(
        "invoice_line_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("item_type", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("item_code", sa.Text(), nullable=True),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("item_name_ar", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=10, scale=4), nullable=False),
        sa.Column("line_total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.Column("procedure_code", sa.Text(), nullable=True),
        sa.Column("diagnosis_codes", postgresql.JSONB(), nullable=True),
        sa.Column("prescription_item_id", sa.Uuid(), nullable=True),
        sa.Column("ndc_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "item_type IN ('CONSULTATION', 'MEDICATION', 'LAB_TEST')",
            name=op.f("ck_invoice_line_items_item_type_known"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_invoice_line_items_quantity_positive")),
        sa.CheckConstraint(
            "unit_price >= 0 AND line_total >= 0", name=op.f("ck_invoice_line_items_prices_positive")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["billing.invoices.id"], name=op.f("fk_invoice_line_items_invoice_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_line_items")),
        sa.UniqueConstraint(
            "invoice_id", "line_number", name=op.f("uq_invoice_line_items_invoice_id_line_number")
        ),
        schema="billing",
    )
    op.create_table(
        "invoice_payment_allocations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("allocated_amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("allocation_type", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), server_default="COMPLETED", nullable=False),
        sa.Column("allocated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "allocation_type IN ('PAYMENT', 'REFUND', 'CORRECTION')",
            name=op.f("ck_invoice_payment_allocations_allocation_type_known"),
        ),
        sa.CheckConstraint(
            "allocated_amount <> 0", name=op.f("ck_invoice_payment_allocations_amount_not_zero")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["billing.invoices.id"], name=op.f("fk_invoice_payment_allocations_invoice_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_payment_allocations")),
        sa.UniqueConstraint(
            "transaction_id",
            "invoice_id",
            name=op.f("uq_invoice_payment_allocations_transaction_id_invoice_id"),
        ),
        schema="billing",
    )
    op.create_index(
        op.f("ix_invoice_payment_allocations_invoice_id"),
        "invoice_payment_allocations",
        ["invoice_id"],
        unique=False,
        schema="billing",
    )
