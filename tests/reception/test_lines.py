"""Lines as their clinics set them: policy, target, privacy, priorities; new stations; live figures."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit.models import Change
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.models import Queue, QueuePriority
from clinic_web.reception.service import checking_in
from tests.reception.desk import Desk

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def mona(desk: Desk, as_person: Browser) -> FlaskClient:
    return as_person("mona")


def settings_of(page: str) -> dict[str, str]:
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    return {
        "version": version.group(1),
        "policy": "NUMBER",
        "draw_at": "CHECK_IN",
        "privacy": "INITIALS",
        "wait_target_minutes": "45",
        "is_active": "1",
    }


def test_a_manager_sets_how_a_line_works(desk: Desk, mona: FlaskClient, pushed: list[str]) -> None:
    url = f"/queues/{desk.cast.dental_queue}"
    fields = settings_of(mona.get(url).text)
    answer = mona.post(url, data=fields, headers=HTMX)
    assert answer.status_code == 200 and 'value="45"' in answer.text
    queue = db.session.get_one(Queue, desk.cast.dental_queue, populate_existing=True)
    assert (queue.policy, queue.draw_at, queue.privacy) == ("NUMBER", "CHECK_IN", "INITIALS")
    assert f"queue:{queue.id}" in pushed
    change = db.session.scalars(select(Change).where(Change.resource_id == queue.id)).one()
    assert change.old_values["policy"] == "APPOINTMENT_TIME" and change.user_id
    assert mona.post(url, data=fields, headers=HTMX).status_code == 409  # the version moved on
    wrong = mona.post(url, data=fields | {"wait_target_minutes": "soon"}, headers=HTMX)
    assert wrong.status_code == 422 and "whole number" in wrong.text and 'value="soon"' in wrong.text
    assert mona.post(url, data=fields | {"wait_target_minutes": "0"}).status_code in (409, 422)


def test_only_who_manages_the_organization_sets_lines(desk: Desk, as_person: Browser) -> None:
    url = f"/queues/{desk.cast.dental_queue}"
    assert as_person("amina").get(url).status_code == 403
    assert as_person("amina").post(url, data={}).status_code == 403
    assert as_person("amina").get("/queues").status_code == 200
    assert desk.cast.people["omar"].actor.organization_id != desk.cast.organization_id
    assert str(desk.cast.dental_queue) not in as_person("omar").get("/queues").text


def test_a_foreign_line_is_not_there(desk: Desk, as_person: Browser, mona: FlaskClient) -> None:
    theirs = new_id()
    elsewhere = Queue(
        id=theirs,
        organization_id=desk.cast.other_organization_id,
        facility_id=UUID(int=1),
        clinic_id=UUID(int=2),
        prefix="X",
    )
    with tenant.of(desk.omar.organization_id), transaction():
        db.session.add(elsewhere)
    assert mona.get(f"/queues/{theirs}").status_code == 404
    assert mona.post(f"/queues/{theirs}/priorities", data={}).status_code == 404


def test_a_station_is_opened_once_per_press(desk: Desk, mona: FlaskClient) -> None:
    fields = {"kind": "PHARMACY", "name": "Pharmacy", "name_ar": "الصيدلية", "prefix": "ph"}
    first = mona.post("/queues", data=fields | {"idempotency_key": "k"})
    again = mona.post("/queues", data=fields | {"idempotency_key": "k"})
    assert first.location == again.location
    station = db.session.scalars(select(Queue).where(Queue.kind == "PHARMACY")).one()
    assert (station.prefix, station.name_ar) == ("PH", "الصيدلية")
    taken = mona.post("/queues", data=fields | {"idempotency_key": "l"}, headers=HTMX)
    assert taken.status_code == 422 and "has this letter already" in taken.text and "الصيدلية" in taken.text
    assert "Pharmacy" in mona.get("/queues/list").text
    with pytest.raises(IntegrityError, match="clinic_or_station"), transaction():
        station.policy = "NUMBER"
        db.session.flush()


def priorities_of(page: str) -> dict[str, str]:
    fields = dict(re.findall(r'name="((?:rank|name|name_ar|version)-\w+)" value="([^"]*)"', page))
    return fields | dict.fromkeys(re.findall(r'name="(is_active-\w+)"', page), "1")


def test_a_clinic_has_priorities_of_its_own(desk: Desk, mona: FlaskClient, as_person: Browser) -> None:
    queue_id = desk.cast.dental_queue
    fields = priorities_of(mona.get(f"/queues/{queue_id}").text)
    assert fields["rank-EMERGENCY"] == "90"
    waits = desk.walk_in(priority="ELDERLY", priority_reason="81")
    fields |= {
        "rank-ELDERLY": "٦٠",
        "name-NEW": "Blood donor",
        "name_ar-NEW": "متبرع بالدم",
        "rank-NEW": "55",
    }
    del fields["is_active-STAFF_DECISION"]
    answer = mona.post(f"/queues/{queue_id}/priorities", data=fields, headers=HTMX)
    assert answer.status_code == 200, answer.text
    assert desk.visit(waits.visit_id).priority_rank == 60  # who waits is ranked anew
    donor = desk.visit(desk.walk_in().visit_id)
    page = as_person("amina").get(f"/desk/hand/visit/{donor.id}?clinic={desk.cast.dental}").text
    assert "Blood donor" in page and "Staff decision" not in page
    checking_in.prioritise(desk.amina, donor.id, "BLOOD_DONOR", "monthly", version=donor.version)
    assert desk.visit(donor.id).priority_rank == 55
    page = as_person("amina").get(f"/desk/hand/visit/{donor.id}?clinic={desk.cast.dental}").text
    assert "Blood donor" in page and "given by Amina Tester" in page
    eye = db.session.scalars(select(QueuePriority.code).where(QueuePriority.queue_id == desk.cast.eye_queue))
    assert "BLOOD_DONOR" not in set(eye)


def test_a_priority_that_is_wrong_is_said_at_its_field(desk: Desk, mona: FlaskClient) -> None:
    url = f"/queues/{desk.cast.dental_queue}"
    fields = priorities_of(mona.get(url).text)
    wrong = mona.post(f"{url}/priorities", data=fields | {"rank-CHILD": "100"}, headers=HTMX)
    assert wrong.status_code == 422 and "between 1 and 99" in wrong.text and 'value="100"' in wrong.text
    nameless = mona.post(f"{url}/priorities", data=fields | {"name_ar-CHILD": " "}, headers=HTMX)
    assert nameless.status_code == 422 and "both languages" in nameless.text
    stale = mona.post(f"{url}/priorities", data=fields | {"version-CHILD": "7", "rank-CHILD": "21"})
    assert stale.status_code == 409


def test_postgresql_lets_a_visit_carry_only_what_its_line_has(desk: Desk) -> None:
    visit = desk.visit(desk.walk_in().visit_id)
    with pytest.raises(RuleBroken):
        checking_in.prioritise(desk.amina, visit.id, "VIP", "friend", version=visit.version)
    with pytest.raises(IntegrityError, match="fk_visits_priority"), transaction():
        visit.priority, visit.priority_reason = "VIP", "friend"
        db.session.flush()


def test_who_was_quicker_is_named(desk: Desk, as_person: Browser) -> None:
    visit = desk.visit(desk.walk_in().visit_id)
    salma = desk.cast.people["salma"].actor
    from clinic_web.reception.service import holding

    holding.hold(salma, visit.id, "X-ray first", version=visit.version)
    answer = as_person("amina").post(
        f"/visits/{visit.id}/cancel", data={"version": "1", "reason": "left"}, headers=HTMX
    )
    assert answer.status_code == 409 and "It was Salma Tester." in answer.text
