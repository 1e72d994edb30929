"""The second wall: row-level security by tenant, for migrations that make tables (docs/adr/0030).

Each table that holds a tenant's rows is put behind it in the migration that makes it; a test looks that none
is left out. The application's role sees what ``kernel.tenant()`` may; the owner, who migrates and whose
SECURITY DEFINER functions are the few doors through the wall, sees everything. ``FORCE`` lets no owner of a
single table be an exception by accident.
"""

from __future__ import annotations

from alembic import op

OWN = "organization_id = kernel.tenant()"
# What nobody has claimed yet (a screen that waits to be paired, a try with a name that is nobody's) is seen
# by whoever works for nobody yet.
OWN_OR_NOBODYS = "organization_id IS NOT DISTINCT FROM kernel.tenant()"


def guard(table: str, own: str = OWN, *, also_seen: str | None = None) -> None:
    """Let the application see and write only the rows of ``table`` for which ``own`` is true.

    ``also_seen``: which other rows it may see or claim, but not make.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    if also_seen is None:
        op.execute(f"CREATE POLICY tenant ON {table} USING ({own}) WITH CHECK ({own})")
        return
    seen = f"({own}) OR ({also_seen})"
    op.execute(f"CREATE POLICY tenant ON {table} FOR SELECT USING ({seen})")
    op.execute(f"CREATE POLICY adds ON {table} FOR INSERT WITH CHECK ({own})")
    op.execute(
        f"CREATE POLICY changes ON {table} FOR UPDATE USING (({own}) OR ({also_seen})) WITH CHECK ({own})"
    )
    op.execute(f"CREATE POLICY removes ON {table} FOR DELETE USING ({own})")


def guard_by(table: str, parent: str, condition: str) -> None:
    """Let the rows of ``table`` be seen with their ``parent`` rows, which ``condition`` joins to them."""
    guard(table, f"EXISTS (SELECT FROM {parent} parent WHERE {condition})")


def open_up(table: str) -> None:
    """Take the wall away again, for a downgrade."""
    for policy in ("owner", "tenant", "adds", "changes", "removes"):
        op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
    op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
