"""The waiting line has an index in the order of each policy: who is next is its first entry."""

from __future__ import annotations

from alembic import op

revision = "20261121_1320"
down_revision = "20261121_1007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE INDEX ix_visits_line_by_number
            ON reception.visits (queue_id, queue_day, priority_rank DESC, queue_number)
         WHERE status = 'WAITING'
        """
    )
    op.execute(
        """
        CREATE INDEX ix_visits_line_by_time
            ON reception.visits (queue_id, queue_day, priority_rank DESC,
                                 coalesce(scheduled_time, check_in_time), queue_number)
         WHERE status = 'WAITING'
        """
    )
    op.execute("DROP INDEX reception.ix_visits_line")


def downgrade() -> None:
    op.execute(
        """
        CREATE INDEX ix_visits_line ON reception.visits (queue_id, queue_day, priority_rank, queue_number)
         WHERE status = 'WAITING'
        """
    )
    op.execute("DROP INDEX reception.ix_visits_line_by_number")
    op.execute("DROP INDEX reception.ix_visits_line_by_time")
