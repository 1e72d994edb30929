"""Indexes of visits hold only what is there, and a delivery does not look its event up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122_1000"
down_revision = "20261121_2272"
branch_labels = None
depends_on = None

APPOINTMENT, EXTERNAL = "uq_visits_appointment_id", "uq_visits_organization_id_external_id"
ATTENDING, QUEUE_DAY = "ix_visits_of_attending", "ix_visits_queue_day"
EVENT = "fk_deliveries_event_id"
HERE = {"schema": "reception"}


def upgrade() -> None:
    op.drop_constraint(APPOINTMENT, "visits", **HERE)
    op.drop_constraint(EXTERNAL, "visits", **HERE)
    op.drop_index(ATTENDING, "visits", **HERE)
    op.drop_index(QUEUE_DAY, "visits", **HERE)
    _index(APPOINTMENT, ["appointment_id"], there="appointment_id", unique=True)
    _index(EXTERNAL, ["organization_id", "external_id"], there="external_id", unique=True)
    _index(ATTENDING, ["attending_id", "queue_day"], there="attending_id")
    op.drop_constraint(EVENT, "deliveries", schema="kernel")


def downgrade() -> None:
    op.create_foreign_key(
        EVENT,
        "deliveries",
        "domain_events",
        ["event_id"],
        ["id"],
        source_schema="kernel",
        referent_schema="kernel",
    )
    for name in (APPOINTMENT, EXTERNAL, ATTENDING):
        op.drop_index(name, "visits", **HERE)
    op.create_index(QUEUE_DAY, "visits", ["queue_id", "queue_day", "status"], **HERE)
    op.create_index(ATTENDING, "visits", ["attending_id", "queue_day"], **HERE)
    op.create_unique_constraint(EXTERNAL, "visits", ["organization_id", "external_id"], **HERE)
    op.create_unique_constraint(APPOINTMENT, "visits", ["appointment_id"], **HERE)


def _index(name: str, columns: list[str], *, there: str, unique: bool = False) -> None:
    op.create_index(
        name, "visits", columns, unique=unique, postgresql_where=sa.text(f"{there} IS NOT NULL"), **HERE
    )
