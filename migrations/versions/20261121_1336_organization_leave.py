"""Add when a person is away: leave, and sessions that are cancelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1336"
down_revision = "20261121_1335"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_leave",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('VACATION', 'SICK', 'TRAINING', 'OTHER', 'SESSION_CANCELLED')",
            name=op.f("ck_staff_leave_kind_known"),
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_staff_leave_starts_before_end")),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["organization.clinics.id"], name=op.f("fk_staff_leave_clinic_id")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["organization.staff.id"], name=op.f("fk_staff_leave_staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_leave")),
        schema="organization",
    )
    op.create_index(
        "ix_staff_leave_span",
        "staff_leave",
        ["staff_id", "starts_at"],
        unique=False,
        schema="organization",
        postgresql_where=sa.text("removed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("staff_leave", schema="organization")
