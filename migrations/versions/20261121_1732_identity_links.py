"""Links that are sent to people (identity.links), and requests for them (identity.link_requests)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1732"
down_revision = "20261121_1731"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.CheckConstraint("purpose IN ('INVITE', 'RESET', 'VERIFY')", name=op.f("ck_links_purpose_known")),
        sa.ForeignKeyConstraint(["user_id"], ["identity.users.id"], name=op.f("fk_links_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_links_token_hash")),
        schema="identity",
    )
    op.create_index("ix_links_user_id_purpose", "links", ["user_id", "purpose"], schema="identity")
    op.create_index("ix_links_expires_at", "links", ["expires_at"], schema="identity")
    op.create_table(
        "link_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("ip_address", postgresql.INET(), nullable=True),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_requests")),
        schema="identity",
    )
    op.create_index(
        "ix_link_requests_ip_address_requested_at",
        "link_requests",
        ["ip_address", "requested_at"],
        schema="identity",
    )
    op.create_index(
        "ix_link_requests_user_id_requested_at",
        "link_requests",
        ["user_id", "requested_at"],
        schema="identity",
    )


def downgrade() -> None:
    op.drop_table("link_requests", schema="identity")
    op.drop_table("links", schema="identity")
