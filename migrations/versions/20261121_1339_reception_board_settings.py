"""Boards of several queues, with a head, a logo and languages of their own.

One schema, one step. Adds first, fills, tightens last. No imports from the program: a migration must run the
same in five years.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1339"
down_revision = "20261121_1338"
branch_labels = None
depends_on = None

KNOWN = {
    "second_language": "'BESIDE', 'IN_TURNS', 'ALONE'",
    "digits": "'AUTO', 'LATN', 'ARAB'",
    "privacy": "'QUEUE', 'NUMBER', 'INITIALS'",
    "voice": "'OFF', 'en', 'ar', 'BOTH'",
    "accent": "'green', 'blue', 'teal', 'violet', 'wine', 'brown', 'slate'",
}
DEFAULTS = {
    "second_language": "BESIDE",
    "digits": "AUTO",
    "accent": "green",
    "privacy": "QUEUE",
    "voice": "OFF",
}


def upgrade() -> None:
    op.create_table(
        "board_logos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_logos")),
        sa.UniqueConstraint("organization_id", "digest", name=op.f("uq_board_logos_organization_id_digest")),
        schema="reception",
    )
    op.create_index(op.f("ix_board_logos_digest"), "board_logos", ["digest"], schema="reception")
    op.create_table(
        "display_queues",
        sa.Column("display_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("place BETWEEN 0 AND 5", name=op.f("ck_display_queues_place_on_the_screen")),
        sa.ForeignKeyConstraint(
            ["display_id"],
            ["reception.displays.id"],
            name=op.f("fk_display_queues_display_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["reception.queues.id"], name=op.f("fk_display_queues_queue_id")
        ),
        sa.PrimaryKeyConstraint("display_id", "place", name=op.f("pk_display_queues")),
        sa.UniqueConstraint("display_id", "queue_id", name=op.f("uq_display_queues_display_id_queue_id")),
        schema="reception",
    )
    op.create_index(op.f("ix_display_queues_queue_id"), "display_queues", ["queue_id"], schema="reception")
    op.execute(
        "INSERT INTO reception.display_queues (display_id, place, queue_id) "
        "SELECT id, 0, queue_id FROM reception.displays WHERE queue_id IS NOT NULL"
    )
    for column, default in DEFAULTS.items():
        op.add_column(
            "displays",
            sa.Column(column, sa.Text(), server_default=default, nullable=False),
            schema="reception",
        )
        op.create_check_constraint(
            op.f(f"ck_displays_{column}_known"),
            "displays",
            f"{column} IN ({KNOWN[column]})",
            schema="reception",
        )
    for column in ("head", "head_ar", "note", "note_ar"):
        op.add_column("displays", sa.Column(column, sa.Text(), nullable=True), schema="reception")
    op.add_column("displays", sa.Column("logo_id", sa.Uuid(), nullable=True), schema="reception")
    op.create_foreign_key(
        op.f("fk_displays_logo_id"),
        "displays",
        "board_logos",
        ["logo_id"],
        ["id"],
        source_schema="reception",
        referent_schema="reception",
    )
    op.drop_constraint(op.f("ck_displays_paired_to_a_queue"), "displays", schema="reception")
    op.create_check_constraint(
        op.f("ck_displays_paired_by_somebody"),
        "displays",
        "paired_at IS NULL OR (organization_id IS NOT NULL AND facility_id IS NOT NULL)",
        schema="reception",
    )
    op.drop_column("displays", "queue_id", schema="reception")


def downgrade() -> None:
    op.add_column("displays", sa.Column("queue_id", sa.Uuid(), nullable=True), schema="reception")
    op.execute(
        "UPDATE reception.displays d SET queue_id = dq.queue_id "
        "FROM reception.display_queues dq WHERE dq.display_id = d.id AND dq.place = 0"
    )
    op.drop_constraint(op.f("ck_displays_paired_by_somebody"), "displays", schema="reception")
    op.create_check_constraint(
        op.f("ck_displays_paired_to_a_queue"),
        "displays",
        "paired_at IS NULL OR (organization_id IS NOT NULL AND queue_id IS NOT NULL)",
        schema="reception",
    )
    op.drop_constraint(op.f("fk_displays_logo_id"), "displays", schema="reception")
    for column in (*DEFAULTS, "head", "head_ar", "note", "note_ar", "logo_id"):
        op.drop_column("displays", column, schema="reception")
    op.drop_table("display_queues", schema="reception")
    op.drop_table("board_logos", schema="reception")
