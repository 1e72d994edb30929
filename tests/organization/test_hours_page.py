"""A manager writes a doctor's week: split shifts, from a day on, right also where clocks change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete

from clinic_web.kernel import clock, push
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.models import Facility, WorkingHours
from tests import factories
from tests.cast import Cast
from tests.organization.conftest import HTMX, fields_of

A_MORNING = {"from_0_0": "9", "to_0_0": "١٣:٣٠", "from_0_1": "15", "to_0_1": "18"}


@pytest.fixture
def page(cast: Cast) -> str:
    """Salma's hours in the dental clinic, where she has none yet."""
    db.session.execute(delete(WorkingHours).where(WorkingHours.staff_id == cast.salma))
    db.session.commit()
    return f"/admin/hours/{cast.salma}/{cast.dental}"


def opened(browser: FlaskClient, page: str) -> dict[str, Any]:
    answer = browser.get(page, headers=HTMX)
    assert answer.status_code == 200
    return dict(fields_of(answer.text, "hours-form"))


def send(browser: FlaskClient, page: str, **form: Any) -> Any:
    return browser.post(page, data=form, headers=HTMX)


def weeks(cast: Cast) -> list[organization.Week]:
    return organization.weeks_of(cast.system, cast.salma, cast.dental)


def test_a_split_shift_is_written_and_read_again(mona: FlaskClient, cast: Cast, page: str) -> None:
    assert send(mona, page, **A_MORNING).status_code == 200
    [week] = weeks(cast)
    assert [(span.weekday, span.starts_at, span.ends_at) for span in week.spans] == [
        (0, time(9), time(13, 30)),
        (0, time(15), time(18)),
    ]
    form = opened(mona, page)
    assert (form["from_0_0"], form["to_0_1"]) == ("09:00", "18:00")
    assert send(mona, page, **(form | {"to_0_1": "19"})).status_code == 200
    assert weeks(cast)[0].spans[1].ends_at == time(19)
    assert 'class="r num" data-label="Shifts">2' in mona.get("/admin/hours").text


def test_other_hours_from_a_day_on_end_the_ones_before(mona: FlaskClient, cast: Cast, page: str) -> None:
    send(mona, page, **A_MORNING)
    fresh = opened(mona, f"{page}?new=1")
    tomorrow = clock.today("Africa/Cairo") + timedelta(days=1)
    assert fresh["valid_from"] == tomorrow.isoformat() and fresh["from_0_0"] == "09:00"
    assert "week" not in fresh
    assert send(mona, page, **(fresh | {"from_0_0": "10:00"})).status_code == 200
    before, after = weeks(cast)
    assert (before.valid_from, before.valid_until) == (None, tomorrow - timedelta(days=1))
    assert (after.valid_from, after.valid_until) == (tomorrow, None)
    assert (before.spans[0].starts_at, after.spans[0].starts_at) == (time(9), time(10))
    overlapping = send(mona, page, **(A_MORNING | {"valid_until": tomorrow.isoformat()}))
    assert overlapping.status_code == 422 and "Other hours are valid" in overlapping.text
    assert mona.get(f"{page}?week={before.name}").status_code == 200
    assert mona.get(f"{page}?week=never").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"from_1_0": "25:00", "to_1_0": "26"}, "Write a time as 9:00"),
        ({"from_1_0": "9"}, "Write both, or neither."),
        ({"from_1_0": "12", "to_1_0": "9"}, "The end is not after the beginning."),
        ({"from_1_0": "9", "to_1_0": "12", "from_1_1": "11", "to_1_1": "13"}, "These hours overlap."),
        ({"valid_from": "2027-02-01", "valid_until": "2027-01-01"}, "before the first"),
        ({"valid_from": "soon"}, "Choose a day."),
        ({"from_0_0": "", "to_0_0": "", "from_0_1": "", "to_0_1": ""}, "There are no hours in this week."),
        ({"room_0_0": "the big one"}, "Choose one of these."),
    ],
)
def test_wrong_hours_are_named_and_nothing_typed_is_lost(
    mona: FlaskClient, cast: Cast, page: str, wrong: dict[str, str], sentence: str
) -> None:
    answer = send(mona, page, **(A_MORNING | wrong))
    assert answer.status_code == 422 and sentence in answer.text
    again = fields_of(answer.text, "hours-form")
    assert all(again[name] == value for name, value in wrong.items() if name.startswith(("from", "to")))
    assert weeks(cast) == []


