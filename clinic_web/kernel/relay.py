"""The relay sweeps up what was not delivered: it wakes every queue that has deliveries past their lease.

The committing process wakes its consumers itself; the relay is for the times when that word was lost: Redis
was away, a worker was killed in the middle, a delivery waits for its next try. Two relays are harmless.
"""

from __future__ import annotations

from sqlalchemy import text

from clinic_web.kernel import clock, jobs
from clinic_web.kernel.db import db

DUE = text("SELECT DISTINCT queue FROM kernel.deliveries WHERE state = 'DUE' AND due_at <= :now")


def sweep() -> list[str]:
    """Wake every queue with due deliveries; return their names."""
    queues = sorted(db.session.scalars(DUE, {"now": clock.now()}))
    db.session.rollback()
    for queue in queues:
        jobs.wake(queue)
    return queues
