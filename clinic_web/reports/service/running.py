"""Runs: each facility's night, and days asked for by hand. Day by day, each its own transaction."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import text

from clinic_web.kernel import clock, idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.runs import Runner
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reports.access import facility_for, run_for
from clinic_web.reports.live import reports_topic
from clinic_web.reports.models import HAND, Run
from clinic_web.reports.service.making import make_day

MOST_DAYS = 366
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
            RUNS.hand_on(run_id)
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
        RUNS.hand_on(run.id)
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
        RUNS.take_up_again(run_for(actor, run_id))


def _next_day(run: Run) -> None:
    changed = make_day(run.organization_id, run.facility_id, run.next_day, by=run.created_by)
    run.advance(changed=changed, at=clock.now())


def _topic(run: Run) -> str:
    return reports_topic(run.facility_id)


RUNS = Runner(model=Run, job="reports.make", column="days_done", step=_next_day, topic=_topic)
go_on, sweep = RUNS.go_on, RUNS.sweep