def test_two_who_change_one_week_are_shown_both(mona: FlaskClient, cast: Cast, page: str) -> None:
    send(mona, page, **A_MORNING)
    mine, theirs = opened(mona, page), opened(mona, page)
    assert send(mona, page, **(theirs | {"to_0_1": "20"})).status_code == 200
    answer = send(mona, page, **(mine | {"from_0_0": "8:30"}))
    assert answer.status_code == 409 and "Now: 20:00" in answer.text and "Now: 09:00" in answer.text
    kept = fields_of(answer.text, "hours-form")
    assert kept["from_0_0"] == "8:30" and send(mona, page, **kept).status_code == 200
    assert weeks(cast)[0].spans[0].starts_at == time(8, 30)
    stale = send(mona, f"{page}/remove", week=mine["week"], stamp=mine["stamp"])
    assert stale.status_code == 409
    now = opened(mona, page)
    assert send(mona, f"{page}/remove", week=now["week"], stamp=now["stamp"]).status_code == 200
    assert weeks(cast) == []


def test_a_change_of_clocks_moves_no_shift(mona: FlaskClient, cast: Cast, page: str) -> None:
    db.session.get_one(Facility, cast.facility_id).timezone = "Europe/Berlin"
    db.session.commit()
    send(mona, page, from_6_0="9", to_6_0="17")
    in_winter, in_summer = date(2027, 3, 21), date(2027, 3, 28)  # clocks change on the second
    for day, hour in ((in_winter, 8), (in_summer, 7)):
        [shift] = [
            each for each in organization.shifts(cast.system, cast.dental, day) if each.staff_id == cast.salma
        ]
        assert shift.starts_at.hour == hour and (shift.ends_at - shift.starts_at) == timedelta(hours=8)


def test_hours_of_others_are_not_there(
    mona: FlaskClient, cast: Cast, as_person: Callable[[str], FlaskClient]
) -> None:
    for page in (f"/admin/hours/{cast.salma}/{cast.eye}", f"/admin/hours/{uuid4()}/{cast.dental}"):
        assert mona.get(page).status_code == 404
        assert send(mona, page, **A_MORNING).status_code == 404
        assert send(mona, f"{page}/remove").status_code == 404
    page = f"/admin/hours/{cast.salma}/{cast.dental}"
    assert as_person("amina").post(page, data=A_MORNING).status_code == 403
    assert as_person("salma").get(page).status_code == 403


def test_a_shift_has_its_own_room_and_gives_it_back(mona: FlaskClient, cast: Cast, page: str) -> None:
    text = mona.get(page, headers=HTMX).text
    assert "usual: 3" in text and "Monday, room" in text
    other = factories.room(
        organization_id=cast.organization_id, facility_id=cast.facility_id, clinic_id=cast.dental, name="7"
    )
    _changed(cast)
    assert send(mona, page, **(A_MORNING | {"room_0_1": str(other)})).status_code == 200
    assert [span.room_id for span in weeks(cast)[0].spans] == [None, other]
    form = opened(mona, page)
    assert (form.get("room_0_0"), form["room_0_1"]) == ("", str(other))
    assert send(mona, page, **(form | {"room_0_1": ""})).status_code == 200
    assert weeks(cast)[0].spans[1].room_id is None
    assert send(mona, page, **(opened(mona, page) | {"room_0_1": "7"})).status_code == 422


def test_two_doctors_do_not_share_a_room_at_one_time(mona: FlaskClient, cast: Cast, page: str) -> None:
    """Salma's usual room is 3; Karim is written into it on Monday mornings."""
    db.session.execute(delete(WorkingHours).where(WorkingHours.staff_id == cast.karim))
    db.session.commit()
    karims = f"/admin/hours/{cast.karim}/{cast.dental}"
    in_3 = {"from_0_0": "9", "to_0_0": "12", "room_0_0": str(cast.room), "valid_from": "2026-01-01"}
    assert send(mona, karims, **in_3).status_code == 200

    other = factories.room(
        organization_id=cast.organization_id, facility_id=cast.facility_id, clinic_id=cast.dental, name="7"
    )
    _changed(cast)
    refused = send(mona, page, **(A_MORNING | {"from_0_0": "11"}))
    assert refused.status_code == 422 and weeks(cast) == []
    assert 'id="f-room_0_0-error"' in refused.text and "is in room 3 then, 09:00 to 12:00." in refused.text
    assert 'name="from_0_0" value="11"' in refused.text  # nothing typed is lost
    for free in (
        {"from_0_0": "12"},  # when he has gone
        {"room_0_0": str(other)},  # elsewhere
        {"valid_until": "2025-12-31"},  # before he came
    ):
        assert send(mona, page, **(A_MORNING | free)).status_code == 200, free
        db.session.execute(delete(WorkingHours).where(WorkingHours.staff_id == cast.salma))
        db.session.commit()


def test_a_room_of_another_tenant_is_unknown(mona: FlaskClient, cast: Cast, page: str) -> None:
    theirs = factories.room(
        organization_id=cast.other_organization_id,
        facility_id=cast.facility_id,
        clinic_id=cast.dental,
        name="R",
    )
    assert send(mona, page, **(A_MORNING | {"room_0_0": str(theirs)})).status_code == 404
    assert weeks(cast) == []


def _changed(cast: Cast) -> None:
    with transaction():
        push.changed(organization.topic(cast.organization_id))
