"""Create schema kernel: domain_events, idempotency_keys, scheduled_runs, streams, deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1000"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA kernel")
    op.create_table(
        "domain_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence_number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("aggregate_type", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("event_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain_events")),
        sa.UniqueConstraint("sequence_number", name=op.f("uq_domain_events_sequence_number")),
        schema="kernel",
    )
    op.create_index(
        op.f("ix_domain_events_aggregate_type_aggregate_id"),
        "domain_events",
        ["aggregate_type", "aggregate_id"],
        unique=False,
        schema="kernel",
    )
    op.create_index(
        op.f("ix_domain_events_event_type_occurred_at"),
        "domain_events",
        ["event_type", "occurred_at"],
        unique=False,
        schema="kernel",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id", "user_id", "action", "key", name=op.f("pk_idempotency_keys")
        ),
        schema="kernel",
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"),
        "idempotency_keys",
        ["created_at"],
        unique=False,
        schema="kernel",
    )
    op.create_table(
        "scheduled_runs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", "slot", name=op.f("pk_scheduled_runs")),
        schema="kernel",
    )
    op.create_table(
        "streams",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_streams")),
        schema="kernel",
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="DUE", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('DUE', 'DONE', 'PARKED')", name=op.f("ck_deliveries_state_known")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["kernel.domain_events.id"], name=op.f("fk_deliveries_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("event_id", "consumer", name=op.f("uq_deliveries_event_id_consumer")),
        schema="kernel",
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["queue", "due_at"],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("state = 'DUE'"),
    )
    op.create_index(
        "ix_deliveries_parked",
        "deliveries",
        ["parked_at"],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("state = 'PARKED'"),
    )
    # The database's twin of clock.now(): a test shifts both (``app.clock_offset`` is an interval).
    op.execute("""
        CREATE FUNCTION kernel.now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT now() + COALESCE(NULLIF(current_setting('app.clock_offset', true), ''), '0')::interval
        $$
    """)


def downgrade() -> None:
    op.execute("DROP SCHEMA kernel CASCADE")
