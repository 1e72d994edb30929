"""Add the moves of appointments, the waiting list and its offers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1337"
down_revision = "20261121_1336"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _appointment_moves()
    _waiting_entries()
    _waiting_offers()


def _appointment_moves() -> None:
    op.create_table(
        "appointment_moves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence_number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("from_doctor_id", sa.Uuid(), nullable=False),
        sa.Column("from_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("from_ticket", sa.Text(), nullable=True),
        sa.Column("from_overbooking_reason", sa.Text(), nullable=True),
        sa.Column("to_doctor_id", sa.Uuid(), nullable=False),
        sa.Column("to_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_ticket", sa.Text(), nullable=True),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["reception.appointments.id"],
            name=op.f("fk_appointment_moves_appointment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["reception.appointment_moves.id"], name=op.f("fk_appointment_moves_undoes_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_moves")),
        sa.UniqueConstraint("sequence_number", name=op.f("uq_appointment_moves_sequence_number")),
        schema="reception",
    )
    op.create_index(
        op.f("ix_appointment_moves_appointment_id_sequence_number"),
        "appointment_moves",
        ["appointment_id", "sequence_number"],
        unique=False,
        schema="reception",
    )


def _waiting_entries() -> None:
    op.create_table(
        "waiting_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=True),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=False),
        sa.Column("from_time", sa.Time(), nullable=True),
        sa.Column("until_time", sa.Time(), nullable=True),
        sa.Column("urgency", sa.Text(), server_default="NORMAL", nullable=False),
        sa.Column("urgency_rank", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="LISTED", nullable=False),
        sa.Column("booked_appointment_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "status IN ('LISTED', 'BOOKED', 'WITHDRAWN')", name=op.f("ck_waiting_entries_status_known")
        ),
        sa.CheckConstraint(
            "urgency IN ('URGENT', 'SOON', 'NORMAL')", name=op.f("ck_waiting_entries_urgency_known")
        ),
        sa.CheckConstraint("from_date <= until_date", name=op.f("ck_waiting_entries_from_before_until")),
        sa.CheckConstraint("from_time < until_time", name=op.f("ck_waiting_entries_time_from_before_until")),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["reception.appointments.id"], name=op.f("fk_waiting_entries_appointment_id")
        ),
        sa.ForeignKeyConstraint(
            ["booked_appointment_id"],
            ["reception.appointments.id"],
            name=op.f("fk_waiting_entries_booked_appointment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_entries")),
        schema="reception",
    )
    op.create_index(
        "uq_waiting_entries_one_wish",
        "waiting_entries",
        ["clinic_id", "patient_id", "service_id"],
        unique=True,
        schema="reception",
        postgresql_where=sa.text("status = 'LISTED'"),
    )
    op.create_index(
        "ix_waiting_entries_listed",
        "waiting_entries",
        ["clinic_id", "urgency_rank", "created_at"],
        unique=False,
        schema="reception",
        postgresql_where=sa.text("status = 'LISTED'"),
    )
    op.create_index(
        op.f("ix_waiting_entries_patient_id"),
        "waiting_entries",
        ["patient_id"],
        unique=False,
        schema="reception",
    )


def _waiting_offers() -> None:
    op.create_table(
        "waiting_offers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), server_default="OPEN", nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("doctor_id"), "="),
            (sa.text("tstzrange(start_time, end_time)"), "&&"),
            where=sa.text("status = 'OPEN'"),
            using="gist",
            name="ex_waiting_offers_one_per_time",
        ),
        sa.CheckConstraint(
            "status IN ('OPEN', 'ACCEPTED', 'DECLINED', 'EXPIRED', 'GONE')",
            name=op.f("ck_waiting_offers_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["reception.waiting_entries.id"], name=op.f("fk_waiting_offers_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_offers")),
        sa.UniqueConstraint(
            "entry_id",
            "doctor_id",
            "start_time",
            name=op.f("uq_waiting_offers_entry_id_doctor_id_start_time"),
        ),
        schema="reception",
    )
    op.create_index(
        "uq_waiting_offers_open",
        "waiting_offers",
        ["entry_id"],
        unique=True,
        schema="reception",
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.create_index(
        "ix_waiting_offers_due",
        "waiting_offers",
        ["expires_at"],
        unique=False,
        schema="reception",
        postgresql_where=sa.text("status = 'OPEN'"),
    )


def downgrade() -> None:
    for table in ("waiting_offers", "waiting_entries", "appointment_moves"):
        op.drop_table(table, schema="reception")
