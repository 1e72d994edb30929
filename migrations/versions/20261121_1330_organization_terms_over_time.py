"""Keep what services cost and how money was shared: service_terms, staff_shares; whether a centre is being set up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1330"
down_revision = "20261121_1320"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organizations",
        sa.Column("is_being_set_up", sa.Boolean(), server_default="false", nullable=False),
        schema="organization",
    )
    op.add_column(
        "staff",
        sa.Column("share_rule_version", sa.Integer(), server_default="1", nullable=False),
        schema="organization",
    )
    op.create_table(
        "service_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("price", sa.Numeric(precision=10, scale=4), nullable=False),
        sa.Column("share_percent", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("share_rule_version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_id"], ["organization.services.id"], name=op.f("fk_service_terms_service_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_terms")),
        schema="organization",
    )
    op.create_index(
        op.f("ix_service_terms_service_id_valid_from"),
        "service_terms",
        ["service_id", "valid_from"],
        schema="organization",
    )
    op.create_table(
        "staff_shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("share_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("share_rule_version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["organization.staff.id"], name=op.f("fk_staff_shares_staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_shares")),
        schema="organization",
    )
    op.create_index(
        op.f("ix_staff_shares_staff_id_valid_from"),
        "staff_shares",
        ["staff_id", "valid_from"],
        schema="organization",
    )
    # What stands now stood since the row was made: nothing could change it before.
    op.execute(
        "INSERT INTO organization.service_terms"
        " SELECT gen_random_uuid(), organization_id, id, price, share_percent, share_rule_version, created_at, created_by"
        "   FROM organization.services"
    )
    op.execute(
        "INSERT INTO organization.staff_shares"
        " SELECT gen_random_uuid(), organization_id, id, share_percent, share_rule_version, created_at, created_by"
        "   FROM organization.staff WHERE share_percent > 0"
    )


def downgrade() -> None:
    op.drop_table("staff_shares", schema="organization")
    op.drop_table("service_terms", schema="organization")
    op.drop_column("staff", "share_rule_version", schema="organization")
    op.drop_column("organizations", "is_being_set_up", schema="organization")
