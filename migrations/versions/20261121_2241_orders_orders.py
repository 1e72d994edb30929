"""Create orders, their lines, the steps of their sagas and their history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.walls import guard

revision = "20261121_2241"
down_revision = "20261121_2231"
branch_labels = None
depends_on = None

TABLES = ("orders.orders", "orders.order_items", "orders.order_steps", "orders.order_events")


def upgrade() -> None:
    _orders()
    _parts_of_orders()
    for table in TABLES:
        guard(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table} CASCADE")


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("preferred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("retry_of", sa.Uuid(), nullable=True),
        sa.Column("ends_as", sa.Text(), nullable=True),
        sa.Column("failed_step", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("undoing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("ends_as IN ('FAILED', 'CANCELLED')", name=op.f("ck_orders_ends_as_known")),
        sa.CheckConstraint(
            "failed_step IN ('RESERVE', 'BILL', 'NOTIFY')", name=op.f("ck_orders_failed_step_known")
        ),
        sa.CheckConstraint("order_type IN ('PRESCRIPTION', 'LAB')", name=op.f("ck_orders_order_type_known")),
        sa.CheckConstraint(
            "priority IN ('ROUTINE', 'URGENT', 'STAT')", name=op.f("ck_orders_priority_known")
        ),
        sa.CheckConstraint(
            "status IN ('CREATED', 'FULFILLING', 'BILLED', 'COMPLETED', 'COMPENSATING', 'FAILED', 'CANCELLED', 'NEEDS_HUMAN')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('COMPENSATING', 'NEEDS_HUMAN', 'FAILED', 'CANCELLED') OR (ends_as IS NOT NULL AND undoing_since IS NOT NULL)",
            name=op.f("ck_orders_undone_for_a_reason"),
        ),
        sa.ForeignKeyConstraint(["retry_of"], ["orders.orders.id"], name=op.f("fk_orders_retry_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("order_number", name=op.f("uq_orders_order_number")),
        schema="orders",
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_orders_by_state",
        "orders",
        ["facility_id", "status", "created_at", "id"],
        unique=False,
        schema="orders",
    )
    op.create_index(
        "ix_orders_list", "orders", ["facility_id", "created_at", "id"], unique=False, schema="orders"
    )
    op.create_index(
        "ix_orders_look_at",
        "orders",
        ["organization_id", "look_at"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_of_doctor", "orders", ["doctor_id", "created_at"], unique=False, schema="orders"
    )
    op.create_index(
        "ix_orders_of_patient", "orders", ["patient_id", "created_at"], unique=False, schema="orders"
    )
    op.create_index("ix_orders_of_visit", "orders", ["visit_id"], unique=False, schema="orders")
    op.create_index(
        "uq_orders_retry_of",
        "orders",
        ["retry_of"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("retry_of IS NOT NULL"),
    )


def _parts_of_orders() -> None:
    op.create_table(
        "order_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence_number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.orders.id"], name=op.f("fk_order_events_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
        sa.UniqueConstraint("sequence_number", name=op.f("uq_order_events_sequence_number")),
        schema="orders",
    )
    op.create_index(
        op.f("ix_order_events_order_id_sequence_number"),
        "order_events",
        ["order_id", "sequence_number"],
        unique=False,
        schema="orders",
    )
    op.create_table(
        "order_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_number", sa.SmallInteger(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("directions", sa.Text(), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_items_quantity_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.orders.id"], name=op.f("fk_order_items_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_items")),
        sa.UniqueConstraint("order_id", "line_number", name=op.f("uq_order_items_order_id_line_number")),
        schema="orders",
    )
    op.create_index(op.f("ix_order_items_item_id"), "order_items", ["item_id"], unique=False, schema="orders")
    op.create_table(
        "order_steps",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times_asked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("undo_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_undo_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times_undo_asked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "state IN ('WAITING', 'ASKED', 'DONE', 'FAILED', 'UNDOING', 'UNDONE', 'SKIPPED')",
            name=op.f("ck_order_steps_state_known"),
        ),
        sa.CheckConstraint("step IN ('RESERVE', 'BILL', 'NOTIFY')", name=op.f("ck_order_steps_step_known")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.orders.id"], name=op.f("fk_order_steps_order_id")),
        sa.PrimaryKeyConstraint("order_id", "step", name=op.f("pk_order_steps")),
        schema="orders",
        postgresql_with={"fillfactor": 70},
    )
