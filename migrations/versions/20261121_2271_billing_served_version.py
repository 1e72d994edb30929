"""A bill says which of the pharmacy's words about what the patient has is the last that was heard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_2271"
down_revision = "20261121_2269"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "invoices",
        sa.Column("served_version", sa.Integer(), server_default="0", nullable=False),
        schema="billing",
    )


def downgrade() -> None:
    op.drop_column("invoices", "served_version", schema="billing")
