"""Let the moves of an appointment say when it went over to another line with its visit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1602"
down_revision = "20261121_1601"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("visit_move_id", "from_clinic_id", "to_clinic_id"):
        op.add_column("appointment_moves", sa.Column(name, sa.Uuid(), nullable=True), schema="reception")
    op.create_foreign_key(
        op.f("fk_appointment_moves_visit_move_id"),
        "appointment_moves",
        "visit_moves",
        ["visit_move_id"],
        ["id"],
        source_schema="reception",
        referent_schema="reception",
    )
    op.create_unique_constraint(
        op.f("uq_appointment_moves_visit_move_id"),
        "appointment_moves",
        ["visit_move_id"],
        schema="reception",
    )
    op.create_check_constraint(
        op.f("ck_appointment_moves_clinics_of_visit_move"),
        "appointment_moves",
        "num_nulls(visit_move_id, from_clinic_id, to_clinic_id) IN (0, 3)",
        schema="reception",
    )


def downgrade() -> None:
    for name in ("visit_move_id", "from_clinic_id", "to_clinic_id"):
        op.drop_column("appointment_moves", name, schema="reception")
