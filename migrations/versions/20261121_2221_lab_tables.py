"""Create the laboratory: its hours, slots and what it heard, tests of orders, specimens and results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import guard

revision = "20261121_2221"
down_revision = "20261121_2211"
branch_labels = None
depends_on = None

TABLES = ("hours", "offers", "slots", "heard_orders", "lab_orders", "lab_specimens", "lab_results")


def upgrade() -> None:
    op.create_table(
        "heard_orders",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("answer", sa.Text(), server_default="ASKED", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("times_asked", sa.Integer(), server_default="1", nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "answer <> 'HELD' OR starts_at IS NOT NULL", name=op.f("ck_heard_orders_held_at_a_time")
        ),
        sa.CheckConstraint(
            "answer <> 'REFUSED' OR reason IS NOT NULL", name=op.f("ck_heard_orders_refused_for_a_reason")
        ),
        sa.CheckConstraint(
            "answer IN ('ASKED', 'HELD', 'REFUSED', 'RELEASED')", name=op.f("ck_heard_orders_answer_known")
        ),
        sa.CheckConstraint(
            "reason IN ('FULL', 'NOT_OFFERED', 'INACTIVE', 'CANCELLED')",
            name=op.f("ck_heard_orders_reason_known"),
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_heard_orders")),
        schema="lab",
    )
    op.create_table(
        "hours",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("starts_at", sa.Time(), nullable=False),
        sa.Column("ends_at", sa.Time(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_hours_starts_before_end")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_hours_weekday_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours")),
        sa.UniqueConstraint(
            "facility_id", "weekday", "starts_at", name=op.f("uq_hours_facility_id_weekday_starts_at")
        ),
        schema="lab",
    )
    op.create_table(
        "offers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("lab_test_id", sa.Uuid(), nullable=False),
        sa.Column("slot_minutes", sa.SmallInteger(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("is_offered", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("capacity BETWEEN 0 AND 1000", name=op.f("ck_offers_capacity_range")),
        sa.CheckConstraint("slot_minutes BETWEEN 5 AND 480", name=op.f("ck_offers_slot_minutes_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("facility_id", "lab_test_id", name=op.f("uq_offers_facility_id_lab_test_id")),
        schema="lab",
    )
    op.create_table(
        "slots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("lab_test_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slot_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("beyond", sa.Integer(), server_default="0", nullable=False),
        sa.Column("has_own_capacity", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("beyond >= 0", name=op.f("ck_slots_beyond_positive")),
        sa.CheckConstraint("capacity BETWEEN 0 AND 1000", name=op.f("ck_slots_capacity_range")),
        sa.CheckConstraint("taken BETWEEN 0 AND capacity + beyond", name=op.f("ck_slots_taken_fits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slots")),
        sa.UniqueConstraint(
            "facility_id", "lab_test_id", "starts_at", name=op.f("uq_slots_facility_id_lab_test_id_starts_at")
        ),
        schema="lab",
    )
    op.create_index(
        op.f("ix_slots_facility_id_starts_at"),
        "slots",
        ["facility_id", "starts_at"],
        unique=False,
        schema="lab",
    )
    op.create_table(
        "lab_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("lab_test_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("scheduled_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("priority", sa.Text(), server_default="ROUTINE", nullable=False),
        sa.Column("status", sa.Text(), server_default="SCHEDULED", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collected_by", sa.Uuid(), nullable=True),
        sa.Column("specimen_id", sa.Uuid(), nullable=True),
        sa.Column("resulted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resulted_by", sa.Uuid(), nullable=True),
        sa.Column("result_id", sa.Uuid(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "priority IN ('ROUTINE', 'URGENT', 'STAT')", name=op.f("ck_lab_orders_priority_known")
        ),
        sa.CheckConstraint(
            "status IN ('SCHEDULED', 'CANCELLED') OR collected_at IS NOT NULL",
            name=op.f("ck_lab_orders_taken_at_a_time"),
        ),
        sa.CheckConstraint(
            "status IN ('SCHEDULED', 'COLLECTED', 'RESULTED', 'VERIFIED', 'CANCELLED', 'FAILED')",
            name=op.f("ck_lab_orders_status_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('RESULTED', 'VERIFIED') OR result_id IS NOT NULL",
            name=op.f("ck_lab_orders_has_result"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["lab.heard_orders.order_id"], name=op.f("fk_lab_orders_order_id")
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["lab.slots.id"], name=op.f("fk_lab_orders_slot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_orders")),
        sa.UniqueConstraint("line_id", name=op.f("uq_lab_orders_line_id")),
        schema="lab",
    )
    op.create_index(
        "ix_lab_orders_day", "lab_orders", ["facility_id", "scheduled_time"], unique=False, schema="lab"
    )
    op.create_index(op.f("ix_lab_orders_order_id"), "lab_orders", ["order_id"], unique=False, schema="lab")
    op.create_index(
        op.f("ix_lab_orders_patient_id"), "lab_orders", ["patient_id"], unique=False, schema="lab"
    )
    op.create_index("ix_lab_orders_slot", "lab_orders", ["slot_id"], unique=False, schema="lab")
    op.create_index(
        "ix_lab_orders_visit",
        "lab_orders",
        ["visit_id"],
        unique=False,
        schema="lab",
        postgresql_where=sa.text("status = 'SCHEDULED'"),
    )
    op.create_table(
        "lab_results",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lab_order_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("value_number", sa.Numeric(precision=16, scale=6), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("reference_low", sa.Numeric(precision=16, scale=6), nullable=True),
        sa.Column("reference_high", sa.Numeric(precision=16, scale=6), nullable=True),
        sa.Column("reference_text", sa.Text(), nullable=True),
        sa.Column("flag", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "flag IN ('NORMAL', 'LOW', 'HIGH', 'CRITICAL_LOW', 'CRITICAL_HIGH', 'ABNORMAL')",
            name=op.f("ck_lab_results_flag_known"),
        ),
        sa.ForeignKeyConstraint(
            ["lab_order_id"], ["lab.lab_orders.id"], name=op.f("fk_lab_results_lab_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_results")),
        sa.UniqueConstraint("entry_id", "position", name=op.f("uq_lab_results_entry_id_position")),
        schema="lab",
    )
    op.create_index(
        op.f("ix_lab_results_lab_order_id"), "lab_results", ["lab_order_id"], unique=False, schema="lab"
    )
    op.create_table(
        "lab_specimens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("lab_order_id", sa.Uuid(), nullable=False),
        sa.Column("specimen_number", sa.Text(), nullable=False),
        sa.Column("specimen_type", sa.Text(), nullable=True),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collected_by", sa.Uuid(), nullable=True),
        sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["lab_order_id"], ["lab.lab_orders.id"], name=op.f("fk_lab_specimens_lab_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_specimens")),
        sa.UniqueConstraint(
            "organization_id",
            "specimen_number",
            name=op.f("uq_lab_specimens_organization_id_specimen_number"),
        ),
        schema="lab",
    )
    op.create_index(
        op.f("ix_lab_specimens_lab_order_id"), "lab_specimens", ["lab_order_id"], unique=False, schema="lab"
    )

    # security_invoker: a plain view runs with its owner's rights and would step around row-level security.
    op.execute(
        "CREATE VIEW lab.v_of_patients WITH (security_invoker = true) AS"
        " SELECT id, organization_id, patient_id FROM lab.lab_orders"
    )
    for table in TABLES:
        guard(f"lab.{table}")


def downgrade() -> None:
    op.execute("DROP VIEW lab.v_of_patients")
    for table in reversed(TABLES):
        op.drop_table(table, schema="lab")
