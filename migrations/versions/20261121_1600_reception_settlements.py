"""Add what becomes of the appointments of a doctor who is away, settled by a worker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1600"
down_revision = "20261121_1342"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settlements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=True),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("items_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="PENDING", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('PENDING', 'RUNNING', 'DONE', 'FAILED')", name=op.f("ck_settlements_state_known")
        ),
        sa.CheckConstraint(
            "items > 0 AND items_done BETWEEN 0 AND items", name=op.f("ck_settlements_done_within_items")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_settlements_starts_before_end")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlements")),
        schema="reception",
    )
    op.create_index(
        "ix_settlements_open",
        "settlements",
        ["due_at"],
        unique=False,
        schema="reception",
        postgresql_where=sa.text("state IN ('PENDING', 'RUNNING')"),
    )
    op.create_index(
        op.f("ix_settlements_doctor_id_created_at"),
        "settlements",
        ["doctor_id", "created_at"],
        unique=False,
        schema="reception",
    )
    _items()


def _items() -> None:
    op.create_table(
        "settlement_items",
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_doctor_id", sa.Uuid(), nullable=True),
        sa.Column("to_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="WAITS", nullable=False),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("refusal_values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('WAITS', 'MOVED', 'CANCELLED', 'REFUSED')",
            name=op.f("ck_settlement_items_state_known"),
        ),
        sa.CheckConstraint(
            "(to_doctor_id IS NULL) = (to_start IS NULL)",
            name=op.f("ck_settlement_items_another_time_or_none"),
        ),
        sa.CheckConstraint(
            "(state = 'REFUSED') = (refusal IS NOT NULL)",
            name=op.f("ck_settlement_items_refused_with_sentence"),
        ),
        sa.CheckConstraint(
            "(state = 'WAITS') = (settled_at IS NULL)", name=op.f("ck_settlement_items_settled_at_a_time")
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"],
            ["reception.settlements.id"],
            name=op.f("fk_settlement_items_settlement_id"),
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["reception.appointments.id"],
            name=op.f("fk_settlement_items_appointment_id"),
        ),
        sa.PrimaryKeyConstraint("settlement_id", "place", name=op.f("pk_settlement_items")),
        schema="reception",
    )


def downgrade() -> None:
    op.drop_table("settlement_items", schema="reception")
    op.drop_table("settlements", schema="reception")
