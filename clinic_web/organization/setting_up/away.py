"""Leave as its page writes it: whole days or hours of one day, once per press."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from clinic_web.kernel import idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization.access import require_manager
from clinic_web.organization.leave import NewLeave, add_leave
from clinic_web.organization.queries import moment_at


@dataclass(frozen=True, kw_only=True)
class Away:
    """Days by the facility's calendar, both included; hours only where they are of one day."""

    staff_id: UUID
    clinic_id: UUID | None
    first: date
    last: date
    starts: time | None
    ends: time | None
    kind: str
    note: str | None


def span_of(wanted: Away, timezone: str) -> tuple[datetime, datetime]:
    """Return when somebody is away, aware UTC, the end not part of it. Raises RuleBroken (422)."""
    if wanted.last < wanted.first:
        raise RuleBroken(N_("The last day is before the first."), field="last")
    if (wanted.starts or wanted.ends) and wanted.first != wanted.last:
        raise RuleBroken(N_("Hours are of one day: leave the last day empty, or the hours."), field="starts")
    begins = moment_at(wanted.first, wanted.starts or time.min, timezone)
    if wanted.ends:
        return begins, moment_at(wanted.last, wanted.ends, timezone)
    return begins, moment_at(wanted.last + timedelta(days=1), time.min, timezone)


def add(actor: Actor, wanted: Away, timezone: str, *, key: str | None) -> UUID:
    """Write a leave; the same key again gives the same leave. Raises RuleBroken (422), NotFound (404)."""
    require_manager(actor)
    starts_at, ends_at = span_of(wanted, timezone)
    with transaction():
        claim = idempotency.claim(actor, "leave.add", key, {k: str(v) for k, v in vars(wanted).items()})
        if claim.answer is not None:
            return UUID(claim.answer["id"])
        leave_id = add_leave(
            actor,
            NewLeave(
                staff_id=wanted.staff_id,
                clinic_id=wanted.clinic_id,
                starts_at=starts_at,
                ends_at=ends_at,
                kind=wanted.kind,
                note=wanted.note,
            ),
        )
        claim.keep({"id": str(leave_id)})
        return leave_id
