"""What is handed over of an order that is not billed yet is kept for its bill."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_2272"
down_revision = "20261121_2271"
branch_labels = None
depends_on = None

TABLE = "billing_records"
CHECK = op.f("ck_billing_records_served")


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("served", sa.Text(), nullable=True), schema="billing")
    op.add_column(
        TABLE, sa.Column("served_version", sa.Integer(), server_default="0", nullable=False), schema="billing"
    )
    op.create_check_constraint(CHECK, TABLE, "served IN ('PART', 'WHOLE')", schema="billing")


def downgrade() -> None:
    op.drop_constraint(CHECK, TABLE, schema="billing")
    op.drop_column(TABLE, "served_version", schema="billing")
    op.drop_column(TABLE, "served", schema="billing")
