"""Runs: each facility's night, and days asked for by hand. Day by day, each its own transaction.

A run is a row; the job only carries its id. A job works for some seconds and then hands the rest to the next
one, so a year takes many short jobs; what a killed worker left over is found by the sweep.
"""

from __future__ import annotations

import time as stopwatch
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, text

from clinic_web.kernel import clock, idempotency, jobs, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reports.access import facility_for, run_for
from clinic_web.reports.live import reports_topic
from clinic_web.reports.models import FAILED, HAND, OPEN, PENDING, Run
from clinic_web.reports.service.making import make_day

logger = structlog.get_logger(__name__)

MOST_DAYS = 366
BUDGET = 20.0  # seconds of one job, well below its time-out
GRACE = timedelta(seconds=60)  # a run that has not moved for so long has lost its worker
TRIES = 3
NIGHT_BEGINS = 1  # the local hour at which yesterday is over for everybody, also where a clinic closes late
LOOK_BACK = 35  # days: what changes later than that (a refund, say) is a movement of its own day

# The facilities whose local night has begun and whose yesterday no run has taken up. A new facility's first
# night does not go back to before there was one.
TONIGHT = text(
    """
    INSERT INTO reports.runs (id, organization_id, facility_id, reason, first_day, last_day, due_at)
    SELECT gen_random_uuid(), f.organization_id, f.id, 'NIGHT',
           GREATEST(f.yesterday - :look_back, LEAST(f.yesterday, f.opened)), f.yesterday, :now
      FROM (SELECT id, organization_id, created_at, CAST(created_at AT TIME ZONE timezone AS date) AS opened,
                   CAST(CAST(:now AS timestamptz) AT TIME ZONE timezone AS date) - 1 AS yesterday,
                   EXTRACT(hour FROM CAST(:now AS timestamptz) AT TIME ZONE timezone) AS hour
              FROM organization.v_facilities) f
     WHERE f.hour >= :night_begins AND f.opened <= f.yesterday
        ON CONFLICT (facility_id, last_day) WHERE reason = 'NIGHT' DO NOTHING
    RETURNING id, facility_id
    """
)


def begin_nights() -> None:
    """Begin the night's run of every facility whose local night has come; twice in a night is a no-op."""
    asked = {"now": clock.now(), "night_begins": NIGHT_BEGINS, "look_back": LOOK_BACK - 1}
    with transaction():
        rows = db.session.execute(TONIGHT, asked).all()
        for run_id, facility_id in rows:
            _hand_on(run_id, 0)
            push.changed(reports_topic(facility_id))


def ask(actor: Actor, facility_id: UUID | None, first: date, last: date, *, key: str | None) -> UUID:
    """Ask for the reports of some days to be made now; return the run, the same one for the same ``key``.

    Raises RuleBroken (422) for days that are not over, in the wrong order or too many; NotFound (404).
    """
    facility = facility_for(actor, facility_id)
    _require_over(first, last, clock.today(facility.timezone))
    with transaction():
        body = {"facility": str(facility.id), "from": str(first), "to": str(last)}
        claim = idempotency.claim(actor, "report.make", key, body)
        if claim.answer is not None:
            return UUID(claim.answer["run_id"])
        run = Run(
            id=new_id(),
            organization_id=actor.organization_id,
            facility_id=facility.id,
            reason=HAND,
            first_day=first,
            last_day=last,
            due_at=clock.now(),
            created_by=actor.user_id,
        )
        db.session.add(run)
        claim.keep({"run_id": str(run.id)})
        _hand_on(run.id, 0)
        push.changed(reports_topic(facility.id))
    return run.id


def _require_over(first: date, last: date, today: date) -> None:
    if last < first:
        raise RuleBroken(N_("The last day is before the first."), field="to")
    if last >= today:
        raise RuleBroken(N_("A report is kept of days that are over: until yesterday."), field="to")
    if (last - first).days >= MOST_DAYS:
        raise RuleBroken(N_("A year at a time at most."), field="from")


def try_again(actor: Actor, run_id: UUID) -> None:
    """Take a failed run up again where it stopped; StaleScreen (409) if it has not failed; NotFound."""
    with transaction():
        run = run_for(actor, run_id)
        if run.state != FAILED:
            raise StaleScreen(N_("This was taken up again already."))
        run.state, run.tries, run.last_error, run.due_at = PENDING, 0, None, clock.now()
        _hand_on(run.id, run.days_done)
        push.changed(reports_topic(run.facility_id))


def go_on(run_id: UUID) -> None:
    """Make day after day of a run until it is done or the job's time is up. Safe to run twice at once."""
    until = stopwatch.monotonic() + BUDGET
    try:
        while _next_day(run_id):
            if stopwatch.monotonic() > until:
                _hand_on_later(run_id)
                return
    except Exception as error:
        # Whatever it was belongs on the run's row, where people see it; the sweep tries again.
        db.session.rollback()
        _note_failure(run_id, error)


def _next_day(run_id: UUID) -> bool:
    """Make one day; return whether more are left. Nothing is done when somebody else works on the run."""
    with transaction():
        claimed = select(Run).where(Run.id == run_id, Run.state.in_(OPEN)).with_for_update(skip_locked=True)
        run: Run | None = db.session.execute(claimed.execution_options(populate_existing=True)).scalar()
        if run is None:
            return False
        changed = make_day(run.organization_id, run.facility_id, run.next_day, by=run.created_by)
        run.advance(changed=changed, at=clock.now())
        push.changed(reports_topic(run.facility_id))
        return run.is_open


def _note_failure(run_id: UUID, error: Exception) -> None:
    logger.exception("report_failed", run_id=str(run_id), exc_info=error)
    with transaction():
        run: Run | None = db.session.execute(select(Run).where(Run.id == run_id).with_for_update()).scalar()
        if run is None or not run.is_open:
            return
        run.tries += 1
        run.last_error = type(error).__name__  # never its text, which may hold a row
        run.due_at = clock.now()
        if run.tries >= TRIES:
            run.state = FAILED
        push.changed(reports_topic(run.facility_id))


def sweep() -> None:
    """Hand on every open run that has not moved for a minute: its job was lost, or failed."""
    lost = select(Run.id, Run.days_done).where(Run.state.in_(OPEN), Run.due_at <= clock.now() - GRACE)
    rows: Any = db.session.execute(lost).all()
    db.session.rollback()
    for run_id, done in rows:
        jobs.enqueue("reports.make", str(run_id), job_id=_job_id(run_id, done))


def _hand_on(run_id: UUID, done: int) -> None:
    jobs.enqueue_after_commit("reports.make", str(run_id), job_id=_job_id(run_id, done))


def _hand_on_later(run_id: UUID) -> None:
    done = db.session.scalar(select(Run.days_done).where(Run.id == run_id))
    db.session.rollback()
    jobs.enqueue("reports.make", str(run_id), job_id=_job_id(run_id, done or 0))


def _job_id(run_id: UUID, done: int) -> str:
    return f"report-{run_id}-{done}"
