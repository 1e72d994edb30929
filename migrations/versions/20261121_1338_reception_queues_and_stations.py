"""Let reception have priorities of one's own, stations, moves to other lines and numbers on paper."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_1338"
down_revision = "20261121_1337"
branch_labels = None
depends_on = None

# A new queue's priorities, whoever makes the queue: visits may only carry what their queue has.
DEFAULT_PRIORITIES = """
    INSERT INTO reception.queue_priorities (organization_id, queue_id, code, name, name_ar, rank)
    SELECT q.organization_id, q.id, p.code, p.name, p.name_ar, p.rank
      FROM {queues} AS q CROSS JOIN (VALUES
           ('EMERGENCY', 'Emergency', 'طارئ', 90), ('PREGNANT', 'Pregnant', 'حامل', 40),
           ('DISABLED', 'Disability', 'إعاقة', 40), ('ELDERLY', 'Elderly', 'كبير السن', 30),
           ('CHILD', 'Child', 'طفل', 20), ('STAFF_DECISION', 'Staff decision', 'قرار الطاقم', 10)
           ) AS p (code, name, name_ar, rank)
"""

# A clinic's visits and a station's stops in the same words: what boards and lists of lines read.
LINES = """
    CREATE VIEW reception.lines WITH (security_invoker = true) AS
    SELECT id, organization_id, queue_id, queue_day, queue_number, ticket, patient_id, doctor_id, attending_id,
           room_id, priority_rank, scheduled_time, check_in_time, called_at, end_time, status,
           false AS is_stop
      FROM reception.visits
     UNION ALL
    SELECT id, organization_id, queue_id, queue_day, NULL::integer, ticket, patient_id, NULL::uuid, NULL::uuid,
           room_id, priority_rank, NULL::timestamptz, check_in_time, called_at, end_time, status,
           true
      FROM reception.station_stops
