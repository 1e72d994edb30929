"""When a doctor is away: leave, or a session that is cancelled. ``queries.shifts`` leaves these spans out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from clinic_web.audit import api as audit
from clinic_web.events.organization import LeaveAdded, LeaveRemoved
from clinic_web.kernel import bus, clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization.directory import topic
from clinic_web.organization.models import LEAVE_KINDS, VACATION, Clinic, Staff, StaffLeave

LONGEST_NOTE = 200


@dataclass(frozen=True, kw_only=True)
class Leave:
    """A span, aware UTC times, the end not part of it. ``clinic_id`` None: away from every clinic."""

    id: UUID
    staff_id: UUID
    clinic_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    kind: str
    note: str | None


@dataclass(frozen=True, kw_only=True)
class NewLeave:
    """Aware times; whole days are ``moment_at(day, time.min, timezone)``. ``kind``: one of LEAVE_KINDS."""

    staff_id: UUID
    starts_at: datetime
    ends_at: datetime
    kind: str = VACATION
    note: str | None = None
    clinic_id: UUID | None = None


def add_leave(actor: Actor, new: NewLeave) -> UUID:
    """Write a span in which somebody sees nobody and return its id; appointments in it stay as they are.

    Raises RuleBroken (422, field ``ends_at``, ``kind`` or ``note``), NotFound (404: staff or clinic of
    another tenant).
    """
    if new.ends_at <= new.starts_at:
        raise RuleBroken(N_("The end must come after the beginning."), field="ends_at")
    if new.kind not in LEAVE_KINDS:
        raise RuleBroken(N_("Choose one from the list."), field="kind")
    if new.note and len(new.note) > LONGEST_NOTE:
        raise RuleBroken(
            N_("This is too long: %(longest)s characters at most."), field="note", longest=LONGEST_NOTE
        )
    with transaction():
        _require(actor, new.staff_id, new.clinic_id)
        row = StaffLeave(
            id=new_id(),
            organization_id=actor.organization_id,
            staff_id=new.staff_id,
            clinic_id=new.clinic_id,
            starts_at=new.starts_at,
            ends_at=new.ends_at,
            kind=new.kind,
            note=new.note or None,
            created_by=actor.user_id,
            updated_by=actor.user_id,
        )
        db.session.add(row)
        db.session.flush()
        audit.changed(actor, "leave.add", "staff", row.staff_id, old=None, new=_as_audited(row))
        _tell(actor, LeaveAdded, row)
    return row.id


def remove_leave(actor: Actor, leave_id: UUID, *, at_own_place: bool = False) -> Leave:
    """Take a leave back and return it; a second time changes nothing. NotFound (404) for a foreign one.

    ``at_own_place``: only of staff of the facility that the actor works in, if they work in one.
    """
    with transaction():
        mine = select(StaffLeave).where(
            StaffLeave.id == leave_id, StaffLeave.organization_id == actor.organization_id
        )
        if at_own_place and actor.facility_id is not None:
            theirs = select(Staff.id).where(Staff.facility_id == actor.facility_id)
            mine = mine.where(StaffLeave.staff_id.in_(theirs))
        row = db.session.execute(mine.with_for_update()).scalar_one_or_none()
        if row is None:
            raise NotFound(N_("This leave is not here (any more)."))
        if row.removed_at is None:
            row.removed_at, row.updated_by = clock.now(), actor.user_id
            audit.changed(actor, "leave.remove", "staff", row.staff_id, old=_as_audited(row), new=None)
            _tell(actor, LeaveRemoved, row)
        return _leave(row)


def leaves(
    actor: Actor,
    *,
    staff_id: UUID | None = None,
    clinic_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Leave]:
    """Return the leaves that reach into [since, until), by beginning, in one statement.

    ``clinic_id``: only those that concern this clinic, which leaves from everywhere do.
    """
    wanted = select(StaffLeave).where(
        StaffLeave.organization_id == actor.organization_id, StaffLeave.removed_at.is_(None)
    )
    if staff_id is not None:
        wanted = wanted.where(StaffLeave.staff_id == staff_id)
    if clinic_id is not None:
        wanted = wanted.where(or_(StaffLeave.clinic_id.is_(None), StaffLeave.clinic_id == clinic_id))
    if since is not None:
        wanted = wanted.where(StaffLeave.ends_at > since)
    if until is not None:
        wanted = wanted.where(StaffLeave.starts_at < until)
    return [_leave(row) for row in db.session.scalars(wanted.order_by(StaffLeave.starts_at, StaffLeave.id))]


def _require(actor: Actor, staff_id: UUID, clinic_id: UUID | None) -> None:
    for table, row_id in ((Staff, staff_id), (Clinic, clinic_id)):
        if row_id is None:
            continue
        mine = select(table.id).where(table.id == row_id, table.organization_id == actor.organization_id)
        if db.session.execute(mine).first() is None:
            raise NotFound


def _tell(actor: Actor, event: type[LeaveAdded] | type[LeaveRemoved], row: StaffLeave) -> None:
    """The directory's generation moves, too: whoever keeps shifts by it asks again."""
    push.changed(topic(actor.organization_id))
    bus.publish(
        event(
            organization_id=row.organization_id,
            leave_id=row.id,
            staff_id=row.staff_id,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            clinic_id=row.clinic_id,
        ),
        actor,
    )


def _leave(row: StaffLeave) -> Leave:
    return Leave(
        id=row.id,
        staff_id=row.staff_id,
        clinic_id=row.clinic_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        kind=row.kind,
        note=row.note,
    )


def _as_audited(row: StaffLeave) -> dict[str, object]:
    return {
        "leave_id": str(row.id),
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "kind": row.kind,
    }
