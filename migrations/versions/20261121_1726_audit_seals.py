"""Seal the audit: audit.chains, seals, traces, verifications; refuse edits; publish whose row is whose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1726"
down_revision = "20261121_1650"
branch_labels = None
depends_on = None

NEVER_EDITED = ("access_logs", "changes", "seals", "traces", "verifications")

# security_invoker: a plain view runs with its owner's rights and would step around row-level security.
VIEWS = {
    "reception.v_of_patients": """
        SELECT id, organization_id, patient_id FROM reception.visits
         UNION ALL SELECT id, organization_id, patient_id FROM reception.appointments
         UNION ALL SELECT id, organization_id, patient_id FROM reception.station_stops
                    WHERE patient_id IS NOT NULL
    """,
    "payments.v_of_patients": """
        SELECT id, organization_id, patient_id FROM payments.payments
         UNION ALL SELECT id, organization_id, patient_id FROM payments.payment_transactions
    """,
}


def upgrade() -> None:
    op.add_column("changes", sa.Column("ip_address", postgresql.INET()), schema="audit")
    op.add_column("changes", sa.Column("user_agent", sa.Text()), schema="audit")
    _chains_and_seals()
    _traces_and_verifications()
    _refuse_edits()
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} WITH (security_invoker = true) AS {query}")


def _chains_and_seals() -> None:
    op.create_table(
        "chains",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pending_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pending_xid", sa.BigInteger(), nullable=True),
        sa.Column("swept", sa.Uuid(), nullable=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_over", sa.BigInteger(), nullable=True),
        sa.Column("swept_begun", sa.BigInteger(), nullable=True),
        sa.Column("anchored", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_chains")),
        schema="audit",
    )
    op.create_table(
        "seals",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("first_number", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("row_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("row_hashes", sa.LargeBinary(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("last_id", sa.Uuid(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("source IN ('access_logs', 'changes')", name=op.f("ck_seals_source_known")),
        sa.PrimaryKeyConstraint("organization_id", "sequence", name=op.f("pk_seals")),
        schema="audit",
    )
    op.create_index(
        op.f("ix_seals_organization_id_last_id"), "seals", ["organization_id", "last_id"], schema="audit"
    )


def _traces_and_verifications() -> None:
    op.create_table(
        "traces",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "subject", "sequence", name=op.f("pk_traces")),
        schema="audit",
    )
    op.create_table(
        "verifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("problems", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
        schema="audit",
    )
    op.create_index(
        op.f("ix_verifications_organization_id_finished_at"),
        "verifications",
        ["organization_id", "finished_at"],
        schema="audit",
    )


def _refuse_edits() -> None:
    """The application has no right to; this refuses the owner, too, until they say in DDL that they mean it.

    One check per statement, and none for an INSERT: who writes pays nothing.
    """
    op.execute(
        """
        CREATE FUNCTION audit.refuse_edit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'audit.% is append-only: % refused', TG_TABLE_NAME, TG_OP
                  USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in NEVER_EDITED:
        op.execute(
            f"CREATE TRIGGER audit_is_never_edited BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_edit()"
        )


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
    for table in NEVER_EDITED[:2]:
        op.execute(f"DROP TRIGGER audit_is_never_edited ON audit.{table}")
    for table in ("verifications", "traces", "seals", "chains"):
        op.drop_table(table, schema="audit")
    op.execute("DROP FUNCTION audit.refuse_edit()")
    op.drop_column("changes", "user_agent", schema="audit")
    op.drop_column("changes", "ip_address", schema="audit")
