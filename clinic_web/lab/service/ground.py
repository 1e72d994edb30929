"""The ground on which a person's new time is chosen: hours, how tests are done here, what is taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from clinic_web.catalog.api import LabTestCard
from clinic_web.lab import planning
from clinic_web.lab.models import LabOrder
from clinic_web.lab.planning import DEFAULT_HOURS, OpenHours, Place, Plan, Taken, Way
from clinic_web.lab.service.statements import GROUND

HORIZON = 14  # days in which a time is looked for

Offers = Mapping[UUID, tuple[bool, int | None, int | None]]


@dataclass(frozen=True)
class Ground:
    """What is known of a laboratory from a moment on: its plan, and the ways of the tests by their ids."""

    plan: Plan
    ways: Mapping[UUID, Way]
    offers: Offers


def read(
    facility_id: UUID,
    timezone: str,
    tests: Mapping[UUID, LabTestCard],
    since: datetime,
    *,
    days: int = HORIZON,
) -> Ground:
    """Read the ground for some tests in one statement."""
    found = GROUND.first(
        {
            "facility_id": facility_id,
            "lab_test_ids": list(tests),
            "since": since,
            "until": since + timedelta(days=days + 1),
        }
    )
    offers = offers_of(found.offers)
    plan = Plan(
        hours=hours_of(found.hours) or DEFAULT_HOURS,
        timezone=timezone,
        since=since,
        days=days,
        taken=taken_of(found.taken),
    )
    return Ground(plan, {test.id: way_of(test, offers) for test in tests.values()}, offers)


def without_own(plan: Plan, rows: Collection[LabOrder]) -> Plan:
    """Return the plan as it is for those who hold ``rows``: their own places are theirs to keep."""
    taken: dict[Place, Taken] = dict(plan.taken)
    for row in rows:
        place = row.lab_test_id, row.scheduled_time
        if found := taken.get(place):
            taken[place] = replace(found, taken=max(found.taken - 1, 0))
    return replace(plan, taken=taken)


def way_of(test: LabTestCard, offers: Offers) -> Way:
    """Return how a facility does a test: its own way, or the catalogue's."""
    _, slot_minutes, capacity = offers.get(test.id, (True, None, None))
    return Way(
        lab_test_id=test.id,
        slot_minutes=slot_minutes or test.slot_minutes,
        capacity=test.capacity if capacity is None else capacity,
    )


def nearest(plan: Plan, ways: list[Way], number: int) -> list[datetime]:
    """Return the next beginnings at which all of ``ways`` fit, at most ``number``."""
    found: list[datetime] = []
    while len(found) < number and (times := planning.choose(plan, ways, soonest=False)):
        found.append(min(times))
        plan = replace(plan, since=min(times) + timedelta(minutes=1))
    return found


def hours_of(rows: list[Any] | None) -> list[OpenHours]:
    """Return the hours as a statement brings them along."""
    return [
        (weekday, time.fromisoformat(begins), time.fromisoformat(ends))
        for weekday, begins, ends in rows or ()
    ]


def offers_of(rows: list[Any] | None) -> dict[UUID, tuple[bool, int | None, int | None]]:
    """Return by test whether it is offered, and its minutes and capacity where they are the place's own."""
    return {UUID(test_id): (offered, minutes, capacity) for test_id, offered, minutes, capacity in rows or ()}


def taken_of(rows: list[Any] | None) -> dict[Place, Taken]:
    return {
        (UUID(test_id), datetime.fromisoformat(starts_at)): Taken(taken, own)
        for test_id, starts_at, taken, own in rows or ()
    }
