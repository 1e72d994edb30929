"""Create schema portal: invitations of patients, and whose records an account may see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import guard

revision = "20261121_1911"
down_revision = "20261121_1910"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")

# Whose is this code, this proof? Asked with its hash, before anybody is known.
DOOR = """
    CREATE FUNCTION portal.tenant_of_{what}(hash bytea) RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$ BEGIN
        RETURN (SELECT i.organization_id FROM portal.invitations i WHERE i.{what}_hash = hash);
    END $$
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA portal")
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("granted_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("relation IN ('SELF', 'GUARDIAN')", name=op.f("ck_accounts_relation_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        schema="portal",
    )
    own = sa.text("relation = 'SELF' AND ended_at IS NULL")
    for name, columns, where in (
        ("uq_accounts_self", ["patient_id"], own),
        ("uq_accounts_self_of_user", ["user_id"], own),
        ("uq_accounts_once", ["user_id", "patient_id"], sa.text("ended_at IS NULL")),
    ):
        op.create_index(name, "accounts", columns, unique=True, schema="portal", postgresql_where=where)
    op.create_index("ix_accounts_patient_id", "accounts", ["patient_id"], schema="portal")
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("is_mailed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("proof_hash", sa.LargeBinary(), nullable=True),
        sa.Column("proof_expires_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("relation IN ('SELF', 'GUARDIAN')", name=op.f("ck_invitations_relation_known")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_invitations_failures_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_invitations_code_hash")),
        sa.UniqueConstraint("proof_hash", name=op.f("uq_invitations_proof_hash")),
        schema="portal",
    )
    op.create_index("ix_invitations_patient_id", "invitations", ["patient_id"], schema="portal")
    for table in ("portal.accounts", "portal.invitations"):
        guard(table)
    for what in ("code", "proof"):
        op.execute(DOOR.format(what=what))


def downgrade() -> None:
    op.execute("DROP SCHEMA portal CASCADE")
