"""The lists of any time: whatever they are narrowed by and ordered by, an index has it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1605"
down_revision = "20261121_1604"
branch_labels = None
depends_on = None

VISITS = {
    "ix_visits_by_ticket": ["facility_id", "ticket"],
    "ix_visits_of_service": ["facility_id", "service_id", "queue_day"],
    "ix_visits_of_attending": ["attending_id", "queue_day"],
}
APPOINTMENTS = {
    "ix_appointments_by_state": ["facility_id", "status", "start_time", "id"],
    "ix_appointments_of_service": ["facility_id", "service_id", "start_time", "id"],
    "ix_appointments_by_source": ["facility_id", "booking_source", "start_time", "id"],
}


def upgrade() -> None:
    for table, indexes in (("visits", VISITS), ("appointments", APPOINTMENTS)):
        for name, columns in indexes.items():
            op.create_index(name, table, columns, schema="reception")
    op.create_index(
        "ix_patients_by_registration",
        "patients",
        ["organization_id", sa.text("COALESCE(created_at, '-infinity'::timestamptz)"), "id"],
        schema="patients",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    # An import registers thousands in the same moment: a planner that knew would think that hardly any comes
    # after one of those, read all of them and sort.
    op.execute("ALTER INDEX patients.ix_patients_by_registration ALTER COLUMN 2 SET STATISTICS 0")
    op.drop_index("ix_patients_organization_id_created_at", schema="patients")


def downgrade() -> None:
    op.create_index(
        "ix_patients_organization_id_created_at",
        "patients",
        ["organization_id", "created_at"],
        schema="patients",
    )
    op.drop_index("ix_patients_by_registration", schema="patients")
    for name in (*APPOINTMENTS, *VISITS):
        op.drop_index(name, schema="reception")
