"""A manager sets the centre up: places, people, services and their prices."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.audit.models import Change
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.tables import DomainEvent
from clinic_web.organization import api as organization
from clinic_web.organization.models import (
    Clinic,
    Department,
    Facility,
    Organization,
    Room,
    Service,
    ServiceTerms,
    Staff,
    StaffShare,
)
from clinic_web.organization.ports import ports
from tests.cast import Cast
from tests.organization.conftest import HTMX, fields_of

KINDS = ("facilities", "departments", "clinics", "rooms", "staff", "services")


def opened(browser: FlaskClient, path: str) -> dict[str, Any]:
    page = browser.get(path, headers=HTMX)
    assert page.status_code == 200
    return dict(fields_of(page.text))


def a_new(browser: FlaskClient, kind: str, **values: Any) -> Any:
    return browser.post(f"/admin/{kind}", data=opened(browser, f"/admin/{kind}/new") | values, headers=HTMX)


def send(browser: FlaskClient, path: str, form: dict[str, Any]) -> Any:
    return browser.post(path, data=form, headers=HTMX)


def test_each_kind_has_a_list_a_form_and_a_page_for_a_browser_without_scripts(
    mona: FlaskClient, cast: Cast, count_queries: Any
) -> None:
    for kind in KINDS:
        with count_queries() as queries:
            page = mona.get(f"/admin/{kind}")
        assert page.status_code == 200 and "<!doctype html>" in page.text
        assert len(queries) <= 14, queries  # the directory may be read anew, seven statements
        assert mona.get(f"/admin/{kind}/new").status_code == 200
    with count_queries() as queries:
        assert mona.get("/admin/rooms").status_code == 200
    assert len(queries) <= 6, queries
    assert "North Garden" in mona.get("/admin/organization").text
    assert mona.get("/admin/staff/" + str(cast.salma), headers=HTMX).text.count("<form") == 2
    assert mona.get("/admin/wards").status_code == 404


def test_telephones_and_countries_are_ones_that_exist(mona: FlaskClient, cast: Cast) -> None:
    place = {"name": "Harbour", "timezone": "Africa/Cairo", "currency": "EGP", "phone_country": "EG"}
    wrong = a_new(mona, "facilities", **place, phone="zz", country="zz", code="é")
    assert wrong.status_code == 422
    assert "This is not a telephone number. Write it as 02 34567890." in wrong.text
    assert "This is not the name of a country." in wrong.text
    assert wrong.text.count('value="zz"') == 2 and 'value="Harbour"' in wrong.text
    assert "Telephone: " in wrong.text and "Country: " in wrong.text  # in the list on top
    person = {"first_name": "Lina", "last_name": "Rezk", "facility_id": str(cast.facility_id)}
    wrong = a_new(mona, "staff", **person, phone="zz")
    assert wrong.status_code == 422 and "This is not a telephone number." in wrong.text
    assert a_new(mona, "staff", **person, phone="٠١٠٠ ٥٥٥ ٠١٤٢").status_code == 200
    for number, country in (("19123", "مصر"), ("+49 30 901820", "Germany"), ("02 2555 0100", "EG")):
        answer = a_new(mona, "facilities", **(place | {"name": country}), phone=number, country=country)
        assert answer.status_code == 200, answer.text


def test_a_place_of_each_kind_is_added(mona: FlaskClient, cast: Cast) -> None:
    facility = a_new(
        mona,
        "facilities",
        name="Harbour",
        timezone="Europe/Berlin",
        currency="EUR",
        phone_country="DE",
        address="Pier 1",
        address_ar="رصيف ١",
        registration="VAT DE123",
        registration_ar="ضريبة DE123",
    )
    assert facility.status_code == 200 and "Added: Harbour" in facility.text
    harbour = db.session.scalars(select(Facility).where(Facility.name == "Harbour")).one()
    assert (harbour.code, harbour.languages, harbour.timezone) == ("HARBOUR", ["en", "ar"], "Europe/Berlin")
    assert (harbour.address_ar, harbour.registration, harbour.registration_ar) == (
        "رصيف ١", "VAT DE123", "ضريبة DE123",
    )  # fmt: skip
    here = str(harbour.id)
    assert a_new(mona, "departments", name="Surgery", facility_id=here, code="sur").status_code == 200
    department = db.session.scalars(select(Department).where(Department.code == "SUR")).one()
    clinic = a_new(
        mona, "clinics", name="Skin", name_ar="الجلدية", facility_id=here, department_id=department.id
    )
    assert clinic.status_code == 200
    skin = db.session.scalars(select(Clinic).where(Clinic.name == "Skin")).one()
    assert (skin.department_id, skin.name_ar, skin.code) == (department.id, "الجلدية", "SKIN")
    told = db.session.scalars(select(DomainEvent.event_data).where(DomainEvent.event_type == "clinic.added"))
    assert [each["clinic_id"] for each in told] == [str(skin.id)]
    assert a_new(mona, "rooms", name="12B", facility_id=here, clinic_id=skin.id).status_code == 200
    room = db.session.scalars(select(Room).where(Room.name == "12B")).one()
    answer = a_new(
        mona,
        "staff",
        first_name="Lina",
        last_name="Rezk",
        facility_id=here,
        clinic_ids=[str(skin.id), str(cast.dental)],
        room_id=room.id,
        share_percent="٦٢٫٥",
    )
    assert answer.status_code == 200 and "Lina Rezk" in answer.text
    lina = db.session.scalars(select(Staff).where(Staff.first_name == "Lina")).one()
    assert (lina.short_name, lina.share_percent, lina.profession) == ("Lina", Decimal("62.50"), "DOCTOR")
    works_in = organization.directory(cast.organization_id).staff[lina.id].clinic_ids
    assert works_in == {skin.id, cast.dental}
    form = {"name": "Peeling", "clinic_id": skin.id, "price": "١٬٢٠٠٫٥٠", "duration_minutes": "25"}
    assert a_new(mona, "services", **form).status_code == 200
    peeling = db.session.scalars(select(Service).where(Service.name == "Peeling")).one()
    assert (peeling.price, peeling.share_percent, peeling.code) == (Decimal("1200.50"), None, "PEELING")
    assert peeling.created_by == cast.people["mona"].user_id


def test_the_same_form_sent_twice_adds_one(mona: FlaskClient, cast: Cast) -> None:
    form = opened(mona, "/admin/rooms/new") | {"name": "77"}
    assert send(mona, "/admin/rooms", form).status_code == 200
    assert send(mona, "/admin/rooms", form).status_code == 200
    assert len(db.session.scalars(select(Room).where(Room.name == "77")).all()) == 1
    other = send(mona, "/admin/rooms", form | {"name": "78"})
    assert other.status_code == 422 and "other values" in other.text
    assert send(mona, "/admin/rooms", {"name": "79", "facility_id": cast.facility_id}).status_code == 400


@pytest.mark.parametrize(
    ("kind", "wrong", "sentence"),
    [
        ("facilities", {"timezone": "Mars/Olympus"}, "Choose one of these."),
        ("facilities", {"currency": "XXXX"}, "Choose one of these."),
        ("facilities", {"email": "nobody"}, "not an e-mail address"),
        ("departments", {"name": " "}, "Please fill this in."),
        ("clinics", {"code": "قلب"}, "Latin letters"),
        ("clinics", {"code": "dental"}, "Another clinic has this code."),
        ("clinics", {"sort_order": "first"}, "whole number from 0 to 999"),
        ("rooms", {"name": "3"}, "Another room of this facility has this sign."),
        ("rooms", {"name": "x" * 21}, "20 characters at most"),
        ("staff", {"share_percent": "101"}, "from 0 to 100"),
        ("staff", {"profession": "WIZARD"}, "Choose one of these."),
        ("services", {"price": "-1"}, "negative"),
        ("services", {"price": "9999999"}, "too large"),
        ("services", {"duration_minutes": "3"}, "from 5 to 480"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_typed_is_lost(
    mona: FlaskClient, cast: Cast, kind: str, wrong: dict[str, str], sentence: str
) -> None:
    good = {
        "name": "A good name",
        "first_name": "Lina",
        "last_name": "Rezk",
        "clinic_id": cast.dental,
        "timezone": "UTC",
        "price": "10",
    }
    answer = a_new(mona, kind, **(good | wrong))
    assert answer.status_code == 422 and sentence in answer.text
    again = fields_of(answer.text)
    for name, value in wrong.items():
        if name not in ("timezone", "currency", "profession"):
            assert again[name] == value
    assert again.get("name", "A good name") in ("A good name", *wrong.values())


def test_a_row_of_another_centre_is_not_there(mona: FlaskClient, cast: Cast) -> None:
    with tenant.of(cast.other_organization_id):
        theirs = db.session.scalars(select(Facility.id)).one()
    for path in (f"/admin/facilities/{theirs}", f"/admin/rooms/{uuid4()}"):
        assert mona.get(path).status_code == 404
        assert send(mona, path, {"name": "Mine now"}).status_code == 404
        assert send(mona, f"{path}/close", {"version": "1"}).status_code == 404
        assert send(mona, f"{path}/open", {"version": "1"}).status_code == 404
    assert a_new(mona, "rooms", name="9", facility_id=str(theirs)).status_code == 404
    assert send(mona, "/admin/organization/close", {}).status_code == 404


def test_who_does_not_manage_the_organization_is_refused(as_person: Callable[[str], FlaskClient]) -> None:
    for name in ("amina", "farida", "salma"):
        browser = as_person(name)
        for path in ("/admin", "/admin/organization", "/admin/rooms", "/admin/rooms/new", "/admin/hours"):
            assert browser.get(path).status_code == 403, (name, path)
        for path in ("/admin/organization", "/admin/rooms", f"/admin/rooms/{uuid4()}/close"):
            assert browser.post(path).status_code == 403, (name, path)
        assert "/admin" not in browser.get("/account").text


def test_two_who_change_one_row_are_shown_both_sides(mona: FlaskClient, cast: Cast) -> None:
    path = f"/admin/services/{cast.cleaning}"
    mine, theirs = opened(mona, path), opened(mona, path)
    assert send(mona, path, theirs | {"price": "500", "name": "Deep cleaning"}).status_code == 200
    answer = send(mona, path, mine | {"price": "475"})
    assert answer.status_code == 409 and "Somebody else changed this" in answer.text
    assert "<del>475</del>" in answer.text and "<ins>500</ins>" in answer.text
    merged = fields_of(answer.text)
    assert (merged["price"], merged["name"]) == ("475", "Deep cleaning")  # mine kept, theirs taken
    assert send(mona, path, merged).status_code == 200
    row = db.session.get_one(Service, cast.cleaning, populate_existing=True)
    assert (row.price, row.name) == (Decimal("475"), "Deep cleaning")


def test_an_untouched_form_changes_nothing(mona: FlaskClient, cast: Cast) -> None:
    for path in (
        f"/admin/staff/{cast.salma}",
        f"/admin/services/{cast.filling}",
        f"/admin/clinics/{cast.dental}",
        f"/admin/facilities/{cast.facility_id}",
        "/admin/organization",
    ):
        assert send(mona, path, opened(mona, path)).status_code == 200, path
    assert db.session.get_one(Staff, cast.salma, populate_existing=True).version == 1
    assert db.session.get_one(Service, cast.filling, populate_existing=True).version == 1
    assert db.session.get_one(Organization, cast.organization_id, populate_existing=True).version == 1


def test_a_price_keeps_its_history_and_leaves_old_and_new(mona: FlaskClient, cast: Cast) -> None:
    path = f"/admin/services/{cast.cleaning}"
    assert send(mona, path, opened(mona, path) | {"price": "480", "share_percent": "50"}).status_code == 200
    assert send(mona, path, opened(mona, path) | {"price": "510"}).status_code == 200
    rows = db.session.scalars(
        select(ServiceTerms).where(ServiceTerms.service_id == cast.cleaning).order_by(ServiceTerms.valid_from)
    ).all()
    assert [(row.price, row.share_percent, row.share_rule_version) for row in rows] == [
        (Decimal(480), Decimal(50), 2),
        (Decimal(510), Decimal(50), 2),
    ]
    changes = db.session.scalars(select(Change).where(Change.action == "services.change")).all()
    assert (changes[-1].old_values, changes[-1].new_values) == ({"price": "480.0000"}, {"price": "510.00"})
    page = mona.get(path).text
    assert "Prices and shares over time" in page and "480.00" in page and "510.00" in page


def test_a_changed_share_is_another_version_of_the_rule(mona: FlaskClient, cast: Cast) -> None:
    actor = cast.people["mona"].actor
    before = organization.terms(actor, cast.cleaning, cast.salma)
    path = f"/admin/staff/{cast.salma}"
    assert send(mona, path, opened(mona, path) | {"share_percent": "70"}).status_code == 200
    after = organization.terms(actor, cast.cleaning, cast.salma)
    assert (before.share_percent, before.share_rule_version) == (Decimal(60), 1)
    assert (after.share_percent, after.share_rule_version) == (Decimal(70), 2)
    assert organization.terms(actor, cast.cleaning, cast.karim).share_rule_version == 1
    kept = db.session.scalars(select(StaffShare).where(StaffShare.staff_id == cast.salma)).one()
    assert (kept.share_percent, kept.created_by) == (Decimal(70), actor.user_id)
    change = db.session.scalars(select(Change).where(Change.action == "staff.change")).one()
    assert (change.old_values, change.new_values) == ({"share_percent": "60.00"}, {"share_percent": "70.00"})


def test_a_person_works_in_several_clinics_and_hours_end_with_one(mona: FlaskClient, cast: Cast) -> None:
    path = f"/admin/staff/{cast.salma}"
    both = opened(mona, path) | {"clinic_ids": [str(cast.dental), str(cast.eye)]}
    assert send(mona, path, both).status_code == 200
    there = organization.directory(cast.organization_id)
    assert there.staff[cast.salma].clinic_ids == {cast.dental, cast.eye}
    assert cast.salma in {each.id for each in there.doctors_of(cast.eye)}
    assert send(mona, path, opened(mona, path) | {"clinic_ids": [str(cast.eye)]}).status_code == 200
    assert not organization.shifts(cast.system, cast.dental, organization_day()) or all(
        shift.staff_id != cast.salma
        for shift in organization.shifts(cast.system, cast.dental, organization_day())
    )
    organization.let_work_in(cast.system, cast.salma, [cast.dental])
    again = organization.directory(cast.organization_id).staff[cast.salma]
    assert again.clinic_ids == {cast.dental, cast.eye}


def organization_day() -> Any:
    from clinic_web.kernel import clock

    return clock.today("Africa/Cairo")


def test_what_is_pointed_to_is_closed_and_what_is_not_is_deleted(mona: FlaskClient, cast: Cast) -> None:
    a_new(mona, "rooms", name="88")
    spare = db.session.scalars(select(Room).where(Room.name == "88")).one()
    gone = send(mona, f"/admin/rooms/{spare.id}/close", {"version": "1"})
    assert gone.status_code == 200 and "Deleted: 88" in gone.text and "/open" in gone.text
    assert mona.get(f"/admin/rooms/{spare.id}").status_code == 404
    undo = send(mona, f"/admin/rooms/{spare.id}/open", {"version": "2"})
    assert undo.status_code == 200 and mona.get(f"/admin/rooms/{spare.id}").status_code == 200
    closed = send(mona, f"/admin/clinics/{cast.dental}/close", {"version": "1"})
    assert closed.status_code == 200 and "Closed, not deleted: Dental" in closed.text
    for use in ("rooms: 2", "services: 2", "people: 2"):
        assert use in closed.text
    assert cast.dental not in {
        each.id for each in organization.directory(cast.organization_id).clinics_of(cast.facility_id)
    }
    assert send(mona, f"/admin/clinics/{cast.dental}/close", {"version": "1"}).status_code == 409
    assert send(mona, f"/admin/services/{cast.filling}/close", {"version": "1"}).status_code == 200
    assert db.session.get_one(Service, cast.filling, populate_existing=True).deleted_at is None


def test_a_clinic_with_bookings_is_not_closed(
    mona: FlaskClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "upcoming", lambda actor, column, row_id: 12)
    answer = send(mona, f"/admin/clinics/{cast.dental}/close", {"version": "1"})
    assert answer.status_code == 422 and "12" in answer.text and "Move or cancel them first" in answer.text
    assert send(mona, f"/admin/staff/{cast.salma}/close", {"version": "1"}).status_code == 422
    assert send(mona, f"/admin/rooms/{cast.room}/close", {"version": "1"}).status_code == 200


def test_open_screens_are_told_at_once(mona: FlaskClient, cast: Cast, pushed: list[str]) -> None:
    path = f"/admin/rooms/{cast.room}"
    form = opened(mona, path)
    pushed.clear()
    assert send(mona, path, form | {"name": "3A"}).status_code == 200
    assert pushed == [f"organization:{cast.organization_id}"]
    told = db.session.scalars(
        select(DomainEvent.event_type).where(DomainEvent.event_type == "organization.changed")
    )
    assert told.all() == ["organization.changed"]
    assert organization.directory(cast.organization_id).rooms[cast.room].name == "3A"


def test_the_start_page_says_what_is_missing(mona: FlaskClient, cast: Cast, count_queries: Any) -> None:
    with count_queries() as queries:
        page = mona.get("/admin").text
    assert len(queries) <= 12
    for sentence in ("Without a room: Eye", "Without a service: Eye", "Without a doctor: Eye"):
        assert sentence in page
    assert mona.get("/admin", headers=HTMX).text.startswith("<section")


def test_set_up_reads_in_arabic(mona: FlaskClient, cast: Cast) -> None:
    mona.post("/account/settings", data={"locale": "ar"})
    page = mona.get(f"/admin/staff/{cast.salma}").text
    assert 'dir="rtl"' in page and "الأسنان" in page
