"""Indexes of the lists: of a facility's visits and appointments, of an organization's patients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1340"
down_revision = "20261121_1339"
branch_labels = None
depends_on = None


def upgrade() -> None:
    happened = sa.text("COALESCE(check_in_time, scheduled_time, created_at)")
    op.create_index(
        "ix_visits_list", "visits", ["facility_id", "queue_day", happened, "id"], schema="reception"
    )
    op.create_index(
        "ix_visits_by_state", "visits", ["facility_id", "status", "queue_day"], schema="reception"
    )
    op.create_index(
        "ix_appointments_list", "appointments", ["facility_id", "start_time", "id"], schema="reception"
    )
    op.create_index(
        "ix_appointments_booked", "appointments", ["facility_id", "created_at", "id"], schema="reception"
    )
    on_the_books = sa.text("deleted_at IS NULL")
    op.create_index(
        "ix_patients_by_name",
        "patients",
        ["organization_id", "search_name", "id"],
        schema="patients",
        postgresql_where=on_the_books,
    )
    op.create_index(
        "ix_patients_by_birth",
        "patients",
        ["organization_id", sa.text("COALESCE(date_of_birth, '0001-01-01'::date)"), "id"],
        schema="patients",
        postgresql_where=on_the_books,
    )


def downgrade() -> None:
    for schema, name in (
        ("patients", "ix_patients_by_birth"),
        ("patients", "ix_patients_by_name"),
        ("reception", "ix_appointments_booked"),
        ("reception", "ix_appointments_list"),
        ("reception", "ix_visits_by_state"),
        ("reception", "ix_visits_list"),
    ):
        op.drop_index(name, schema=schema)
