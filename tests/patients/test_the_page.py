"""A patient's page with its panels, whom a form means, and who a new patient may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.audit.models import AccessLog
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.patients import api as patients
from clinic_web.patients.models import Allergy, Condition, Patient
from clinic_web.reception.service import walking_in
from clinic_web.reception.service.walking_in import WalkIn
from tests.cast import Cast
from tests.patients.conftest import HTMX, Register
from tests.patients.test_merging import merge


def test_the_page_shows_who_it_is_whom_they_belong_to_and_what_is_known(
    browser: FlaskClient, register: Register, amina: Actor
) -> None:
    adel = register("Adel Tahhan", gender="MALE", phone="0100 555 0142")
    child = register("Hana Tahhan", guardian=adel.patient_number, date_of_birth=date(2020, 5, 1))
    known = {"organization_id": amina.organization_id, "patient_id": child.id}
    db.session.add(Allergy(allergen_type="FOOD", allergen_name="Peanut", severity="SEVERE", **known))
    db.session.add(Condition(condition_name="Asthma", diagnosed_date=date(2022, 1, 1), **known))
    db.session.add(Condition(condition_name="Otitis", is_active=False, **known))
    page = browser.get(f"/patients/{child.id}").text
    assert "Hana Tahhan" in page and "0100 555 0142" in page and "Adel Tahhan" in page
    assert "Allergic to Peanut" in page and "Asthma" in page and "1 condition that is over" in page
    assert f'hx-get="/patients/{child.id}/visits"' in page
    assert f'hx-get="/payments/of-patient/{child.id}"' in page
    assert "Hana Tahhan" in browser.get(f"/patients/{adel.id}").text
    assert (
        db.session.scalars(select(AccessLog.action).where(AccessLog.resource_id == child.id)).all()[-1]
        == "view"
    )


def test_the_panels_show_what_was_written_under_every_id_of_the_patient(
    browser: FlaskClient, cast: Cast, register: Register, amina: Actor
) -> None:
    one, other = register("Maryam Tahhan"), register("Mariam Tahan")
    for each, service in ((one, cast.cleaning), (other, cast.filling)):
        walking_in.open_walk_in(amina, WalkIn(patient_id=each.id, service_id=service), key=str(uuid4()))
        db.session.execute(Patient.__table__.update().where(Patient.id == each.id).values(version=1))
    visits = browser.get(f"/patients/{one.id}/visits", headers=HTMX).text
    assert "Cleaning" in visits and "Filling" not in visits and "<!doctype" not in visits
    bills = browser.get(f"/payments/of-patient/{one.id}").text
    assert "450.00" in bills and "600.00" not in bills and "<!doctype" in bills
    db.session.execute(db.text("UPDATE reception.visits SET status = 'COMPLETED'"))
    merge(amina, one, other)
    for asked in (one, other):
        visits = browser.get(f"/patients/{asked.id}/visits", headers=HTMX).text
        assert "Cleaning" in visits and "Filling" in visits
        bills = browser.get(f"/payments/of-patient/{asked.id}", headers=HTMX).text
        assert "450.00" in bills and "600.00" in bills and "1,050.00" in bills


def test_a_page_and_its_panels_are_nobodys_of_another_tenant_nor_without_the_right(
    as_person: Callable[[str], FlaskClient], register: Register, cast: Cast, amina: Actor
) -> None:
    card = register("Maryam Tahhan")
    urls = [f"/patients/{card.id}", f"/patients/{card.id}/visits", f"/payments/of-patient/{card.id}"]
    assert [as_person("omar").get(url).status_code for url in urls] == [404, 404, 404]
    assert [as_person("salma").get(url).status_code for url in urls] == [303, 303, 403]
    walking_in.open_walk_in(amina, WalkIn(patient_id=card.id, service_id=cast.cleaning), key="1")
    assert [as_person("salma").get(url).status_code for url in urls] == [200, 200, 403]
    assert "of-patient" not in as_person("salma").get(urls[0]).text


def test_the_page_asks_few_questions_however_much_there_is(
    browser: FlaskClient, register: Register, cast: Cast, amina: Actor, count_queries: Callable[[], Any]
) -> None:
    card = register("Maryam Tahhan")
    for number in range(12):
        register(f"Child {number}", guardian=card.patient_number)
        walking_in.open_walk_in(amina, WalkIn(patient_id=card.id, service_id=cast.cleaning), key=str(number))
        db.session.execute(db.text("UPDATE reception.visits SET status = 'COMPLETED'"))
    browser.get(f"/patients/{card.id}")
    for url, most in ((f"/patients/{card.id}", 12), (f"/patients/{card.id}/visits", 6)):
        with count_queries() as queries:
            assert browser.get(url, headers=HTMX).status_code == 200
        assert len(queries) <= most, queries


def test_a_field_finds_whom_it_means_by_name_and_shows_who_a_number_is(
    browser: FlaskClient, register: Register
) -> None:
    adel = register("Adel Tahhan", gender="MALE")
    found = browser.get("/patients/pick?field=guardian&guardian=adel").text
    assert f'data-fill="#f-guardian" data-value="{adel.patient_number}"' in found
    found = browser.get(f"/patients/pick?field=guardian&guardian={adel.patient_number}").text
    assert "Adel Tahhan" in found and "data-fill" not in found
    assert "Nobody is found" in browser.get("/patients/pick?field=guardian&guardian=xyz").text
    form = {"name": "Hana Tahhan", "gender": "FEMALE", "guardian": adel.patient_number}
    browser.post("/patients", data=form | {"idempotency_key": str(uuid4())})
    hana = db.session.scalars(select(Patient).where(Patient.first_name == "Hana")).one()
    assert hana.guardian_id == adel.id
    answer = browser.post("/patients", data=form | {"guardian": "P-999999", "idempotency_key": str(uuid4())})
    assert answer.status_code == 422 and "No patient has the number P-999999." in answer.text


def test_who_it_may_be_is_shown_while_typing_and_stops_nobody(
    browser: FlaskClient, register: Register, amina: Actor
) -> None:
    known = register("Maryam Tahhan", phone="0100 555 0142", date_of_birth=date(1992, 3, 12))
    shown = browser.get("/patients/alike?name=Mariam+Tahan&born=1992&phone=").text
    assert "Take Maryam Tahhan in hand" in shown and f'name="shown" value="{known.id}"' in shown
    shown = browser.get("/patients/alike?name=Somebody&born=&phone=01005550142").text
    assert "already has this number" in shown and 'value="IS_CHILD"' in shown
    assert browser.get("/patients/alike?name=&born=12/&phone=010").text.strip() == ""
    form = {"name": "Mariam Tahan", "born": "1992", "gender": "FEMALE", "shown": str(known.id)}
    answer = browser.post("/patients", data=form | {"idempotency_key": str(uuid4())}, headers=HTMX)
    assert answer.status_code == 200 and len(patients.find(amina, "tah")) == 2


def test_a_taken_telephone_offers_a_way_out_when_editing(browser: FlaskClient, register: Register) -> None:
    adel = register("Adel Tahhan", gender="MALE", phone="0100 555 0142")
    hana = register("Hana Tahhan")
    form = {
        "first_name": "Hana", "last_name": "Tahhan", "gender": "FEMALE", "is_active": "1",
        "phone_primary": "0100 555 0142", "version": "1", "allow_generic_substitution": "1",
    }  # fmt: skip
    answer = browser.post(f"/patients/{hana.id}", data=form)
    assert answer.status_code == 422 and "Adel Tahhan already has this number." in answer.text
    assert 'name="way_out" value="IS_CHILD"' in answer.text
    way_out = {"holder": adel.patient_number, "way_out": "IS_CHILD"}
    assert browser.post(f"/patients/{hana.id}", data=form | way_out).status_code == 303
    row = db.session.get(Patient, hana.id)
    assert row is not None and (row.guardian_id, row.phone_digits) == (adel.id, None)
