"""A doctor is away: the shifts of those days are what is left of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.errors import NotFound, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.organization.api import NewLeave
from tests import factories
from tests.cast import Cast

MONDAY = date(2031, 3, 3)  # winter in Cairo: two hours before UTC


@pytest.fixture
def mona(cast: Cast) -> Actor:
    return system_actor(cast.organization_id, facility_id=cast.facility_id)


def local(hour: int, minute: int = 0, day: int = 3) -> datetime:
    return datetime(2031, 3, day, hour - 2, minute, tzinfo=UTC)


def away(mona: Actor, cast: Cast, start: datetime, end: datetime, **more: object) -> object:
    return organization.add_leave(mona, NewLeave(staff_id=cast.salma, starts_at=start, ends_at=end, **more))  # type: ignore[arg-type]


def spans(mona: Actor, cast: Cast, clinic: object = None) -> list[tuple[datetime, datetime]]:
    found = organization.shifts(mona, clinic or cast.dental, MONDAY)  # type: ignore[arg-type]
    return [(each.starts_at, each.ends_at) for each in found if each.staff_id == cast.salma]


def test_leave_takes_its_part_out_of_the_shift_and_gives_it_back(cast: Cast, mona: Actor) -> None:
    whole = spans(mona, cast)
    leave = away(mona, cast, local(10), local(12), kind="SICK")
    away(mona, cast, local(11), local(13))
    assert spans(mona, cast) == [(whole[0][0], local(10)), (local(13), whole[0][1])]
    assert len(organization.shifts(mona, cast.dental, MONDAY)) == 3, "Karim's day is as it was"
    organization.remove_leave(mona, leave)  # type: ignore[arg-type]
    assert spans(mona, cast) == [(whole[0][0], local(11)), (local(13), whole[0][1])]
    assert [each.kind for each in organization.leaves(mona, staff_id=cast.salma)] == ["VACATION"]


def test_a_whole_week_leaves_nothing(cast: Cast, mona: Actor) -> None:
    start = organization.moment_at(MONDAY, time.min, "Africa/Cairo")
    away(mona, cast, start, local(23, 59, day=9))
    assert spans(mona, cast) == []


def test_a_session_that_is_cancelled_in_one_clinic_leaves_the_other(cast: Cast, mona: Actor) -> None:
    factories.working_hours(
        organization_id=cast.organization_id,
        staff_id=cast.salma,
        clinic_id=cast.eye,
        weekday=0,
        starts_at=time(16),
        ends_at=time(18),
    )
    away(mona, cast, local(2), local(23), clinic_id=cast.dental, kind="SESSION_CANCELLED")
    assert spans(mona, cast, cast.eye) == [(local(16), local(18))]


def test_what_can_not_be_is_refused(cast: Cast, mona: Actor) -> None:
    with pytest.raises(RuleBroken) as refused:
        away(mona, cast, local(12), local(12))
    assert refused.value.field == "ends_at"
    with pytest.raises(RuleBroken):
        away(mona, cast, local(10), local(12), kind="BORED")
    stranger = system_actor(cast.other_organization_id)
    with pytest.raises(NotFound):
        away(stranger, cast, local(10), local(12))
    leave = away(mona, cast, local(10), local(12))
    with pytest.raises(NotFound):
        organization.remove_leave(stranger, leave)  # type: ignore[arg-type]
