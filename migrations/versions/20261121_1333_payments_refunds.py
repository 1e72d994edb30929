"""Refunds and corrections, numbers and prints of receipts, shares that wait for a doctor, refund limits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1333"
down_revision = "20261121_1332"
branch_labels = None
depends_on = None

MOVEMENTS = "payment_transactions"
SHARES = "doctor_share + center_share"
PARTS = "abs(doctor_share) + abs(center_share)"
ACCOUNTS = "'DRAWER', 'BANK', 'CARD', 'RECEIVABLE', 'DOCTOR_PAYABLE', 'CENTRE_INCOME', 'PATIENT_CREDIT'"


def upgrade() -> None:
    _shares_that_wait()
    _refunds()
    _share_movements()
    _receipts()
    _limits()


def _shares_that_wait() -> None:
    for table in ("payments", MOVEMENTS):
        op.add_column(
            table,
            sa.Column(
                "unassigned_share", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
            ),
            schema="payments",
        )
    _replace_check(
        "payments", "shares_add_up", f"{SHARES} + unassigned_share = amount_paid - amount_refunded"
    )
    _replace_check(MOVEMENTS, "shares_add_up", f"{PARTS} + abs(unassigned_share) = applied_amount")
    _replace_check("ledger_entries", "account_known", f"account IN ({ACCOUNTS}, 'UNASSIGNED_SHARE')")


def _refunds() -> None:
    for column in ("reverses_id", "replaces_id"):
        op.add_column(MOVEMENTS, sa.Column(column, sa.Uuid(), nullable=True), schema="payments")
        op.create_foreign_key(
            op.f(f"fk_payment_transactions_{column}"),
            MOVEMENTS,
            MOVEMENTS,
            [column],
            ["id"],
            source_schema="payments",
            referent_schema="payments",
        )
        op.create_unique_constraint(
            op.f(f"uq_payment_transactions_{column}"), MOVEMENTS, [column], schema="payments"
        )
    op.add_column(MOVEMENTS, sa.Column("reason", sa.Text(), nullable=True), schema="payments")
    for name, rule in {
        "refund_has_reason": "kind = 'RECEIPT' OR reason IS NOT NULL",
        "reverses_by_refund": "reverses_id IS NULL OR kind = 'REFUND'",
        "replaces_by_receipt": "replaces_id IS NULL OR kind = 'RECEIPT'",
    }.items():
        op.create_check_constraint(
            op.f(f"ck_payment_transactions_{name}"), MOVEMENTS, rule, schema="payments"
        )


def _share_movements() -> None:
    op.create_table(
        "share_movements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("former_doctor_id", sa.Uuid(), nullable=True),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("share_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("share_rule_version", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("doctor_share", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("center_share", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_by", sa.Uuid(), nullable=True),
        sa.Column("moved_by_name", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('ASSIGNED', 'HANDED_OVER')", name=op.f("ck_share_movements_kind_known")),
        sa.CheckConstraint(
            "doctor_share + center_share = amount", name=op.f("ck_share_movements_shares_add_up")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.payments.id"], name=op.f("fk_share_movements_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_movements")),
        schema="payments",
    )
    op.create_index(
        op.f("ix_share_movements_payment_id"), "share_movements", ["payment_id"], schema="payments"
    )
    op.add_column(
        "ledger_entries", sa.Column("share_movement_id", sa.Uuid(), nullable=True), schema="payments"
    )
    op.create_foreign_key(
        op.f("fk_ledger_entries_share_movement_id"),
        "ledger_entries",
        "share_movements",
        ["share_movement_id"],
        ["id"],
        source_schema="payments",
        referent_schema="payments",
    )
    op.execute(
        """
        CREATE TRIGGER money_is_never_edited BEFORE UPDATE OR DELETE ON payments.share_movements
            FOR EACH ROW EXECUTE FUNCTION payments.money_is_never_edited()
        """
    )


def _receipts() -> None:
    for name, kind in {"receipt_year": sa.SmallInteger(), "receipt_sequence": sa.Integer()}.items():
        op.add_column(MOVEMENTS, sa.Column(name, kind, nullable=True), schema="payments")
    op.create_unique_constraint(
        op.f("uq_payment_transactions_receipt_number"),
        MOVEMENTS,
        ["facility_id", "receipt_year", "receipt_sequence"],
        schema="payments",
    )
    op.create_table(
        "receipt_counters",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("facility_id", "year", name=op.f("pk_receipt_counters")),
        schema="payments",
    )
    op.create_table(
        "receipt_prints",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("printed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["payments.payment_transactions.id"],
            name=op.f("fk_receipt_prints_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("transaction_id", "number", name=op.f("pk_receipt_prints")),
        schema="payments",
    )


def _limits() -> None:
    op.create_table(
        "refund_limits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_refund_limits_amount_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_limits")),
        sa.UniqueConstraint(
            "organization_id",
            "role_id",
            name=op.f("uq_refund_limits_organization_id_role_id"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="payments",
    )


def _replace_check(table: str, name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, schema="payments", type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule, schema="payments")


def downgrade() -> None:
    op.drop_table("refund_limits", schema="payments")
    op.drop_table("receipt_prints", schema="payments")
    op.drop_table("receipt_counters", schema="payments")
    op.drop_column("ledger_entries", "share_movement_id", schema="payments")
    op.drop_table("share_movements", schema="payments")
    columns = "receipt_year receipt_sequence reverses_id replaces_id reason"
    for column in columns.split():
        op.drop_column(MOVEMENTS, column, schema="payments")
    _replace_check("ledger_entries", "account_known", f"account IN ({ACCOUNTS})")
    for table in ("payments", MOVEMENTS):
        op.drop_column(table, "unassigned_share", schema="payments")
    op.create_check_constraint(
        op.f("ck_payments_shares_add_up"),
        "payments",
        f"{SHARES} = amount_paid - amount_refunded",
        schema="payments",
    )
    op.create_check_constraint(
        op.f("ck_payment_transactions_shares_add_up"),
        MOVEMENTS,
        f"{PARTS} = applied_amount",
        schema="payments",
    )
