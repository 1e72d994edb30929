"""Create schema setup: the key that opens the first-run wizard, once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1332"
down_revision = "20261121_1331"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA setup")
    op.create_table(
        "keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        schema="setup",
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA setup CASCADE")
