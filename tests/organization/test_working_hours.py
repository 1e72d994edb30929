"""When doctors work, on the wall's clock and in the world's time; also on the days when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.organization import api as organization
from clinic_web.organization.api import Shift
from tests import factories

CAIRO, BERLIN, NEW_YORK = "Africa/Cairo", "Europe/Berlin", "America/New_York"
AN_HOUR = timedelta(hours=1)


class Place:
    """A clinic in a time zone, with one doctor whose hours a test chooses."""

    def __init__(self, timezone: str) -> None:
        self.organization_id = factories.organization()
        facility_id = factories.facility(organization_id=self.organization_id, timezone=timezone)
        self.clinic_id = factories.clinic(
            organization_id=self.organization_id, facility_id=facility_id, code="C", name="Clinic"
        )
        self.room_id = factories.room(
            organization_id=self.organization_id, facility_id=facility_id, clinic_id=self.clinic_id, name="7"
        )
        self.doctor_id = factories.doctor(
            organization_id=self.organization_id,
            facility_id=facility_id,
            clinics=[self.clinic_id],
            first_name="Hana",
            room_id=self.room_id,
            all_day=False,
        )
        self.actor: Actor = system_actor(self.organization_id, facility_id=facility_id)

    def works(self, weekday: int, starts_at: time, ends_at: time, room_id: UUID | None = None) -> None:
        factories.working_hours(
            organization_id=self.organization_id,
            staff_id=self.doctor_id,
            clinic_id=self.clinic_id,
            weekday=weekday,
            room_id=room_id,
            starts_at=starts_at,
            ends_at=ends_at,
        )

    def shifts(self, day: date) -> list[Shift]:
        return organization.shifts(self.actor, self.clinic_id, day)


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        (CAIRO, date(2026, 4, 24), 23),  # the last Friday of April: 00:00 becomes 01:00
        (CAIRO, date(2026, 10, 29), 24),  # 24:00 becomes 23:00; of the two 23:59 the first is meant
        (CAIRO, date(2026, 11, 17), 24),
        (BERLIN, date(2026, 3, 29), 23),
        (BERLIN, date(2026, 10, 25), 25),
        (NEW_YORK, date(2026, 3, 8), 23),
        (NEW_YORK, date(2026, 11, 1), 25),
    ],
)
def test_a_shift_round_the_clock_is_as_long_as_the_day(
    app: Flask, timezone: str, day: date, hours: int
) -> None:
    place = Place(timezone)
    place.works(day.weekday(), time(0, 0), time(23, 59))
    [shift] = place.shifts(day)
    assert shift.ends_at - shift.starts_at + timedelta(minutes=1) == hours * AN_HOUR
    assert shift.starts_at.utcoffset() == timedelta(0)
    assert shift.starts_at.astimezone(ZoneInfo(timezone)).date() == day


def test_an_ordinary_shift_stands_where_the_clock_on_the_wall_says(app: Flask) -> None:
    place = Place(CAIRO)
    place.works(1, time(9, 0), time(13, 30))
    [shift] = place.shifts(date(2026, 11, 17))
    assert shift == Shift(
        staff_id=place.doctor_id,
        room_id=place.room_id,
        starts_at=datetime(2026, 11, 17, 7, 0, tzinfo=UTC),
        ends_at=datetime(2026, 11, 17, 11, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("timezone", "day", "skipped", "first_after"),
    [
        (CAIRO, date(2026, 4, 24), time(0, 20), time(1, 0)),
        (BERLIN, date(2026, 3, 29), time(2, 30), time(3, 0)),
        (NEW_YORK, date(2026, 3, 8), time(2, 30), time(3, 0)),
    ],
)
def test_a_start_that_the_clocks_skip_moves_forward_to_the_first_moment_there_is(
    app: Flask, timezone: str, day: date, skipped: time, first_after: time
) -> None:
    place = Place(timezone)
    place.works(day.weekday(), skipped, time(3, 15))
    [shift] = place.shifts(day)
    assert shift.starts_at.astimezone(ZoneInfo(timezone)).time() == first_after
    assert shift.ends_at.astimezone(ZoneInfo(timezone)).time() == time(3, 15)


def test_a_shift_that_the_clocks_skip_altogether_does_not_take_place(app: Flask) -> None:
    place = Place(BERLIN)
    place.works(6, time(2, 10), time(2, 50))
    assert place.shifts(date(2026, 3, 29)) == []
    assert len(place.shifts(date(2026, 3, 22))) == 1


@pytest.mark.parametrize(
    ("timezone", "day", "twice", "first"),
    [
        (CAIRO, date(2026, 10, 29), time(23, 30), datetime(2026, 10, 29, 20, 30, tzinfo=UTC)),
        (BERLIN, date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (NEW_YORK, date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_of_a_time_that_comes_twice_the_first_is_meant(
    timezone: str, day: date, twice: time, first: datetime
) -> None:
    assert organization.moment_at(day, twice, timezone) == first


def test_hours_count_on_their_weekday_and_while_they_are_valid(app: Flask) -> None:
    place = Place(CAIRO)
    place.works(1, time(9, 0), time(12, 0))
    assert place.shifts(date(2026, 11, 18)) == []
    organization.create_working_hours(
        place.actor,
        staff_id=place.doctor_id,
        clinic_id=place.clinic_id,
        weekday=2,
        starts_at=time(14, 0),
        ends_at=time(16, 0),
        valid_from=date(2026, 11, 18),
        valid_until=date(2026, 11, 18),
    )
    assert len(place.shifts(date(2026, 11, 18))) == 1
    assert place.shifts(date(2026, 11, 11)) == [] == place.shifts(date(2026, 11, 25))


def test_another_tenant_sees_no_shifts(app: Flask) -> None:
    place, elsewhere = Place(CAIRO), Place(CAIRO)
    place.works(1, time(9, 0), time(12, 0))
    assert organization.shifts(elsewhere.actor, place.clinic_id, date(2026, 11, 17)) == []
