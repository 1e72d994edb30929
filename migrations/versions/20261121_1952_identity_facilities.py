"""At which facilities a person may work (identity.user_facilities), and why a right was given or taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import guard

revision = "20261121_1952"
down_revision = "20261121_1951"
branch_labels = None
depends_on = None

PLACE = "fk_users_id_facility_id_organization_id"


def upgrade() -> None:
    op.create_table(
        "user_facilities",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["identity.users.id"], name=op.f("fk_user_facilities_user_id")),
        sa.PrimaryKeyConstraint("user_id", "facility_id", "organization_id", name=op.f("pk_user_facilities")),
        schema="identity",
    )
    guard("identity.user_facilities")
    op.execute(
        """
        INSERT INTO identity.user_facilities (user_id, facility_id, organization_id)
        SELECT id, facility_id, organization_id FROM identity.users WHERE facility_id IS NOT NULL
        """
    )
    op.create_foreign_key(
        PLACE,
        "users",
        "user_facilities",
        ["id", "facility_id", "organization_id"],
        ["user_id", "facility_id", "organization_id"],
        source_schema="identity",
        referent_schema="identity",
        deferrable=True,
        initially="DEFERRED",
    )
    op.add_column("user_permissions", sa.Column("reason", sa.Text(), nullable=True), schema="identity")


def downgrade() -> None:
    op.drop_column("user_permissions", "reason", schema="identity")
    op.drop_constraint(PLACE, "users", schema="identity")
    op.drop_table("user_facilities", schema="identity")
