"""What we know of a patient is changed by one person at a time, and nobody's change is lost."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.audit.models import AccessLog
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.tables import DomainEvent
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.patients.models import Patient
from tests.patients.conftest import HTMX, Register

INPUT = re.compile(r'<input[^>]*\sname="([^"]+)"[^>]*>')


@pytest.fixture
def maryam(register: Register) -> PatientCard:
    return register("Maryam Adel Tahhan", phone="0100 555 0142", date_of_birth=date(1992, 3, 12))


def opened(browser: FlaskClient, card: PatientCard) -> dict[str, str]:
    """Open the edit form and return what a browser would send back untouched."""
    page = browser.get(f"/patients/{card.id}/edit", headers=HTMX)
    assert page.status_code == 200
    return fields_of(page.text)


def fields_of(page: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for tag in INPUT.finditer(page):
        kind = re.search(r'\stype="(radio|checkbox)"', tag[0])
        if kind and " checked" not in tag[0]:
            continue
        value = re.search(r'\svalue="([^"]*)"', tag[0])
        fields[tag[1]] = html.unescape(value[1]) if value else ""
    for area in re.finditer(r'<textarea[^>]*\sname="([^"]+)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL):
        fields[area[1]] = html.unescape(area[2])
    for choice in re.finditer(r'<select[^>]*\sname="([^"]+)".*?</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', choice[0])
        fields[choice[1]] = chosen[1] if chosen else ""
    return fields


def send(browser: FlaskClient, card: PatientCard, form: dict[str, str]) -> Any:
    return browser.post(f"/patients/{card.id}", data=form, headers=HTMX)


def row(card: PatientCard) -> Patient:
    db.session.expire_all()
    return db.session.get_one(Patient, card.id)


def test_the_form_shows_what_is_known_and_notes_the_view(
    browser: FlaskClient, maryam: PatientCard, amina: Actor
) -> None:
    form = opened(browser, maryam)
    assert (form["first_name"], form["middle_name"], form["last_name"]) == ("Maryam", "Adel", "Tahhan")
    assert (form["born"], form["gender"], form["phone_primary"]) == ("12/3/1992", "FEMALE", "0100 555 0142")
    line = db.session.scalars(select(AccessLog).where(AccessLog.action == "view")).one()
    assert (line.resource_id, line.user_id) == (maryam.id, amina.user_id)


def test_every_field_is_changed_and_told(
    browser: FlaskClient, maryam: PatientCard, register: Register
) -> None:
    guardian = register("Adel Tahhan", gender="MALE")
    wanted = {
        "first_name": "Mariam",
        "middle_name": "",
        "last_name": "El-Tahan",
        "born": "1990",
        "gender": "OTHER",
        "phone_primary": "٠١٢٢ ٧٧٧ ٩٩٩٩",
        "phone_secondary": "+49 30 901820",
        "guardian": guardian.patient_number.lower(),
        "email": "maryam@example.org",
        "address_line1": "12 Nile Street",
        "address_line2": "Flat 3",
        "city": "Cairo",
        "state": "Cairo",
        "zip_code": "11511",
        "country": "Egypt",
        "language_preference": "ar",
        "medical_history": "Diabetes\r\nPenicillin",
    }
    form = opened(browser, maryam) | wanted
    del form["allow_generic_substitution"]
    answer = send(browser, maryam, form)
    assert answer.status_code == 200 and f'hx-get="/desk/hand/patient/{maryam.id}"' in answer.text
    changed = row(maryam)
    assert (changed.first_name, changed.middle_name, changed.last_name) == ("Mariam", None, "El-Tahan")
    assert (changed.date_of_birth, changed.date_of_birth_estimated) == (date(1990, 7, 1), True)
    assert (changed.phone_primary, changed.phone_digits) == ("0122 777 9999", "201227779999")
    assert changed.phone_secondary == "+49 30 901820" and changed.guardian_id == guardian.id
    assert changed.search_name == "mariam el tahan" and changed.medical_history == "Diabetes\nPenicillin"
    assert (changed.allow_generic_substitution, changed.is_active, changed.version) == (False, True, 2)
    for name in ("email", "address_line1", "address_line2", "city", "state", "zip_code", "country"):
        assert getattr(changed, name) == wanted[name]
    told = db.session.scalars(select(DomainEvent).where(DomainEvent.event_type == "patient.changed")).one()
    assert told.event_data["patient_id"] == str(maryam.id)
    assert db.session.scalars(select(AccessLog.action).where(AccessLog.action == "edit")).all() == ["edit"]


def test_an_untouched_form_changes_nothing(browser: FlaskClient, register: Register) -> None:
    by_age = register("Omar Fahmy", date_of_birth=date(1990, 11, 2), date_of_birth_estimated=True)
    assert send(browser, by_age, opened(browser, by_age)).status_code == 200
    unchanged = row(by_age)
    assert (unchanged.version, unchanged.date_of_birth) == (1, date(1990, 11, 2))


def test_a_second_click_changes_nothing_more(browser: FlaskClient, maryam: PatientCard) -> None:
    form = opened(browser, maryam) | {"city": "Cairo"}
    assert send(browser, maryam, form).status_code == send(browser, maryam, form).status_code == 200
    assert row(maryam).version == 2


def test_a_stale_form_shows_both_sides_and_keeps_what_was_typed(
    browser: FlaskClient, maryam: PatientCard
) -> None:
    mine, theirs = (opened(browser, maryam) for _ in range(2))
    send(browser, maryam, theirs | {"phone_primary": "0122 777 9999", "city": "Giza"})
    answer = send(browser, maryam, mine | {"phone_primary": "0111 222 3333", "email": "m@example.org"})
    assert answer.status_code == 409
    assert re.search(r"Somebody else changed this patient at \d\d:\d\d", answer.text)
    assert "You had" in answer.text
    assert "<del>0111 222 3333</del>" in answer.text and "<ins>0122 777 9999</ins>" in answer.text
    assert "Keep what I typed" in answer.text and "Take what it is now" in answer.text
    kept = fields_of(answer.text)
    assert (kept["phone_primary"], kept["email"]) == ("0111 222 3333", "m@example.org")
    assert kept["city"] == "Giza"  # what only the other touched is not taken back
    assert row(maryam).phone_primary == "0122 777 9999"
    assert send(browser, maryam, kept).status_code == 200
    assert (row(maryam).phone_primary, row(maryam).city) == ("0111 222 3333", "Giza")


def test_a_tampered_form_is_compared_with_what_is_true_now(browser: FlaskClient, maryam: PatientCard) -> None:
    mine = opened(browser, maryam)
    send(browser, maryam, mine | {"city": "Giza"})
    for nonsense in ("", "{", "[]", "null", '{"city": 5}'):
        answer = send(browser, maryam, mine | {"city": "Luxor", "opened": nonsense})
        assert answer.status_code == 409 and "Luxor" in answer.text


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("first_name", "", "Enter the first name."),
        ("email", "maryam", "not an e-mail address"),
        ("phone_primary", "12", "not a telephone number"),
        ("phone_secondary", "twelve", "not a telephone number"),
        ("guardian", "Adel", "such as P-000123"),
        ("guardian", "P-999999999", "No patient has the number"),
        ("city", "x" * 201, "200 characters at most"),
        ("medical_history", "x" * 5001, "5000 characters at most"),
        ("born", "yesterday", "Write an age"),
        ("gender", "", "Choose one of these."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(
    browser: FlaskClient, maryam: PatientCard, field: str, typed: str, sentence: str
) -> None:
    answer = send(
        browser, maryam, opened(browser, maryam) | {"address_line1": "12 Nile Street", field: typed}
    )
    assert answer.status_code == 422
    assert (
        sentence in answer.text and "12 Nile Street" in answer.text and 'aria-invalid="true"' in answer.text
    )
    assert row(maryam).version == 1


def test_a_patient_is_not_their_own_guardian(browser: FlaskClient, maryam: PatientCard) -> None:
    answer = send(browser, maryam, opened(browser, maryam) | {"guardian": maryam.patient_number})
    assert answer.status_code == 422 and "own number" in answer.text


def test_a_number_that_somebody_has_is_refused_with_their_name(
    browser: FlaskClient, maryam: PatientCard, register: Register
) -> None:
    register("Adel Tahhan", phone="0122 777 9999")
    answer = send(browser, maryam, opened(browser, maryam) | {"phone_primary": "0122 777 9999"})
    assert answer.status_code == 422 and "Adel Tahhan already has this number." in answer.text


def test_sharing_a_telephone_means_having_none(
    browser: FlaskClient, maryam: PatientCard, register: Register, amina: Actor
) -> None:
    holder = register("Adel Tahhan", phone="0122 777 9999")
    form = opened(browser, maryam) | {"phone_of": holder.patient_number}
    answer = send(browser, maryam, form)
    assert answer.status_code == 422 and "no number of their own" in answer.text
    assert send(browser, maryam, form | {"phone_primary": ""}).status_code == 200
    assert patients.card(amina, maryam.id).phone == "0122 777 9999"


def test_another_tenants_patient_is_not_there(
    as_person: Callable[[str], FlaskClient], browser: FlaskClient, maryam: PatientCard
) -> None:
    omar = as_person("omar")
    assert omar.get(f"/patients/{maryam.id}/edit").status_code == 404
    assert send(omar, maryam, opened(browser, maryam) | {"city": "Giza"}).status_code == 404
    assert omar.get(f"/patients/{uuid4()}/edit").status_code == 404
    assert row(maryam).city is None


def test_who_may_not_edit_is_refused(as_person: Callable[[str], FlaskClient], maryam: PatientCard) -> None:
    assert as_person("salma").get(f"/patients/{maryam.id}/edit").status_code == 403


def test_without_javascript_changing_works_and_leads_to_the_patient(
    browser: FlaskClient, maryam: PatientCard
) -> None:
    assert "<html" in browser.get(f"/patients/{maryam.id}/edit").text
    answer = browser.post(f"/patients/{maryam.id}", data=opened(browser, maryam) | {"city": "Giza"})
    assert answer.status_code == 303 and answer.headers["Location"].endswith(str(maryam.id))
