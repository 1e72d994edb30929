"""Create schema patients: number_counters, patients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1004"
down_revision = "20261121_1003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE SCHEMA patients")
    op.create_table(
        "number_counters",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_number_counters")),
        schema="patients",
    )
    op.create_table(
        "patients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_number", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("middle_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("search_name", sa.Text(), nullable=False),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("date_of_birth_estimated", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("gender", sa.Text(), nullable=False),
        sa.Column("phone_primary", sa.Text(), nullable=True),
        sa.Column("phone_secondary", sa.Text(), nullable=True),
        sa.Column("phone_digits", sa.Text(), nullable=True),
        sa.Column("phone_of_id", sa.Uuid(), nullable=True),
        sa.Column("guardian_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("address_line1", sa.Text(), nullable=True),
        sa.Column("address_line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("zip_code", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("language_preference", sa.Text(), nullable=True),
        sa.Column("allow_generic_substitution", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("medical_history", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "gender IN ('MALE', 'FEMALE', 'OTHER', 'UNKNOWN')", name=op.f("ck_patients_gender_known")
        ),
        sa.CheckConstraint(
            "guardian_id <> id AND phone_of_id <> id", name=op.f("ck_patients_not_their_own_guardian")
        ),
        sa.ForeignKeyConstraint(
            ["guardian_id"], ["patients.patients.id"], name=op.f("fk_patients_guardian_id")
        ),
        sa.ForeignKeyConstraint(
            ["phone_of_id"], ["patients.patients.id"], name=op.f("fk_patients_phone_of_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patients")),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f("uq_patients_organization_id_external_id")
        ),
        sa.UniqueConstraint(
            "organization_id", "patient_number", name=op.f("uq_patients_organization_id_patient_number")
        ),
        schema="patients",
    )
    op.create_index(
        op.f("ix_patients_guardian_id"),
        "patients",
        ["guardian_id"],
        unique=False,
        schema="patients",
        postgresql_where=sa.text("guardian_id IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_patients_organization_id_created_at"),
        "patients",
        ["organization_id", "created_at"],
        unique=False,
        schema="patients",
    )
    op.create_index(
        op.f("ix_patients_organization_id_gender"),
        "patients",
        ["organization_id", "gender"],
        unique=False,
        schema="patients",
    )
    op.create_index(
        op.f("ix_patients_phone_of_id"),
        "patients",
        ["phone_of_id"],
        unique=False,
        schema="patients",
        postgresql_where=sa.text("phone_of_id IS NOT NULL"),
    )
    op.create_index(
        "ix_patients_phone_prefix",
        "patients",
        ["organization_id", "phone_digits"],
        unique=False,
        schema="patients",
        postgresql_ops={"phone_digits": "text_pattern_ops"},
    )
    op.create_index(
        "ix_patients_phone_suffix",
        "patients",
        ["organization_id", sa.literal_column("reverse(phone_digits) text_pattern_ops")],
        unique=False,
        schema="patients",
        postgresql_where=sa.text("phone_digits IS NOT NULL"),
    )
    op.create_index(
        "ix_patients_search_name",
        "patients",
        ["search_name"],
        unique=False,
        schema="patients",
        postgresql_using="gin",
        postgresql_ops={"search_name": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_patients_search_prefix",
        "patients",
        ["organization_id", "search_name"],
        unique=False,
        schema="patients",
        postgresql_ops={"search_name": "text_pattern_ops"},
    )
    op.create_index(
        "uq_patients_phone",
        "patients",
        ["organization_id", "phone_digits"],
        unique=True,
        schema="patients",
        postgresql_where=sa.text("phone_digits IS NOT NULL AND deleted_at IS NULL"),
    )


def downgrade() -> None:
    op.execute("DROP SCHEMA patients CASCADE")
