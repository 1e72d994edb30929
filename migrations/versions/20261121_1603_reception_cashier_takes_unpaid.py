"""Let a cashier's line say whether unpaid visits join it by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1603"
down_revision = "20261121_1602"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "queues",
        sa.Column("takes_unpaid", sa.Boolean(), server_default="true", nullable=False),
        schema="reception",
    )


def downgrade() -> None:
    op.drop_column("queues", "takes_unpaid", schema="reception")
