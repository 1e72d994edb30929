"""What is released of an order before it is billed is kept for its bill."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122_1010"
down_revision = "20261122_1000"
branch_labels = None
depends_on = None

TABLE, COLUMN = "billing_records", "released_reason"
CHECK = op.f("ck_billing_records_released_reason_known")
REASONS = "('STOCK_RELEASED', 'RESERVATION_EXPIRED', 'LAB_RELEASED')"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column(COLUMN, sa.Text(), nullable=True), schema="billing")
    op.create_check_constraint(CHECK, TABLE, f"{COLUMN} IN {REASONS}", schema="billing")


def downgrade() -> None:
    op.drop_constraint(CHECK, TABLE, schema="billing")
    op.drop_column(TABLE, COLUMN, schema="billing")
