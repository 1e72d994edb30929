"""Second factors: factors, recovery_codes, challenges, role_rules; when a session's person last proved who they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1730"
down_revision = "20261121_1726"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "factors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("credential_id", sa.LargeBinary(), nullable=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("sign_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("transports", sa.Text(), server_default="", nullable=False),
        sa.Column("is_backed_up", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('TOTP', 'PASSKEY')", name=op.f("ck_factors_kind_known")),
        sa.ForeignKeyConstraint(["user_id"], ["identity.users.id"], name=op.f("fk_factors_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factors")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_factors_credential_id")),
        schema="identity",
    )
    op.create_index("ix_factors_user_id", "factors", ["user_id"], schema="identity")
    op.create_index(
        "uq_factors_app", "factors", ["user_id"], unique=True, schema="identity",
        postgresql_where=sa.text("kind = 'TOTP' AND confirmed_at IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "uq_factors_app_begun", "factors", ["user_id"], unique=True, schema="identity",
        postgresql_where=sa.text("kind = 'TOTP' AND confirmed_at IS NULL"),
    )  # fmt: skip
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["identity.users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        schema="identity",
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"], schema="identity")
    op.create_table(
        "challenges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=True),
        sa.Column("ip_address", postgresql.INET(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "purpose IN ('SIGN_IN', 'PROVE', 'REGISTER', 'KEY_ONLY')",
            name=op.f("ck_challenges_purpose_known"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["identity.users.id"], name=op.f("fk_challenges_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenges")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_challenges_token_hash")),
        schema="identity",
    )
    op.create_index("ix_challenges_expires_at", "challenges", ["expires_at"], schema="identity")
    op.create_table(
        "role_rules",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.Column("requires_second_factor", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("updated_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["role_id"], ["identity.roles.id"], name=op.f("fk_role_rules_role_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "role_id", name=op.f("pk_role_rules")),
        schema="identity",
    )
    # A second factor was given (mfa_at), or whatever proof the person has (proved_at).
    op.add_column("sessions", sa.Column("mfa_at", MOMENT, nullable=True), schema="identity")
    op.add_column("sessions", sa.Column("proved_at", MOMENT, nullable=True), schema="identity")


def downgrade() -> None:
    op.drop_column("sessions", "proved_at", schema="identity")
    op.drop_column("sessions", "mfa_at", schema="identity")
    for table in ("role_rules", "challenges", "recovery_codes", "factors"):
        op.drop_table(table, schema="identity")
