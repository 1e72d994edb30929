"""A bill of an order says in which visit it was ordered: they are paid together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_2269"
down_revision = "20261121_2261"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("invoices", sa.Column("of_visit_id", sa.Uuid(), nullable=True), schema="billing")
    op.execute("UPDATE billing.invoices SET of_visit_id = visit_id WHERE visit_id IS NOT NULL")
    op.create_index("ix_invoices_of_visit_id", "invoices", ["of_visit_id"], unique=False, schema="billing")


def downgrade() -> None:
    op.drop_index("ix_invoices_of_visit_id", table_name="invoices", schema="billing")
    op.drop_column("invoices", "of_visit_id", schema="billing")
