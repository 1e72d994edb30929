"""Create schema reports: daily_reports, runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1342"
down_revision = "20261121_1341"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA reports")
    op.create_table(
        "daily_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("outstanding", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("version > 0", name=op.f("ck_daily_reports_version_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daily_reports")),
        sa.UniqueConstraint(
            "facility_id", "day", "version", name=op.f("uq_daily_reports_facility_id_day_version")
        ),
        schema="reports",
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="PENDING", nullable=False),
        sa.Column("days_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("days_changed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("reason IN ('NIGHT', 'HAND')", name=op.f("ck_runs_reason_known")),
        sa.CheckConstraint(
            "state IN ('PENDING', 'RUNNING', 'DONE', 'FAILED')", name=op.f("ck_runs_state_known")
        ),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_runs_days_in_order")),
        sa.CheckConstraint(
            "days_done BETWEEN 0 AND last_day - first_day + 1", name=op.f("ck_runs_done_within_days")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        schema="reports",
    )
    op.create_index(
        "uq_runs_night",
        "runs",
        ["facility_id", "last_day"],
        unique=True,
        schema="reports",
        postgresql_where=sa.text("reason = 'NIGHT'"),
    )
    op.create_index(
        "ix_runs_open",
        "runs",
        ["due_at"],
        unique=False,
        schema="reports",
        postgresql_where=sa.text("state IN ('PENDING', 'RUNNING')"),
    )
    op.create_index(
        op.f("ix_runs_facility_id_created_at"),
        "runs",
        ["facility_id", "created_at"],
        unique=False,
        schema="reports",
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA reports CASCADE")
