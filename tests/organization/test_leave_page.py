"""A manager writes when a doctor is away, sees who is affected, and takes it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from clinic_web.kernel import clock
from clinic_web.organization import api as organization
from tests.cast import Cast
from tests.organization.conftest import HTMX, fields_of


def tomorrow() -> date:
    return clock.today("Africa/Cairo") + timedelta(days=1)


def a_leave(browser: FlaskClient, cast: Cast, **values: Any) -> Any:
    form = fields_of(browser.get("/admin/leave", headers=HTMX).text)
    wanted = {"staff_id": str(cast.salma), "kind": "VACATION", "first": tomorrow().isoformat()}
    return browser.post("/admin/leave", data=form | wanted | values, headers=HTMX)


def works_on(cast: Cast, day: date) -> bool:
    return any(each.staff_id == cast.salma for each in organization.shifts(cast.system, cast.dental, day))


def test_whole_days_are_written_shown_and_taken_back(mona: FlaskClient, cast: Cast) -> None:
    last = tomorrow() + timedelta(days=2)
    answer = a_leave(mona, cast, last=last.isoformat(), note="Conference")
    assert answer.status_code == 200 and "Added leave: Dr Salma" in answer.text
    assert not works_on(cast, tomorrow()) and not works_on(cast, last)
    assert works_on(cast, last + timedelta(days=1))
    [written] = organization.leaves(cast.system, staff_id=cast.salma)
    page = mona.get("/admin/leave").text
    assert "Conference" in page and f"/appointments/affected?staff={cast.salma}&amp;from=" in page
    gone = mona.post(f"/admin/leave/{written.id}/remove", headers=HTMX)
    assert gone.status_code == 200 and "Nobody is away" in gone.text
    assert works_on(cast, tomorrow())


def test_hours_of_one_day_leave_the_rest(mona: FlaskClient, cast: Cast) -> None:
    assert a_leave(mona, cast, starts="10", ends="12:30", clinic_id=str(cast.dental)).status_code == 200
    mine = [
        each
        for each in organization.shifts(cast.system, cast.dental, tomorrow())
        if each.staff_id == cast.salma
    ]
    assert len(mine) == 2


def test_the_same_form_sent_twice_is_one_leave(mona: FlaskClient, cast: Cast) -> None:
    key = str(uuid4())
    for _again in range(2):
        assert a_leave(mona, cast, idempotency_key=key).status_code == 200
    assert len(organization.leaves(cast.system, staff_id=cast.salma)) == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"staff_id": ""}, "Please fill this in."),
        ({"first": "soon"}, "Choose a day."),
        ({"last": "2020-01-01"}, "before the first"),
        ({"kind": "PARTY"}, "Choose one of these."),
        ({"starts": "noon"}, "Write a time"),
        ({"starts": "9", "last": "2099-01-01"}, "Hours are of one day"),
        ({"starts": "12", "ends": "10"}, "The end must come after the beginning."),
    ],
)
def test_a_wrong_field_of_a_leave_is_named(
    mona: FlaskClient, cast: Cast, wrong: dict[str, str], sentence: str
) -> None:
    answer = a_leave(mona, cast, **wrong)
    assert answer.status_code == 422 and sentence in answer.text
    assert organization.leaves(cast.system) == []


def test_leave_is_the_managers_and_another_centres_is_not_there(
    mona: FlaskClient, cast: Cast, as_person: Callable[[str], FlaskClient]
) -> None:
    assert a_leave(mona, cast, staff_id=str(uuid4())).status_code == 404
    assert mona.post(f"/admin/leave/{uuid4()}/remove").status_code == 404
    amina = as_person("amina")
    assert amina.get("/admin/leave").status_code == 403
    assert amina.post("/admin/leave").status_code == 403
    assert amina.post(f"/admin/leave/{uuid4()}/remove").status_code == 403