"""


def upgrade() -> None:
    _create_tables()
    _tie_to_what_is_there()
    op.execute(LINES)


def _create_tables() -> None:
    op.create_table(
        "delays_told",
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("quarters", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quarters > 0", name=op.f("ck_delays_told_quarters_positive")),
        sa.ForeignKeyConstraint(["queue_id"], ["reception.queues.id"], name=op.f("fk_delays_told_queue_id")),
        sa.PrimaryKeyConstraint("queue_id", "doctor_id", "day", "quarters", name=op.f("pk_delays_told")),
        schema="reception",
    )
    op.create_table(
        "number_blocks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("queue_id"), "="),
            (sa.column("day"), "="),
            (sa.text("int4range(first_number, last_number, '[]')"), "&&"),
            using="gist",
            name="ex_number_blocks_no_overlap",
        ),
        sa.CheckConstraint(
            "first_number > 0 AND first_number <= last_number",
            name=op.f("ck_number_blocks_first_before_last"),
        ),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["reception.queues.id"], name=op.f("fk_number_blocks_queue_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_blocks")),
        schema="reception",
    )
    op.create_table(
        "queue_priorities",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_ar", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "btrim(name) <> '' AND btrim(name_ar) <> ''", name=op.f("ck_queue_priorities_named")
        ),
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9_]{0,29}$'", name=op.f("ck_queue_priorities_code_form")),
        sa.CheckConstraint("rank BETWEEN 1 AND 99", name=op.f("ck_queue_priorities_rank_range")),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["reception.queues.id"], name=op.f("fk_queue_priorities_queue_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_priorities")),
        sa.UniqueConstraint("queue_id", "code", name=op.f("uq_queue_priorities_queue_id_code")),
        schema="reception",
    )
    op.create_table(
        "next_told",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("before BETWEEN 1 AND 3", name=op.f("ck_next_told_before_range")),
        sa.ForeignKeyConstraint(["visit_id"], ["reception.visits.id"], name=op.f("fk_next_told_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", "before", name=op.f("pk_next_told")),
        schema="reception",
    )
    op.create_table(
        "station_stops",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("number_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("queue_day", sa.Date(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("priority_rank", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), server_default="WAITING", nullable=False),
        sa.Column("check_in_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times_called", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("clerk_id", sa.Uuid(), nullable=True),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("finished_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "status <> 'CALLED' OR (clerk_id IS NOT NULL AND called_at IS NOT NULL)",
            name=op.f("ck_station_stops_called_by_somebody"),
        ),
        sa.CheckConstraint(
            "status IN ('WAITING', 'CALLED', 'COMPLETED', 'NO_SHOW', 'CANCELLED')",
            name=op.f("ck_station_stops_status_known"),
        ),
        sa.CheckConstraint(
            "(visit_id IS NULL) = (number_id IS NOT NULL)", name=op.f("ck_station_stops_own_number_or_visit")
        ),
        sa.CheckConstraint(
            "visit_id IS NULL OR patient_id IS NOT NULL", name=op.f("ck_station_stops_visit_has_patient")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["reception.queue_numbers.id"], name=op.f("fk_station_stops_number_id")
        ),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["reception.queues.id"], name=op.f("fk_station_stops_queue_id")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["reception.visits.id"], name=op.f("fk_station_stops_visit_id")
        ),
        sa.ForeignKeyConstraint(
            ["finished_id"], ["reception.station_stops.id"], name=op.f("fk_station_stops_finished_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_stops")),
        sa.UniqueConstraint("number_id", name=op.f("uq_station_stops_number_id")),
        schema="reception",
    )
    op.create_index(
        "ix_station_stops_day",
        "station_stops",
        ["queue_id", "queue_day", "status"],
        unique=False,
        schema="reception",
    )
    op.create_index(
        "ix_station_stops_line",
        "station_stops",
        ["queue_id", "queue_day", sa.literal_column("priority_rank DESC"), "check_in_time"],
        unique=False,
        schema="reception",
        postgresql_where=sa.text("status = 'WAITING'"),
    )
    op.create_index(
        op.f("ix_station_stops_visit_id"), "station_stops", ["visit_id"], unique=False, schema="reception"
    )
    op.create_index(
        "uq_station_stops_one_at_the_counter",
        "station_stops",
        ["clerk_id"],
        unique=True,
        schema="reception",
        postgresql_where=sa.text("status = 'CALLED'"),
    )
    op.create_index(
        "uq_station_stops_one_stop",
        "station_stops",
        ["queue_id", "visit_id"],
        unique=True,
        schema="reception",
        postgresql_where=sa.text("status IN ('WAITING', 'CALLED')"),
    )
    op.create_table(
        "visit_moves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence_number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("from_clinic_id", sa.Uuid(), nullable=False),
        sa.Column("from_queue_id", sa.Uuid(), nullable=False),
        sa.Column("from_doctor_id", sa.Uuid(), nullable=True),
        sa.Column("from_service_id", sa.Uuid(), nullable=False),
        sa.Column("from_number", sa.Integer(), nullable=True),
        sa.Column("from_ticket", sa.Text(), nullable=True),
        sa.Column("from_priority", sa.Text(), nullable=True),
        sa.Column("from_priority_reason", sa.Text(), nullable=True),
        sa.Column("from_total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("to_clinic_id", sa.Uuid(), nullable=False),
        sa.Column("to_queue_id", sa.Uuid(), nullable=False),
        sa.Column("to_doctor_id", sa.Uuid(), nullable=True),
        sa.Column("to_service_id", sa.Uuid(), nullable=False),
        sa.Column("to_ticket", sa.Text(), nullable=True),
        sa.Column("to_total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["from_queue_id"], ["reception.queues.id"], name=op.f("fk_visit_moves_from_queue_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_queue_id"], ["reception.queues.id"], name=op.f("fk_visit_moves_to_queue_id")
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["reception.visit_moves.id"], name=op.f("fk_visit_moves_undoes_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["reception.visits.id"], name=op.f("fk_visit_moves_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_moves")),
        sa.UniqueConstraint("sequence_number", name=op.f("uq_visit_moves_sequence_number")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_visit_moves_undoes_id")),
        schema="reception",
    )
    op.create_index(
        op.f("ix_visit_moves_visit_id_sequence_number"),
        "visit_moves",
        ["visit_id", "sequence_number"],
        unique=False,
        schema="reception",
    )


def _tie_to_what_is_there() -> None:
    op.add_column("queue_numbers", sa.Column("block_id", sa.Uuid(), nullable=True), schema="reception")
    op.create_index(
        "ix_queue_numbers_open",
        "queue_numbers",
        ["queue_id", "day"],
        unique=False,
        schema="reception",
        postgresql_where=sa.text("state = 'RESERVED'"),
    )
    op.create_foreign_key(
        op.f("fk_queue_numbers_block_id"),
        "queue_numbers",
        "number_blocks",
        ["block_id"],
        ["id"],
        source_schema="reception",
        referent_schema="reception",
    )
    op.add_column("queues", sa.Column("name", sa.Text(), nullable=True), schema="reception")
    op.add_column("queues", sa.Column("name_ar", sa.Text(), nullable=True), schema="reception")
    op.add_column("queues", sa.Column("room_id", sa.Uuid(), nullable=True), schema="reception")
    op.drop_constraint("ck_visits_priority_known", "visits", schema="reception")
    op.create_check_constraint(
        op.f("ck_queues_clinic_or_station"),
        "queues",
        "CASE WHEN kind = 'CLINIC' THEN clinic_id IS NOT NULL"
        " ELSE clinic_id IS NULL AND name IS NOT NULL AND policy = 'APPOINTMENT_TIME' END",
        schema="reception",
    )
    op.create_check_constraint(
        op.f("ck_queues_wait_target_range"),
        "queues",
        "wait_target_minutes BETWEEN 1 AND 480",
        schema="reception",
    )
    op.create_check_constraint(
        op.f("ck_queue_numbers_reserved_in_a_block"),
        "queue_numbers",
        "state <> 'RESERVED' OR block_id IS NOT NULL",
        schema="reception",
    )
    op.execute(DEFAULT_PRIORITIES.format(queues="reception.queues"))
    op.execute(
        f"""
        CREATE FUNCTION reception.give_priorities() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {DEFAULT_PRIORITIES.format(queues="(SELECT NEW.organization_id, NEW.id)")};
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER give_priorities AFTER INSERT ON reception.queues
            FOR EACH ROW EXECUTE FUNCTION reception.give_priorities()
        """
    )
    op.create_foreign_key(
        "fk_visits_priority",
        "visits",
        "queue_priorities",
        ["queue_id", "priority"],
        ["queue_id", "code"],
        source_schema="reception",
        referent_schema="reception",
    )


def downgrade() -> None:
    op.execute("DROP VIEW reception.lines")
    op.execute("DROP TRIGGER give_priorities ON reception.queues")
    op.execute("DROP FUNCTION reception.give_priorities()")
    op.drop_constraint("fk_visits_priority", "visits", schema="reception")
    op.execute(
        "UPDATE reception.visits SET priority = 'STAFF_DECISION' WHERE priority NOT IN"
        " ('EMERGENCY', 'DISABLED', 'PREGNANT', 'ELDERLY', 'CHILD', 'STAFF_DECISION')"
    )
    op.create_check_constraint(
        op.f("ck_visits_priority_known"),
        "visits",
        "priority IN ('EMERGENCY', 'DISABLED', 'PREGNANT', 'ELDERLY', 'CHILD', 'STAFF_DECISION')",
        schema="reception",
    )
    op.execute("ALTER TABLE reception.queues DROP CONSTRAINT ck_queues_clinic_or_station")
    op.execute("ALTER TABLE reception.queues DROP CONSTRAINT ck_queues_wait_target_range")
    op.execute("ALTER TABLE reception.queues DROP COLUMN name, DROP COLUMN name_ar, DROP COLUMN room_id")
    for table in ("delays_told", "next_told", "visit_moves", "station_stops", "queue_priorities"):
        op.drop_table(table, schema="reception")
    op.execute("ALTER TABLE reception.queue_numbers DROP CONSTRAINT ck_queue_numbers_reserved_in_a_block")
    op.execute("DROP INDEX reception.ix_queue_numbers_open")
    op.execute("ALTER TABLE reception.queue_numbers DROP COLUMN block_id")
    op.drop_table("number_blocks", schema="reception")
