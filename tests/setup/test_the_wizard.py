"""A newcomer sets an empty program up: opened by a printed key, once, and gone through page by page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.identity import api as identity
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.organization.models import Organization, Room, Service, Staff
from clinic_web.reception.models import Queue
from clinic_web.setup import service
from clinic_web.setup.models import SetupKey
from tests.cast import Cast

PASSWORD = "three-white-storks"
BEGINNING = {
    "name": "Nile Clinic",
    "name_ar": "عيادة النيل",
    "first_name": "Nabila",
    "last_name": "Aziz",
    "username": "Nabila",
    "password": PASSWORD,
    "again": PASSWORD,
}
FACILITY = {
    "name": "Nile, Zamalek",
    "name_ar": "النيل، الزمالك",
    "timezone": "Africa/Cairo",
    "currency": "EGP",
    "phone_country": "EG",
    "languages": "ar,en",
}
SALMA = {
    "first_name": "Salma",
    "last_name": "Naguib",
    "short_name": "Dr Salma",
    "share_percent": "60",
    "day_6": "1",
    "day_0": "1",
    "from_1": "9",
    "to_1": "13:00",
    "from_2": "14:00",
    "to_2": "17:30",
}
ONCE = re.compile(r"data-once>([0-9A-Z-]+)<")


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def begun(browser: FlaskClient) -> FlaskClient:
    """A browser in which the first page was sent."""
    key = service.new_key()
    assert browser.get(f"/setup?key={key}").location == "/setup"
    answer = browser.post("/setup", data=BEGINNING)
    assert answer.location == "/setup/facility", answer.text
    return browser


def send(browser: FlaskClient, step: str, **form: Any) -> Any:
    return browser.post(f"/setup/{step}", data={"idempotency_key": str(uuid4()), **form})


def the_organization() -> Organization:
    db.session.expire_all()
    [organization_id] = tenant.all_of_them()
    tenant.enter(organization_id)
    return db.session.scalars(select(Organization)).one()


def facts() -> tuple[Any, Any, Any]:
    there = organization.directory(the_organization().id)
    return tuple(there.facilities.values()), tuple(there.clinics.values()), tuple(there.staff.values())


def test_an_empty_program_leads_to_the_wizard(browser: FlaskClient) -> None:
    assert browser.get("/").location.startswith("/login")
    assert browser.get("/login").location == "/setup"
    page = browser.get("/setup")
    assert page.status_code == 200 and 'name="key"' in page.text and "flask --app wsgi setup key" in page.text
    browser.post("/language", data={"locale": "ar", "next": "/setup"})
    assert '<html lang="ar" dir="rtl"' in browser.get("/setup").text


def test_the_whole_way_to_the_desk(begun: FlaskClient, app: Flask) -> None:
    assert begun.get("/setup").location == "/setup/facility"  # taken up again where it was left
    assert send(begun, "facility", **FACILITY).location == "/setup/clinics"
    clinic = {"name": "Dental", "name_ar": "الأسنان", "rooms": "1, 2، 3", "prefix": "d"}
    assert send(begun, "clinics", **clinic).location == "/setup/clinics"
    assert send(begun, "clinics", name="Eye", rooms="7").status_code == 303
    [facility], [dental, eye], _staff = facts()
    assert (facility.name_ar, facility.languages, facility.currency) == (
        "النيل، الزمالك",
        ("ar", "en"),
        "EGP",
    )
    queues = {each.clinic_id: each.prefix for each in db.session.scalars(select(Queue))}
    assert queues == {dental.id: "D", eye.id: "E"}
    assert set(db.session.scalars(select(Room.name))) == {"1", "2", "3", "7"}
    services = {"clinic_id": dental.id, "name": "Check-up", "price": "300", "duration_minutes": "15"}
    assert send(begun, "services", **services).location == "/setup/services"
    assert begun.get("/setup").location == "/setup/doctors"
    assert (
        send(begun, "doctors", **(SALMA | {"clinic_ids": [str(dental.id), str(eye.id)]})).location
        == "/setup/doctors"
    )
    salma = db.session.scalars(select(Staff)).one()
    weeks = organization.weeks_of(organization_actor(), salma.id, eye.id)
    assert [(each.weekday, f"{each.starts_at:%H:%M}") for each in weeks[0].spans] == [
        (0, "09:00"),
        (0, "14:00"),
        (6, "09:00"),
        (6, "14:00"),
    ]
    page = begun.get("/setup/people").text
    assert "Cannot sign in yet:" in page and f"staff={salma.id}" in page
    reception = {"role": "receptionist", "first_name": "Amina", "last_name": "Hegazi", "username": "amina"}
    handed = send(begun, "people", **reception, language="ar")
    password = ONCE.findall(handed.text)[0]
    assert send(begun, "done").location == "/desk"
    assert not the_organization().is_being_set_up
    assert begun.get("/desk").status_code == 200 and "Nile, Zamalek" in begun.get("/desk").text
    for step in ("facility", "clinics", "services", "doctors", "people", "done"):
        assert begun.get(f"/setup/{step}").status_code == 404
        assert send(begun, step).status_code == 404
    amina = app.test_client()
    assert amina.get("/setup").location == "/"
    assert (
        amina.post("/login", data={"username": "amina", "password": password}).location == "/account/password"
    )


def organization_actor() -> Any:
    from clinic_web.kernel.actor import system_actor

    return system_actor(the_organization().id)


def test_the_first_page_wants_the_newest_key(browser: FlaskClient) -> None:
    old, new = service.new_key(), service.new_key()
    for wrong in ("", "AAAA-BBBB", old):
        answer = browser.post("/setup", data=BEGINNING | {"key": wrong})
        assert answer.status_code == 422 and "not the key that was printed last" in answer.text
        assert 'value="Nile Clinic"' in answer.text
    assert db.session.scalars(select(Organization)).all() == []
    assert browser.post("/setup", data=BEGINNING | {"key": f" {new} ".lower()}).status_code == 303


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "Please fill this in."),
        ({"username": ""}, "Please fill this in."),
        ({"again": "something else"}, "The two are not alike."),
        ({"password": "short", "again": "short"}, "At least 12 characters"),
        ({"password": "nabila-nabila-nabila", "again": "nabila-nabila-nabila"}, "easy to guess"),
        ({"password": "", "again": ""}, "Please type a new password."),
    ],
)
def test_a_wrong_field_of_the_first_page_is_named_and_nothing_is_made(
    browser: FlaskClient, wrong: dict[str, str], sentence: str
) -> None:
    key = service.new_key()
    browser.get(f"/setup?key={key}")
    answer = browser.post("/setup", data=BEGINNING | wrong)
    assert answer.status_code == 422 and sentence in answer.text
    assert PASSWORD not in answer.text
    assert db.session.scalars(select(Organization)).all() == []
    assert service.opens(key)


def test_the_wizard_begins_once(begun: FlaskClient, app: Flask) -> None:
    assert service.new_key() is None
    assert db.session.scalars(select(SetupKey)).all() == []
    stranger = app.test_client()
    assert stranger.get("/setup").location == "/"
    assert stranger.post("/setup", data=BEGINNING | {"username": "other"}).location == "/"
    assert stranger.get("/login").status_code == 200
    assert stranger.get("/setup/clinics").location.startswith("/login")
    assert len(tenant.all_of_them()) == 1
    assert list(identity.actors_of(the_organization().id)) == ["nabila"]


def test_a_centre_that_was_made_otherwise_has_no_wizard(
    cast: Cast, as_person: Callable[[str], FlaskClient]
) -> None:
    mona = as_person("mona")
    assert mona.get("/setup").location == "/"
    assert mona.get("/setup/facility").status_code == 404
    assert as_person("amina").get("/setup/facility").status_code == 403
    assert service.new_key() is None


@pytest.mark.parametrize(
    ("step", "form", "sentence"),
    [
        ("facility", {"timezone": "Mars"}, "Choose one of these."),
        ("facility", {"name": ""}, "Please fill this in."),
        ("clinics", {"name": "Skin", "rooms": " ,"}, "at least one room"),
        ("clinics", {"name": "Skin", "rooms": "x" * 21}, "sign is short"),
        ("clinics", {"name": "Skin", "rooms": "9", "prefix": "ق"}, "Latin letters"),
        ("clinics", {"name": "Skin", "rooms": "1"}, "Another room of this facility"),
        ("clinics", {"name": "Dental", "rooms": "9"}, "Another clinic has this code."),
        ("services", {"name": "X", "price": "free"}, "not an amount"),
        ("doctors", {"first_name": "", "last_name": "B"}, "Please fill this in."),
        ("doctors", {"first_name": "A", "last_name": "B", "from_1": "9"}, "begins and ends"),
        ("people", {"role": "administrator"}, "Choose one of these."),
        ("people", {"role": "doctor", "first_name": "A"}, "Say which doctor this is"),
        ("people", {"role": "cashier", "username": "nabila"}, "Please fill this in."),
        ("done", {}, "still missing"),
    ],
)
def test_a_wrong_field_of_a_step_is_named_and_the_step_is_not_done(
    begun: FlaskClient, step: str, form: dict[str, str], sentence: str
) -> None:
    send(begun, "facility", **FACILITY)
    send(begun, "clinics", name="Dental", rooms="1")
    [_facility], [dental], _staff = facts()
    version = {"version": "1", **FACILITY} if step == "facility" else {}
    answer = send(begun, step, **({"clinic_id": str(dental.id), "duration_minutes": "20"} | version | form))
    assert answer.status_code == 422 and sentence in answer.text, answer.text
    assert len(db.session.scalars(select(Service)).all()) == 0
    assert [each.name for each in facts()[1]] == ["Dental"]


def test_one_goes_back_and_changes_what_was_said(begun: FlaskClient) -> None:
    send(begun, "facility", **FACILITY)
    assert 'value="Nile, Zamalek"' in begun.get("/setup/facility").text
    assert send(begun, "facility", **(FACILITY | {"name": "Nile"}), version="1").status_code == 303
    stale = send(begun, "facility", **(FACILITY | {"name": "Nil"}), version="1")
    assert stale.status_code == 409 and "Somebody else changed this" in stale.text
    send(begun, "clinics", name="Dental", rooms="1, 2")
    [facility], [dental], _staff = facts()
    assert facility.name == "Nile"
    page = begun.get(f"/setup/clinics?clinic={dental.id}").text
    assert 'value="1, 2"' in page
    again = {"clinic": dental.id, "version": "1", "name": "Teeth", "rooms": "2, 3"}
    assert send(begun, "clinics", **again).status_code == 303
    there = organization.directory(the_organization().id)
    assert {each.name for each in there.rooms_of(dental.id)} == {"2", "3"}
    assert there.clinics[dental.id].name == "Teeth"
    send(begun, "services", clinic_id=dental.id, name="Filling", price="600", duration_minutes="20")
    filling = db.session.scalars(select(Service)).one()
    assert 'value="600"' in begun.get(f"/setup/services?service={filling.id}").text
    changed = {
        "service": filling.id,
        "version": "1",
        "name": "Filling",
        "price": "650",
        "duration_minutes": "25",
    }
    assert send(begun, "services", **changed).status_code == 303
    doctor = {"first_name": "Salma", "last_name": "Naguib", "clinic_ids": [str(dental.id)], "day_1": "1"}
    send(begun, "doctors", **doctor, from_1="9:00", to_1="12:00")
    salma = db.session.scalars(select(Staff)).one()
    assert 'value="09:00"' in begun.get(f"/setup/doctors?doctor={salma.id}").text
    later = {"doctor": salma.id, "version": "1", "from_1": "10:00", "to_1": "12:00"}
    assert send(begun, "doctors", **doctor, **later).status_code == 303
    [week] = organization.weeks_of(organization_actor(), salma.id, dental.id)
    assert f"{week.spans[0].starts_at:%H:%M}" == "10:00"
    assert begun.get(f"/setup/clinics?clinic={uuid4()}").status_code == 404


def test_a_step_sent_twice_is_done_once(begun: FlaskClient) -> None:
    send(begun, "facility", **FACILITY)
    form = {"idempotency_key": str(uuid4()), "name": "Dental", "rooms": "1, 2"}
    for _again in range(2):
        assert begun.post("/setup/clinics", data=form).status_code == 303
    assert len(facts()[1]) == 1
    person = {"role": "cashier", "first_name": "F", "last_name": "R", "username": "farida", "language": "en"}
    person["idempotency_key"] = str(uuid4())
    assert ONCE.search(begun.post("/setup/people", data=person).text)
    again = begun.post("/setup/people", data=person).text
    assert not ONCE.search(again) and "shown then" in again


def test_the_command_prints_the_address_once_there_is_nothing(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["setup", "key"])
    assert result.exit_code == 0, result.output
    address = re.fullmatch(r"http://localhost/setup\?key=((?:[0-9A-Z]{4}-){4}[0-9A-Z]{4})\n", result.output)
    assert address and service.opens(address[1])
