"""Create schema audit: access_logs, changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1001"
down_revision = "20261121_1000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA audit")
    op.create_table(
        "access_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("ip_address", postgresql.INET(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("accessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("result IN ('ALLOWED', 'REFUSED')", name=op.f("ck_access_logs_result_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_logs")),
        schema="audit",
    )
    op.create_index(
        op.f("ix_access_logs_organization_id_accessed_at"),
        "access_logs",
        ["organization_id", "accessed_at"],
        unique=False,
        schema="audit",
    )
    op.create_index(
        op.f("ix_access_logs_organization_id_resource_type_resource_id"),
        "access_logs",
        ["organization_id", "resource_type", "resource_id"],
        unique=False,
        schema="audit",
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("old_values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("new_values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        schema="audit",
    )
    op.create_index(
        op.f("ix_changes_organization_id_changed_at"),
        "changes",
        ["organization_id", "changed_at"],
        unique=False,
        schema="audit",
    )
    op.create_index(
        op.f("ix_changes_organization_id_resource_type_resource_id"),
        "changes",
        ["organization_id", "resource_type", "resource_id"],
        unique=False,
        schema="audit",
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA audit CASCADE")
