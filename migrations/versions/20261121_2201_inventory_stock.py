"""Create the stock: items, batches, every movement, what people corrected; and the views over them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import guard

revision = "20261121_2201"
down_revision = "20261121_2200"
branch_labels = None
depends_on = None

TABLES = ("stock_adjustments", "inventory_transactions", "inventory_batches", "inventory_items")
VIEWS = {
    # From the batches, not from the items' own sums: who looks here may compare.
    "v_stock_levels": """
        SELECT i.id, i.organization_id, i.facility_id, i.medication_id, i.item_name, i.quantity_unit,
               COALESCE(sum(b.quantity_remaining), 0) AS quantity_on_hand,
               COALESCE(sum(b.quantity_reserved), 0) AS quantity_reserved,
               COALESCE(sum(b.quantity_available) FILTER (WHERE b.status = 'ACTIVE'), 0)
                   AS quantity_available,
               i.reorder_point, i.reorder_quantity, i.is_low, i.is_active
          FROM inventory.inventory_items i
          LEFT JOIN inventory.inventory_batches b ON b.inventory_item_id = i.id
         GROUP BY i.id
    """,
    "inventory_summary": """
        SELECT i.id, i.organization_id, i.facility_id, i.ndc_code, i.item_name AS drug_name,
               i.quantity_on_hand, i.reorder_point,
               count(b.id) AS batch_count, min(b.expiration_date) AS nearest_expiry
          FROM inventory.inventory_items i
          LEFT JOIN inventory.inventory_batches b
                 ON b.inventory_item_id = i.id AND b.status = 'ACTIVE' AND b.quantity_remaining > 0
         WHERE i.is_active
         GROUP BY i.id
    """,
}


def upgrade() -> None:
    op.create_table(
        "inventory_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("medication_id", sa.Uuid(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("item_name_ar", sa.Text(), nullable=True),
        sa.Column("search_words", sa.Text(), nullable=False),
        sa.Column("ndc_code", sa.Text(), nullable=True),
        sa.Column("bin_location", sa.Text(), nullable=True),
        sa.Column("requires_refrigeration", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("quantity_on_hand", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("quantity_reserved", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column(
            "quantity_available", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
        ),
        sa.Column("quantity_unit", sa.Text(), nullable=False),
        sa.Column("reorder_point", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("reorder_quantity", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("economic_order_quantity", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column(
            "is_low",
            sa.Boolean(),
            sa.Computed("quantity_available <= reorder_point", persisted=True),
            nullable=False,
        ),
        sa.Column("unit_cost", sa.Numeric(precision=10, scale=4), server_default="0", nullable=False),
        sa.Column("average_wholesale_price", sa.Numeric(precision=10, scale=4), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("last_counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "quantity_available + quantity_reserved <= quantity_on_hand",
            name=op.f("ck_inventory_items_parts_within"),
        ),
        sa.CheckConstraint("quantity_available >= 0", name=op.f("ck_inventory_items_available_positive")),
        sa.CheckConstraint("quantity_on_hand >= 0", name=op.f("ck_inventory_items_on_hand_positive")),
        sa.CheckConstraint("quantity_reserved >= 0", name=op.f("ck_inventory_items_reserved_positive")),
        sa.CheckConstraint("reorder_point >= 0", name=op.f("ck_inventory_items_reorder_point_positive")),
        sa.CheckConstraint(
            "reorder_quantity >= 0", name=op.f("ck_inventory_items_reorder_quantity_positive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_items")),
        sa.UniqueConstraint(
            "facility_id", "medication_id", name=op.f("uq_inventory_items_facility_id_medication_id")
        ),
        schema="inventory",
    )
    op.create_index(
        "ix_inventory_items_by_available",
        "inventory_items",
        ["facility_id", "quantity_available", "id"],
        unique=False,
        schema="inventory",
    )
    op.create_index(
        "ix_inventory_items_by_name",
        "inventory_items",
        ["facility_id", "item_name", "id"],
        unique=False,
        schema="inventory",
    )
    op.create_index(
        "ix_inventory_items_low",
        "inventory_items",
        ["facility_id"],
        unique=False,
        schema="inventory",
        postgresql_where=sa.text("is_low AND is_active"),
    )
    op.create_index(
        "ix_inventory_items_search",
        "inventory_items",
        ["search_words"],
        unique=False,
        schema="inventory",
        postgresql_using="gin",
        postgresql_ops={"search_words": "gin_trgm_ops"},
    )
    op.create_table(
        "inventory_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("inventory_item_id", sa.Uuid(), nullable=False),
        sa.Column("batch_number", sa.Text(), nullable=False),
        sa.Column("expiration_date", sa.Date(), nullable=False),
        sa.Column("quantity_received", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("quantity_adjusted", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("quantity_available", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("quantity_reserved", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("quantity_issued", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column(
            "quantity_remaining",
            sa.Numeric(precision=12, scale=2),
            sa.Computed("quantity_available + quantity_reserved", persisted=True),
            nullable=False,
        ),
        sa.Column("unit_cost", sa.Numeric(precision=10, scale=4), nullable=False),
        sa.Column("received_date", sa.Date(), nullable=False),
        sa.Column("received_by", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default="ACTIVE", nullable=False),
        sa.Column("expiring_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('ACTIVE', 'QUARANTINED', 'EXPIRED', 'RECALLED')",
            name=op.f("ck_inventory_batches_status_known"),
        ),
        sa.CheckConstraint("quantity_available >= 0", name=op.f("ck_inventory_batches_available_positive")),
        sa.CheckConstraint("quantity_issued >= 0", name=op.f("ck_inventory_batches_issued_positive")),
        sa.CheckConstraint(
            "quantity_received + quantity_adjusted = quantity_available + quantity_reserved + quantity_issued",
            name=op.f("ck_inventory_batches_parts_add_up"),
        ),
        sa.CheckConstraint("quantity_received >= 0", name=op.f("ck_inventory_batches_received_positive")),
        sa.CheckConstraint("quantity_reserved >= 0", name=op.f("ck_inventory_batches_reserved_positive")),
        sa.CheckConstraint("unit_cost >= 0", name=op.f("ck_inventory_batches_unit_cost_positive")),
        sa.ForeignKeyConstraint(
            ["inventory_item_id"],
            ["inventory.inventory_items.id"],
            name=op.f("fk_inventory_batches_inventory_item_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_batches")),
        sa.UniqueConstraint(
            "inventory_item_id",
            "batch_number",
            name=op.f("uq_inventory_batches_inventory_item_id_batch_number"),
        ),
        schema="inventory",
    )
    op.create_index(
        "ix_inventory_batches_expiring",
        "inventory_batches",
        ["facility_id", "expiration_date"],
        unique=False,
        schema="inventory",
        postgresql_where=sa.text("status = 'ACTIVE' AND quantity_remaining > 0"),
    )
    op.create_index(
        "ix_inventory_batches_first_out",
        "inventory_batches",
        ["inventory_item_id", "expiration_date", "id"],
        unique=False,
        schema="inventory",
    )
    op.create_table(
        "inventory_transactions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("inventory_item_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_type", sa.Text(), nullable=False),
        sa.Column("quantity_change", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("quantity_before", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("quantity_after", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("reserved_change", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("reserved_before", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("reserved_after", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("reference_type", sa.Text(), nullable=True),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("transaction_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("performed_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "transaction_type IN ('RECEIVE', 'RESERVE', 'RELEASE', 'ISSUE', 'PUT_BACK', 'ADJUST', 'COUNT', 'EXPIRE', 'SET_ASIDE', 'RETURN')",
            name=op.f("ck_inventory_transactions_transaction_type_known"),
        ),
        sa.CheckConstraint(
            "quantity_after = quantity_before + quantity_change",
            name=op.f("ck_inventory_transactions_quantities_add_up"),
        ),
        sa.CheckConstraint(
            "quantity_after >= reserved_after AND reserved_after >= 0",
            name=op.f("ck_inventory_transactions_never_below_zero"),
        ),
        sa.CheckConstraint(
            "reserved_after = reserved_before + reserved_change",
            name=op.f("ck_inventory_transactions_reserved_add_up"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["inventory.inventory_batches.id"], name=op.f("fk_inventory_transactions_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["inventory_item_id"],
            ["inventory.inventory_items.id"],
            name=op.f("fk_inventory_transactions_inventory_item_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_transactions")),
        sa.UniqueConstraint("seq", name=op.f("uq_inventory_transactions_seq")),
        schema="inventory",
    )
    op.create_index(
        op.f("ix_inventory_transactions_batch_id"),
        "inventory_transactions",
        ["batch_id"],
        unique=False,
        schema="inventory",
    )
    op.create_index(
        "ix_inventory_transactions_of_item",
        "inventory_transactions",
        ["inventory_item_id", "seq"],
        unique=False,
        schema="inventory",
    )
    op.create_index(
        op.f("ix_inventory_transactions_reference_id"),
        "inventory_transactions",
        ["reference_id"],
        unique=False,
        schema="inventory",
    )
    op.create_table(
        "stock_adjustments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("inventory_item_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("adjustment_type", sa.Text(), nullable=False),
        sa.Column("quantity_expected", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("quantity_actual", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column(
            "quantity_difference",
            sa.Numeric(precision=12, scale=2),
            sa.Computed("quantity_actual - quantity_expected", persisted=True),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("requires_approval", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("adjustment_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("performed_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "adjustment_type IN ('COUNT', 'DAMAGE', 'LOSS', 'WRITE_OFF', 'CORRECTION', 'UNDO')",
            name=op.f("ck_stock_adjustments_adjustment_type_known"),
        ),
        sa.CheckConstraint("quantity_actual >= 0", name=op.f("ck_stock_adjustments_actual_positive")),
        sa.CheckConstraint("quantity_expected >= 0", name=op.f("ck_stock_adjustments_expected_positive")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["inventory.inventory_batches.id"], name=op.f("fk_stock_adjustments_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["inventory_item_id"],
            ["inventory.inventory_items.id"],
            name=op.f("fk_stock_adjustments_inventory_item_id"),
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["inventory.stock_adjustments.id"], name=op.f("fk_stock_adjustments_undoes_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_adjustments")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_stock_adjustments_undoes_id")),
        schema="inventory",
    )
    op.create_index(
        op.f("ix_stock_adjustments_batch_id"),
        "stock_adjustments",
        ["batch_id"],
        unique=False,
        schema="inventory",
    )
    op.create_index(
        op.f("ix_stock_adjustments_inventory_item_id_adjustment_date"),
        "stock_adjustments",
        ["inventory_item_id", "adjustment_date"],
        unique=False,
        schema="inventory",
    )

    for table in TABLES:
        guard(f"inventory.{table}")
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW inventory.{name} WITH (security_invoker = true) AS {query}")


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW inventory.{name}")
    for table in TABLES:
        op.drop_table(table, schema="inventory")
