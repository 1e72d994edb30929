"""Tries to sign in are listed by time (ix_login_attempts_attempted_at)."""

from __future__ import annotations

from alembic import op

revision = "20261121_1733"
down_revision = "20261121_1732"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_login_attempts_attempted_at", "login_attempts", ["attempted_at"], schema="identity")


def downgrade() -> None:
    op.drop_index("ix_login_attempts_attempted_at", "login_attempts", schema="identity")
