"""What the kernel tidies up by itself: idempotency keys that nobody can repeat any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from clinic_web.kernel import acting, clock, schedule, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.kernel.tables import IdempotencyKey, ScheduledRun
from clinic_web.kernel.unit_of_work import transaction

KEEP_KEYS = timedelta(days=2)
KEEP_RUNS = timedelta(days=14)
OFTEN, KEEP_OFTEN = timedelta(minutes=2), timedelta(hours=1)


def forget_old_keys() -> None:
    """Forget keys after two days: a browser repeats a form within minutes, a paper trail needs no key."""
    with transaction():
        db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.now() - KEEP_KEYS))


def forget_old_runs() -> None:
    """Forget what ran by itself: after two weeks, or an hour where it runs every few seconds."""
    with transaction():
        db.session.execute(delete(ScheduledRun).where(ScheduledRun.slot < clock.now() - KEEP_RUNS))
        # What runs every few seconds would fill the table with runs that went well.
        often = [each.name for each in schedule.registered() if each.every < OFTEN]
        db.session.execute(
            delete(ScheduledRun).where(
                ScheduledRun.name.in_(often),
                ScheduledRun.error.is_(None),
                ScheduledRun.slot < clock.now() - KEEP_OFTEN,
            )
        )


def register() -> None:
    schedule.every(
        timedelta(hours=1),
        "kernel.forget_old_keys",
        tenant.in_each(forget_old_keys),
        word=N_("Forget old keys of forms"),
        acts_for=acting.EACH_TENANT,
    )
    schedule.every(
        timedelta(hours=1),
        "kernel.forget_old_runs",
        forget_old_runs,
        word=N_("Forget old runs of jobs"),
        acts_for=acting.NO_TENANT,
    )
