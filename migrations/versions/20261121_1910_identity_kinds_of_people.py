"""Patients sign in, too: identity.users.kind, marked in the name, with addresses unique in each kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1910"
down_revision = "20261121_1900"
branch_labels = None
depends_on = None

BY_ADDRESS = {"unique": True, "schema": "identity", "postgresql_where": sa.text("email IS NOT NULL")}

HEAD = """
    CREATE FUNCTION identity.tenant_of_address({arguments}) RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$ BEGIN
        RETURN (SELECT u.organization_id FROM identity.users u
                 WHERE {who} AND u.status = 'ACTIVE' AND u.deleted_at IS NULL
                 ORDER BY lower(u.username) = {name} DESC, u.id LIMIT 1);
    END $$
"""


def upgrade() -> None:
    op.add_column(
        "users", sa.Column("kind", sa.Text(), server_default="STAFF", nullable=False), schema="identity"
    )
    op.create_check_constraint(
        op.f("ck_users_kind_known"), "users", "kind IN ('STAFF', 'PATIENT')", schema="identity"
    )
    op.create_check_constraint(
        op.f("ck_users_kind_by_name"),
        "users",
        "(kind = 'PATIENT') = starts_with(username, 'patient:')",
        schema="identity",
    )
    op.drop_index("uq_users_email", "users", schema="identity")
    op.create_index("uq_users_email", "users", ["kind", sa.literal_column("lower(email)")], **BY_ADDRESS)
    op.execute("DROP FUNCTION identity.tenant_of_address(text)")
    _ask_by_address(
        "typed text, name text, of_kind text",
        "u.kind = of_kind AND (lower(u.username) = name OR lower(u.email) = typed)",
        "name",
    )


def _ask_by_address(arguments: str, who: str, name: str) -> None:
    op.execute(HEAD.format(arguments=arguments, who=who, name=name))


def downgrade() -> None:
    op.execute("DROP FUNCTION identity.tenant_of_address(text, text, text)")
    _ask_by_address("typed text", "(lower(u.username) = typed OR lower(u.email) = typed)", "typed")
    op.drop_index("uq_users_email", "users", schema="identity")
    op.drop_constraint(op.f("ck_users_kind_by_name"), "users", schema="identity")
    op.drop_column("users", "kind", schema="identity")
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], **BY_ADDRESS)
