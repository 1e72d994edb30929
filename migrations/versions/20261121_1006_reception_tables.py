"""Create schema reception: appointments, displays, processed_events, queues, queue_days, queue_numbers, visits, visit_transitions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1006"
down_revision = "20261121_1005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("CREATE SCHEMA reception")
    op.create_table(
        "appointments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Text(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), server_default="CONFIRMED", nullable=False),
        sa.Column("booking_source", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("is_overbooking", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("overbooking_reason", sa.Text(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("doctor_id"), "="),
            (sa.text("tstzrange(start_time, end_time)"), "&&"),
            where=sa.text("status IN ('CONFIRMED', 'CHECKED_IN') AND NOT is_overbooking"),
            using="gist",
            name="ex_appointments_no_overlap",
        ),
        sa.CheckConstraint(
            "booking_source IN ('PHONE', 'WALK_IN', 'ONLINE', 'SYSTEM')",
            name=op.f("ck_appointments_booking_source_known"),
        ),
        sa.CheckConstraint(
            "status IN ('CONFIRMED', 'CHECKED_IN', 'COMPLETED', 'CANCELLED', 'NO_SHOW')",
            name=op.f("ck_appointments_status_known"),
        ),
        sa.CheckConstraint(
            "NOT is_overbooking OR overbooking_reason IS NOT NULL",
            name=op.f("ck_appointments_overbooking_has_reason"),
        ),
        sa.CheckConstraint("start_time < end_time", name=op.f("ck_appointments_starts_before_end")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
        sa.UniqueConstraint(
            "organization_id", "booking_id", name=op.f("uq_appointments_organization_id_booking_id")
        ),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f("uq_appointments_organization_id_external_id")
        ),
        schema="reception",
    )
    op.create_index(
        "idx_appointment_booking_id", "appointments", ["booking_id"], unique=False, schema="reception"
    )
    op.create_index(
        "idx_appointment_clinic_date",
        "appointments",
        ["clinic_id", "start_time"],
        unique=False,
        schema="reception",
    )
    op.create_index(
        "idx_appointment_doctor_date",
        "appointments",
        ["doctor_id", "start_time"],
        unique=False,
        schema="reception",
    )
    op.create_index(
        "idx_appointment_patient_date",
        "appointments",
        ["patient_id", "start_time"],
        unique=False,
        schema="reception",
    )
    op.create_index(
        "idx_appointment_status_date",
        "appointments",
        ["status", "start_time"],
        unique=False,
        schema="reception",
    )
    op.create_table(
        "displays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("queue_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), server_default="en", nullable=False),
        sa.Column("theme", sa.Text(), server_default="light", nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("pairing_code", sa.Text(), nullable=True),
        sa.Column("code_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paired_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("language IN ('en', 'ar')", name=op.f("ck_displays_language_known")),
        sa.CheckConstraint("theme IN ('auto', 'light', 'dark')", name=op.f("ck_displays_theme_known")),
        sa.CheckConstraint(
            "paired_at IS NULL OR (organization_id IS NOT NULL AND queue_id IS NOT NULL)",
            name=op.f("ck_displays_paired_to_a_queue"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_displays")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_displays_token_hash")),
        schema="reception",
    )
    op.create_index(
        "uq_displays_open_code",
        "displays",
        ["pairing_code"],
        unique=True,
        schema="reception",
        postgresql_where=sa.text("pairing_code IS NOT NULL"),
    )
    op.create_table(
        "processed_events",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column(
            "processed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("event_id", "consumer", name=op.f("pk_processed_events")),
        schema="reception",
    )
    op.create_table(
        "queues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), server_default="CLINIC", nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), server_default="APPOINTMENT_TIME", nullable=False),
        sa.Column("draw_at", sa.Text(), server_default="BOOKING", nullable=False),
        sa.Column("privacy", sa.Text(), server_default="NUMBER", nullable=False),
        sa.Column("wait_target_minutes", sa.Integer(), server_default="30", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("draw_at IN ('BOOKING', 'CHECK_IN')", name=op.f("ck_queues_draw_at_known")),
        sa.CheckConstraint(
            "kind IN ('CLINIC', 'CASHIER', 'PHARMACY', 'LAB')", name=op.f("ck_queues_kind_known")
        ),
        sa.CheckConstraint(
            "policy IN ('NUMBER', 'APPOINTMENT_TIME', 'PRIORITY_THEN_NUMBER')",
            name=op.f("ck_queues_policy_known"),
        ),
        sa.CheckConstraint("privacy IN ('NUMBER', 'INITIALS', 'NAME')", name=op.f("ck_queues_privacy_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queues")),
        sa.UniqueConstraint("facility_id", "prefix", name=op.f("uq_queues_facility_id_prefix")),
        schema="reception",
    )
    op.create_index(
        "uq_queues_clinic",
        "queues",
        ["clinic_id"],
        unique=True,
        schema="reception",
        postgresql_where=sa.text("kind = 'CLINIC'"),
    )
    op.create_table(
        "queue_days",
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_number >= 0", name=op.f("ck_queue_days_last_number_positive")),
        sa.ForeignKeyConstraint(["queue_id"], ["reception.queues.id"], name=op.f("fk_queue_days_queue_id")),
        sa.PrimaryKeyConstraint("queue_id", "day", name=op.f("pk_queue_days")),
        schema="reception",
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "queue_numbers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), server_default="ISSUED", nullable=False),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state <> 'VOID' OR void_reason IS NOT NULL", name=op.f("ck_queue_numbers_void_has_reason")
        ),
        sa.CheckConstraint(
            "state IN ('ISSUED', 'VOID', 'RESERVED')", name=op.f("ck_queue_numbers_state_known")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_queue_numbers_number_positive")),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["reception.queues.id"], name=op.f("fk_queue_numbers_queue_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_numbers")),
        sa.UniqueConstraint("queue_id", "day", "number", name=op.f("uq_queue_numbers_queue_id_day_number")),
        schema="reception",
    )
    op.create_index(
        op.f("ix_queue_numbers_visit_id"), "queue_numbers", ["visit_id"], unique=False, schema="reception"
    )
    op.create_table(
        "visits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("attending_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("queue_day", sa.Date(), nullable=False),
        sa.Column("queue_number", sa.Integer(), nullable=True),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column("scheduled_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_in_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times_called", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=True),
        sa.Column("priority_rank", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("priority_reason", sa.Text(), nullable=True),
        sa.Column("priority_by", sa.Uuid(), nullable=True),
        sa.Column("priority_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visit_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "priority IN ('EMERGENCY', 'DISABLED', 'PREGNANT', 'ELDERLY', 'CHILD', 'STAFF_DECISION')",
            name=op.f("ck_visits_priority_known"),
        ),
        sa.CheckConstraint(
            "status IN ('SCHEDULED', 'WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD', 'PENDING_PAYMENT', 'COMPLETED', 'NO_SHOW', 'CANCELLED')",
            name=op.f("ck_visits_status_known"),
        ),
        sa.CheckConstraint("visit_type IN ('SCHEDULED', 'WALK_IN')", name=op.f("ck_visits_visit_type_known")),
        sa.CheckConstraint(
            "priority IS NULL OR priority_reason IS NOT NULL", name=op.f("ck_visits_priority_has_reason")
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["reception.appointments.id"], name=op.f("fk_visits_appointment_id")
        ),
        sa.ForeignKeyConstraint(["queue_id"], ["reception.queues.id"], name=op.f("fk_visits_queue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
        sa.UniqueConstraint("appointment_id", name=op.f("uq_visits_appointment_id")),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f("uq_visits_organization_id_external_id")
        ),
        sa.UniqueConstraint(
            "queue_id", "queue_day", "queue_number", name=op.f("uq_visits_queue_id_queue_day_queue_number")
        ),
        schema="reception",
        postgresql_with={"autovacuum_vacuum_scale_factor": 0.02},
    )
    op.create_index(
        "idx_visit_clinic_status_date",
        "visits",
        ["clinic_id", "status", "queue_day"],
        unique=False,
        schema="reception",
    )
    op.create_index(
        "idx_visit_doctor_status", "visits", ["doctor_id", "status"], unique=False, schema="reception"
    )
    op.create_index(
        "idx_visit_patient_date", "visits", ["patient_id", "queue_day"], unique=False, schema="reception"
    )
    op.create_index(
        "ix_visits_line",
        "visits",
        ["queue_id", "queue_day", "priority_rank", "queue_number"],
        unique=False,
        schema="reception",
        postgresql_where=sa.text("status = 'WAITING'"),
    )
    op.create_index(
        "ix_visits_queue_day", "visits", ["queue_id", "queue_day", "status"], unique=False, schema="reception"
    )
    op.create_index(
        "uq_visits_one_presence",
        "visits",
        ["queue_id", "queue_day", "patient_id"],
        unique=True,
        schema="reception",
        postgresql_where=sa.text("status IN ('WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD')"),
    )
    op.create_index(
        "uq_visits_one_with_the_doctor",
        "visits",
        ["attending_id"],
        unique=True,
        schema="reception",
        postgresql_where=sa.text("status IN ('CALLED', 'IN_PROGRESS')"),
    )
    op.create_table(
        "visit_transitions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence_number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("finished_visit_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["finished_visit_id"],
            ["reception.visits.id"],
            name=op.f("fk_visit_transitions_finished_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["reception.visits.id"], name=op.f("fk_visit_transitions_visit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_transitions")),
        sa.UniqueConstraint("sequence_number", name=op.f("uq_visit_transitions_sequence_number")),
        schema="reception",
    )
    op.create_index(
        op.f("ix_visit_transitions_visit_id_sequence_number"),
        "visit_transitions",
        ["visit_id", "sequence_number"],
        unique=False,
        schema="reception",
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA reception CASCADE")
