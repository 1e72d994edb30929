"""Create the schemas of orders and of what fulfils them, and the catalogue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import guard

revision = "20261121_2200"
down_revision = "20261121_1952"
branch_labels = None
depends_on = None

SCHEMAS = ("catalog", "inventory", "pharmacy", "lab", "billing", "orders", "interop")
HEARERS = ("pharmacy", "lab", "billing", "orders")


def upgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    for schema in HEARERS:
        op.create_table(
            "processed_events",
            sa.Column("event_id", sa.Uuid(), nullable=False),
            sa.Column("consumer", sa.Text(), nullable=False),
            sa.Column(
                "processed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            ),
            sa.PrimaryKeyConstraint("event_id", "consumer", name=op.f("pk_processed_events")),
            schema=schema,
        )
    op.create_table(
        "charge_master",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("item_name_ar", sa.Text(), nullable=True),
        sa.Column("item_category", sa.Text(), nullable=False),
        sa.Column("cpt_code", sa.Text(), nullable=True),
        sa.Column("base_price", sa.Numeric(precision=10, scale=4), nullable=False),
        sa.Column("insurance_rate_1", sa.Numeric(precision=10, scale=4), nullable=True),
        sa.Column("insurance_rate_2", sa.Numeric(precision=10, scale=4), nullable=True),
        sa.Column("cash_rate", sa.Numeric(precision=10, scale=4), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "item_category IN ('MEDICATION', 'LAB_TEST', 'SERVICE', 'PROCEDURE', 'OTHER')",
            name=op.f("ck_charge_master_item_category_known"),
        ),
        sa.CheckConstraint("base_price >= 0", name=op.f("ck_charge_master_base_price_positive")),
        sa.CheckConstraint("cash_rate >= 0", name=op.f("ck_charge_master_cash_rate_positive")),
        sa.CheckConstraint("insurance_rate_1 >= 0", name=op.f("ck_charge_master_insurance_rate_1_positive")),
        sa.CheckConstraint("insurance_rate_2 >= 0", name=op.f("ck_charge_master_insurance_rate_2_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_master")),
        sa.UniqueConstraint(
            "organization_id", "item_code", name=op.f("uq_charge_master_organization_id_item_code")
        ),
        schema="catalog",
    )
    op.create_table(
        "lab_tests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_item_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("loinc_code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_ar", sa.Text(), nullable=True),
        sa.Column("specimen_type", sa.Text(), nullable=True),
        sa.Column("preparation", sa.Text(), nullable=True),
        sa.Column("preparation_ar", sa.Text(), nullable=True),
        sa.Column("turnaround_minutes", sa.Integer(), nullable=True),
        sa.Column("slot_minutes", sa.SmallInteger(), server_default="30", nullable=False),
        sa.Column("capacity", sa.Integer(), server_default="4", nullable=False),
        sa.Column("search_words", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("capacity BETWEEN 0 AND 1000", name=op.f("ck_lab_tests_capacity_range")),
        sa.CheckConstraint("slot_minutes BETWEEN 5 AND 480", name=op.f("ck_lab_tests_slot_minutes_range")),
        sa.ForeignKeyConstraint(
            ["charge_item_id"], ["catalog.charge_master.id"], name=op.f("fk_lab_tests_charge_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_tests")),
        sa.UniqueConstraint("organization_id", "code", name=op.f("uq_lab_tests_organization_id_code")),
        schema="catalog",
    )
    op.create_index(
        "ix_lab_tests_search",
        "lab_tests",
        ["search_words"],
        unique=False,
        schema="catalog",
        postgresql_using="gin",
        postgresql_ops={"search_words": "gin_trgm_ops"},
    )
    op.create_table(
        "medications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_item_id", sa.Uuid(), nullable=True),
        sa.Column("ndc_code", sa.Text(), nullable=True),
        sa.Column("drug_name", sa.Text(), nullable=False),
        sa.Column("drug_name_ar", sa.Text(), nullable=True),
        sa.Column("generic_name", sa.Text(), nullable=True),
        sa.Column("brand_name", sa.Text(), nullable=True),
        sa.Column("strength", sa.Text(), nullable=True),
        sa.Column("dosage_form", sa.Text(), nullable=True),
        sa.Column("route", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), server_default="tablet", nullable=False),
        sa.Column("manufacturer", sa.Text(), nullable=True),
        sa.Column("therapeutic_class", sa.Text(), nullable=True),
        sa.Column("pharmacologic_class", sa.Text(), nullable=True),
        sa.Column("is_generic", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_controlled_substance", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("dea_schedule", sa.Text(), nullable=True),
        sa.Column("discontinuation_date", sa.Date(), nullable=True),
        sa.Column("search_words", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "dea_schedule IN ('I', 'II', 'III', 'IV', 'V')", name=op.f("ck_medications_dea_schedule_known")
        ),
        sa.ForeignKeyConstraint(
            ["charge_item_id"], ["catalog.charge_master.id"], name=op.f("fk_medications_charge_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medications")),
        sa.UniqueConstraint(
            "organization_id", "ndc_code", name=op.f("uq_medications_organization_id_ndc_code")
        ),
        schema="catalog",
    )
    op.create_index(
        "ix_medications_search",
        "medications",
        ["search_words"],
        unique=False,
        schema="catalog",
        postgresql_using="gin",
        postgresql_ops={"search_words": "gin_trgm_ops"},
    )
    for table in ("catalog.charge_master", "catalog.medications", "catalog.lab_tests"):
        guard(table)


def downgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"DROP SCHEMA {schema} CASCADE")
