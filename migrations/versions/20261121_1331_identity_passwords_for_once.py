"""Let a password be for once (users.must_change_password), and two people edit a role one after the other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1331"
down_revision = "20261121_1330"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column("must_change_password", sa.Boolean(), server_default="false", nullable=False),
        schema="identity",
    )
    op.add_column(
        "roles", sa.Column("version", sa.Integer(), server_default="1", nullable=False), schema="identity"
    )


def downgrade() -> None:
    op.drop_column("roles", "version", schema="identity")
    op.drop_column("users", "must_change_password", schema="identity")
