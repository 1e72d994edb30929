"""Two records of one person are linked, and what is known of a patient's illnesses and allergies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1335"
down_revision = "20261121_1334"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _links()
    _allergies()
    _conditions()


def _links() -> None:
    op.create_table(
        "patient_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=False),
        sa.Column("merged_id", sa.Uuid(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("survivor_id <> merged_id", name=op.f("ck_patient_links_two_records")),
        sa.ForeignKeyConstraint(
            ["survivor_id"], ["patients.patients.id"], name=op.f("fk_patient_links_survivor_id")
        ),
        sa.ForeignKeyConstraint(
            ["merged_id"], ["patients.patients.id"], name=op.f("fk_patient_links_merged_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_links")),
        schema="patients",
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_patient_links_merged",
        "patient_links",
        ["merged_id"],
        unique=True,
        schema="patients",
        postgresql_where=is_open,
    )
    op.create_index(
        "ix_patient_links_survivor",
        "patient_links",
        ["survivor_id"],
        schema="patients",
        postgresql_where=is_open,
    )


def _allergies() -> None:
    op.create_table(
        "allergies",
        *_whose(),
        sa.Column("allergen_type", sa.Text(), nullable=False),
        sa.Column("allergen_name", sa.Text(), nullable=False),
        sa.Column("reaction", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("onset_date", sa.Date(), nullable=True),
        *_source(),
        sa.CheckConstraint(
            "allergen_type IN ('MEDICATION', 'FOOD', 'ENVIRONMENTAL', 'OTHER')",
            name=op.f("ck_allergies_allergen_type_known"),
        ),
        sa.CheckConstraint(
            "severity IN ('MILD', 'MODERATE', 'SEVERE')", name=op.f("ck_allergies_severity_known")
        ),
        *_keys("allergies"),
        schema="patients",
    )
    op.create_index(op.f("ix_allergies_patient_id"), "allergies", ["patient_id"], schema="patients")


def _conditions() -> None:
    op.create_table(
        "conditions",
        *_whose(),
        sa.Column("condition_name", sa.Text(), nullable=False),
        sa.Column("icd_10_code", sa.Text(), nullable=True),
        sa.Column("diagnosed_date", sa.Date(), nullable=True),
        sa.Column("resolved_date", sa.Date(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        *_source(),
        *_keys("conditions"),
        schema="patients",
    )
    op.create_index(op.f("ix_conditions_patient_id"), "conditions", ["patient_id"], schema="patients")


def _whose() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
    ]


def _source() -> list[sa.Column[object]]:
    return [
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("code_system", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
    ]


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.patients.id"], name=op.f(f"fk_{table}_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            "organization_id", "external_id", name=op.f(f"uq_{table}_organization_id_external_id")
        ),
    ]


def downgrade() -> None:
    for table in ("conditions", "allergies", "patient_links"):
        op.drop_table(table, schema="patients")
