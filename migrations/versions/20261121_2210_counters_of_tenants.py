"""Counters and notes of what was told say whose they are: a wall that looks a parent up costs each ticket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import guard, guard_by, open_up

revision = "20261121_2210"
down_revision = "20261121_2201"
branch_labels = None
depends_on = None

PARENTS = {
    "reception.queue_days": ("reception.queues", "queue_id"),
    "reception.delays_told": ("reception.queues", "queue_id"),
    "reception.next_told": ("reception.visits", "visit_id"),
    "payments.receipt_counters": ("organization.facilities", "facility_id"),
}


def upgrade() -> None:
    for table, (parent, key) in PARENTS.items():
        schema, name = table.split(".")
        op.add_column(name, sa.Column("organization_id", sa.Uuid(), nullable=True), schema=schema)
        op.execute(
            f"UPDATE {table} t SET organization_id = p.organization_id FROM {parent} p WHERE p.id = t.{key}"
        )
        op.alter_column(name, "organization_id", nullable=False, schema=schema)
        open_up(table)
        guard(table)


def downgrade() -> None:
    for table, (parent, key) in PARENTS.items():
        schema, name = table.split(".")
        open_up(table)
        op.drop_column(name, "organization_id", schema=schema)
        guard_by(table, parent, f"parent.id = {key}")
