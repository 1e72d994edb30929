"""What a facility's papers say of it: the address in Arabic, the tax or registration line in both languages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1606"
down_revision = "20261121_1605"
branch_labels = None
depends_on = None

COLUMNS = ("address_ar", "registration", "registration_ar")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("facilities", sa.Column(name, sa.Text(), nullable=True), schema="organization")


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("facilities", name, schema="organization")
