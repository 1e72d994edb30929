"""Working hours, a week at a time: local times on the wall, so a change of clocks moves no shift.

A *week* is the hours of one person in one clinic over a span of days. Weeks of one person in one clinic never
overlap; beginning a new one ends the one before on the day before, and the past stays as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import delete, select

from clinic_web.events.organization import OrganizationChanged
from clinic_web.kernel import bus, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import service
from clinic_web.organization.access import require_manager, row_for
from clinic_web.organization.directory import topic
from clinic_web.organization.models import Staff, StaffClinic, WorkingHours
from clinic_web.organization.setting_up import rooms
from clinic_web.organization.setting_up.spans import EVER, FOREVER, Span, Week

__all__ = ["Span", "Week"]


def weeks_of(actor: Actor, staff_id: UUID, clinic_id: UUID) -> list[Week]:
    """Return a person's weeks in a clinic, the earliest first, in one query."""
    rows = db.session.scalars(
        select(WorkingHours).where(
            WorkingHours.organization_id == actor.organization_id,
            WorkingHours.staff_id == staff_id,
            WorkingHours.clinic_id == clinic_id,
        )
    )
    found: defaultdict[tuple[date | None, date | None], list[Span]] = defaultdict(list)
    for row in rows:
        span = Span(row.weekday, row.starts_at, row.ends_at, row.room_id)
        found[row.valid_from, row.valid_until].append(span)
    weeks = [
        Week(first, last, tuple(sorted(spans, key=lambda each: (each.weekday, each.starts_at))))
        for (first, last), spans in found.items()
    ]
    return sorted(weeks, key=lambda each: (each.valid_from or EVER, each.valid_until or FOREVER))


def hours_by_person(actor: Actor) -> dict[tuple[UUID, UUID], int]:
    """Return how many weekly shifts each person has in each clinic, in one query."""
    rows = db.session.execute(
        select(WorkingHours.staff_id, WorkingHours.clinic_id).where(
            WorkingHours.organization_id == actor.organization_id
        )
    )
    counts: defaultdict[tuple[UUID, UUID], int] = defaultdict(int)
    for staff_id, clinic_id in rows:
        counts[staff_id, clinic_id] += 1
    return dict(counts)


def save_week(
    actor: Actor, staff_id: UUID, clinic_id: UUID, wanted: Week, *, instead_of: str | None, stamp: str
) -> Week:
    """Let a person work these hours in a clinic, instead of the week of that name or beside the others.

    A new week that begins on a day ends an open one the day before. Raises StaleScreen (409) when the week is
    not as the form had it, RuleBroken (422), NotFound (404).
    """
    require_manager(actor)
    with transaction():
        weeks = _locked(actor, staff_id, clinic_id)
        _require_apart(wanted.spans)
        rooms.require_free(actor, staff_id, wanted)
        if instead_of is not None:
            old = _as_opened(weeks, instead_of, stamp)
            if old == wanted:
                return wanted
            weeks.remove(old)
            _remove(staff_id, clinic_id, old)
        for each in weeks:
            _make_room(actor, staff_id, clinic_id, each, wanted, is_new=instead_of is None)
        _write(actor, staff_id, clinic_id, wanted)
        _tell(actor)
    return wanted


def remove_week(actor: Actor, staff_id: UUID, clinic_id: UUID, *, name: str, stamp: str) -> None:
    """Take a week of hours away. Raises StaleScreen (409) when it is not as the page had it, NotFound."""
    require_manager(actor)
    with transaction():
        old = _as_opened(_locked(actor, staff_id, clinic_id), name, stamp)
        _remove(staff_id, clinic_id, old)
        _tell(actor)


def _locked(actor: Actor, staff_id: UUID, clinic_id: UUID) -> list[Week]:
    """Whoever changes a person's hours holds the person's row: two do it one after the other."""
    row_for(actor, Staff, staff_id, lock=True)
    works_there = select(StaffClinic.staff_id).where(
        StaffClinic.staff_id == staff_id, StaffClinic.clinic_id == clinic_id
    )
    if db.session.scalar(works_there) is None:
        raise NotFound
    return weeks_of(actor, staff_id, clinic_id)


def _as_opened(weeks: list[Week], name: str, stamp: str) -> Week:
    found = next((each for each in weeks if each.name == name), None)
    if found is None or found.stamp != stamp:
        raise StaleScreen(N_("Somebody else changed these hours while you worked."))
    return found


def _require_apart(spans: Iterable[Span]) -> None:
    by_day: defaultdict[int, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda each: (each.weekday, each.starts_at)):
        before = by_day[span.weekday]
        if before and span.starts_at < before[-1].ends_at:
            raise RuleBroken(N_("These hours overlap."), field=f"from_{span.weekday}_{len(before)}")
        before.append(span)


def _make_room(
    actor: Actor, staff_id: UUID, clinic_id: UUID, other: Week, wanted: Week, *, is_new: bool
) -> None:
    """End an open week the day before a new one begins; refuse any other overlap."""
    if not other.overlaps(wanted):
        return
    begins_earlier = wanted.valid_from is not None and (other.valid_from or EVER) < wanted.valid_from
    if not (is_new and begins_earlier and wanted.valid_from and other.valid_until is None):
        raise RuleBroken(
            N_("Other hours are valid on some of these days. Change those, or choose other days."),
            field="valid_from",
        )
    _remove(staff_id, clinic_id, other)
    _write(
        actor, staff_id, clinic_id, Week(other.valid_from, wanted.valid_from - timedelta(days=1), other.spans)
    )


def _remove(staff_id: UUID, clinic_id: UUID, week: Week) -> None:
    db.session.execute(
        delete(WorkingHours).where(
            WorkingHours.staff_id == staff_id,
            WorkingHours.clinic_id == clinic_id,
            WorkingHours.valid_from.is_not_distinct_from(week.valid_from),
            WorkingHours.valid_until.is_not_distinct_from(week.valid_until),
        )
    )


def _write(actor: Actor, staff_id: UUID, clinic_id: UUID, week: Week) -> None:
    for span in week.spans:
        service.create_working_hours(
            actor,
            staff_id=staff_id,
            clinic_id=clinic_id,
            weekday=span.weekday,
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            room_id=span.room_id,
            valid_from=week.valid_from,
            valid_until=week.valid_until,
        )


def _tell(actor: Actor) -> None:
    push.changed(topic(actor.organization_id))
    bus.publish(OrganizationChanged(organization_id=actor.organization_id), actor)
