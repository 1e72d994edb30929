"""Keep what the pharmacy holds for prescriptions, and what it hands over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import guard

revision = "20261121_2211"
down_revision = "20261121_2210"
branch_labels = None
depends_on = None

TABLES = ("heard_visits", "prescription_orders", "reservations", "dispensings", "dispensing_lines")
OF_PATIENTS = """
    CREATE VIEW pharmacy.v_of_patients WITH (security_invoker = true) AS
    SELECT order_id AS id, organization_id, patient_id FROM pharmacy.prescription_orders
     UNION ALL
    SELECT id, organization_id, patient_id FROM pharmacy.dispensings
"""


def upgrade() -> None:
    op.create_table(
        "heard_visits",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("has_prescription", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_heard_visits")),
        schema="pharmacy",
    )
    op.create_table(
        "prescription_orders",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=True),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("priority", sa.Text(), server_default="ROUTINE", nullable=False),
        sa.Column("priority_rank", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("failed_line_id", sa.Uuid(), nullable=True),
        sa.Column("available", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "cancelled_at IS NULL OR status <> 'RESERVED'",
            name=op.f("ck_prescription_orders_cancelled_holds_nothing"),
        ),
        sa.CheckConstraint(
            "priority IN ('STAT', 'URGENT', 'ROUTINE')", name=op.f("ck_prescription_orders_priority_known")
        ),
        sa.CheckConstraint(
            "reason IN ('SHORT', 'NOT_STOCKED', 'INACTIVE', 'CANCELLED')",
            name=op.f("ck_prescription_orders_reason_known"),
        ),
        sa.CheckConstraint(
            "status <> 'FAILED' OR reason IS NOT NULL",
            name=op.f("ck_prescription_orders_failed_for_a_reason"),
        ),
        sa.CheckConstraint(
            "status <> 'RESERVED' OR expires_at IS NOT NULL",
            name=op.f("ck_prescription_orders_promised_until"),
        ),
        sa.CheckConstraint(
            "status IN ('RESERVED', 'DISPENSED', 'RELEASED', 'FAILED', 'EXPIRED')",
            name=op.f("ck_prescription_orders_status_known"),
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_prescription_orders")),
        schema="pharmacy",
    )
    op.create_index(
        "ix_prescription_orders_closed",
        "prescription_orders",
        ["facility_id", "closed_at"],
        unique=False,
        schema="pharmacy",
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_prescription_orders_due",
        "prescription_orders",
        ["expires_at"],
        unique=False,
        schema="pharmacy",
        postgresql_where=sa.text("status = 'RESERVED'"),
    )
    op.create_index(
        op.f("ix_prescription_orders_patient_id"),
        "prescription_orders",
        ["patient_id"],
        unique=False,
        schema="pharmacy",
    )
    op.create_index(
        op.f("ix_prescription_orders_visit_id"),
        "prescription_orders",
        ["visit_id"],
        unique=False,
        schema="pharmacy",
    )
    op.create_index(
        "ix_prescription_orders_worklist",
        "prescription_orders",
        ["facility_id", sa.literal_column("priority_rank DESC"), "reserved_at"],
        unique=False,
        schema="pharmacy",
        postgresql_where=sa.text("status = 'RESERVED'"),
    )
    op.create_table(
        "dispensings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("dispensed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dispensed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'PUT_BACK') = (undoes_id IS NOT NULL)", name=op.f("ck_dispensings_put_back_of_something")
        ),
        sa.CheckConstraint("kind IN ('HANDED_OVER', 'PUT_BACK')", name=op.f("ck_dispensings_kind_known")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["pharmacy.prescription_orders.order_id"], name=op.f("fk_dispensings_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["pharmacy.dispensings.id"], name=op.f("fk_dispensings_undoes_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispensings")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_dispensings_undoes_id")),
        schema="pharmacy",
    )
    op.create_index(
        "ix_dispensings_day", "dispensings", ["facility_id", "dispensed_at"], unique=False, schema="pharmacy"
    )
    op.create_index(
        op.f("ix_dispensings_order_id"), "dispensings", ["order_id"], unique=False, schema="pharmacy"
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("medication_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("batch_number", sa.Text(), nullable=True),
        sa.Column("expiration_date", sa.Date(), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column(
            "dispensed_quantity", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False
        ),
        sa.Column("unit_cost", sa.Numeric(precision=10, scale=4), nullable=True),
        sa.Column("status", sa.Text(), server_default="RESERVED", nullable=False),
        sa.Column("priority", sa.Text(), server_default="ROUTINE", nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(status = 'DISPENSED') = (dispensed_quantity = quantity)",
            name=op.f("ck_reservations_dispensed_is_whole"),
        ),
        sa.CheckConstraint(
            "status IN ('RESERVED', 'DISPENSED', 'RELEASED', 'EXPIRED')",
            name=op.f("ck_reservations_status_known"),
        ),
        sa.CheckConstraint(
            "dispensed_quantity BETWEEN 0 AND quantity", name=op.f("ck_reservations_dispensed_within")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["pharmacy.prescription_orders.order_id"], name=op.f("fk_reservations_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        schema="pharmacy",
    )
    op.create_index(
        op.f("ix_reservations_order_id"), "reservations", ["order_id"], unique=False, schema="pharmacy"
    )
    op.create_index(
        "ix_reservations_held",
        "reservations",
        ["batch_id"],
        unique=False,
        schema="pharmacy",
        postgresql_where=sa.text("status = 'RESERVED'"),
    )
    op.create_table(
        "dispensing_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("dispensing_id", sa.Uuid(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("medication_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_dispensing_lines_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["dispensing_id"], ["pharmacy.dispensings.id"], name=op.f("fk_dispensing_lines_dispensing_id")
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["pharmacy.reservations.id"], name=op.f("fk_dispensing_lines_reservation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispensing_lines")),
        sa.UniqueConstraint(
            "dispensing_id", "reservation_id", name=op.f("uq_dispensing_lines_dispensing_id_reservation_id")
        ),
        schema="pharmacy",
    )
    op.create_index(
        op.f("ix_dispensing_lines_reservation_id"),
        "dispensing_lines",
        ["reservation_id"],
        unique=False,
        schema="pharmacy",
    )
    for table in TABLES:
        guard(f"pharmacy.{table}")
    op.execute(OF_PATIENTS)


def downgrade() -> None:
    op.execute("DROP VIEW pharmacy.v_of_patients")
    for table in reversed(TABLES):
        op.drop_table(table, schema="pharmacy")
