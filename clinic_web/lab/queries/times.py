"""The times of one test on a day: how many fit, how many are taken, and whether a person said so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from clinic_web.catalog import api as catalog
from clinic_web.catalog.api import LabTestCard
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.lab.models import LabOrder
from clinic_web.lab.planning import spans_of, starts_in
from clinic_web.lab.queries.worklist import bounds
from clinic_web.lab.service import ground
from clinic_web.lab.service.capacities import NO_TEST
from clinic_web.organization import api as organization


@dataclass(frozen=True, kw_only=True)
class Time:
    """A time of a test: ``taken`` of ``capacity`` places; ``is_own``: a person gave it that capacity."""

    starts_at: datetime
    taken: int
    capacity: int
    is_own: bool
    is_past: bool

    @property
    def is_full(self) -> bool:
        return self.taken >= self.capacity


@dataclass(frozen=True, kw_only=True)
class Times:
    """A test's times on a day; ``usual`` is the capacity of a time that nobody changed."""

    test: LabTestCard
    day: date
    today: date
    usual: int
    times: tuple[Time, ...]
    choices: tuple[LabTestCard, ...]


def of_day(actor: Actor, day: date | None, lab_test_id: UUID | None) -> Times | None:
    """Return a test's times; without a test those of the first that is done that day, None where none is.

    Raises NotFound (404) for a test of another tenant.
    """
    facility = organization.facility(actor)
    today = clock.today(facility.timezone)
    day = day or today
    since, until = bounds(facility, day)
    ordered = select(LabOrder.lab_test_id).where(
        LabOrder.facility_id == facility.id,
        LabOrder.organization_id == actor.organization_id,
        LabOrder.scheduled_time >= since,
        LabOrder.scheduled_time < until,
    )
    ids = set(db.session.scalars(ordered.distinct()))
    tests = catalog.lab_tests(actor, ids | ({lab_test_id} if lab_test_id else set()))
    if lab_test_id is not None and lab_test_id not in tests:
        raise NotFound(NO_TEST)
    choices = tuple(sorted(tests.values(), key=lambda test: test.name))
    if not choices:
        return None
    test = tests[lab_test_id] if lab_test_id else choices[0]
    found = ground.read(facility.id, facility.timezone, {test.id: test}, since, days=1)
    way = found.ways[test.id]
    starts = set(starts_in(spans_of(found.plan.hours, facility.timezone, day), way.slot_minutes))
    starts |= {at for (_, at), known in found.plan.taken.items() if at < until and known.taken}
    return Times(
        test=test,
        day=day,
        today=today,
        usual=way.capacity,
        times=tuple(_time(found, test.id, at) for at in sorted(starts)),
        choices=choices,
    )


def _time(found: ground.Ground, lab_test_id: UUID, at: datetime) -> Time:
    known = found.plan.taken.get((lab_test_id, at))
    own = known.own_capacity if known else None
    return Time(
        starts_at=at,
        taken=known.taken if known else 0,
        capacity=found.ways[lab_test_id].capacity if own is None else own,
        is_own=own is not None,
        is_past=at < clock.now(),
    )
