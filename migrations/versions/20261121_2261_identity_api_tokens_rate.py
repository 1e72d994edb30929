"""How often a program's token is answered (identity.api_tokens)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_2261"
down_revision = "20261121_2251"
branch_labels = None
depends_on = None


def upgrade() -> None:
    rate = sa.Column("requests_per_minute", sa.Integer(), server_default="300", nullable=False)
    op.add_column("api_tokens", rate, schema="identity")
    op.create_check_constraint(
        op.f("ck_api_tokens_rate_positive"), "api_tokens", "requests_per_minute > 0", schema="identity"
    )


def downgrade() -> None:
    op.drop_column("api_tokens", "requests_per_minute", schema="identity")
