"""Somebody new is registered in one short form, once, and never as a second copy by mistake."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest, NotFound, RuleBroken
from clinic_web.kernel.tables import DomainEvent
from clinic_web.patients import api as patients
from clinic_web.patients import born as born_on
from clinic_web.patients.api import PatientCard, Registration
from clinic_web.patients.models import Patient
from clinic_web.patients.service import LikelyDuplicates, PhoneTaken
from tests.cast import Cast, assemble
from tests.patients.conftest import HTMX, Register
from tests.threads import ThreadPoolExecutor


def send(browser: FlaskClient, **typed: str) -> Any:
    form = {"name": "Maryam Tahhan", "gender": "FEMALE", "idempotency_key": str(uuid4())} | typed
    return browser.post("/patients", data=form, headers=HTMX)


def everybody() -> list[Patient]:
    return list(db.session.scalars(select(Patient).order_by(Patient.patient_number)))


def test_the_form_begins_with_what_was_searched(browser: FlaskClient) -> None:
    page = browser.get("/patients/new?q=Maryam", headers=HTMX).text
    assert 'name="name"' in page and 'value="Maryam"' in page and "<html" not in page
    assert re.search(r'name="idempotency_key" value="[0-9a-f-]{36}"', page)
    page = browser.get("/patients/new?q=0100%20555").text
    assert "<html" in page and re.search(r'name="phone"[^>]*value="0100 555"', page)


def test_a_registered_patient_is_taken_in_hand(browser: FlaskClient, amina: Actor) -> None:
    answer = send(browser, phone="٠١٠٠ ٥٥٥ ٠١٤٢", born="34")
    assert answer.status_code == 200 and answer.headers["HX-Trigger"] == "acted"
    [card] = patients.find(amina, "maryam")
    assert f'hx-get="/desk/hand/patient/{card.id}" hx-trigger="load"' in answer.text
    assert f"Registered as {card.patient_number}" in answer.text
    assert (card.age, card.date_of_birth_estimated, card.gender) == (34, True, "FEMALE")
    assert (card.phone, card.phone_digits) == ("0100 555 0142", "201005550142")


def test_it_leaves_an_event_and_a_line_in_the_access_log(browser: FlaskClient, amina: Actor) -> None:
    send(browser)
    [patient] = everybody()
    told = db.session.scalars(select(DomainEvent).where(DomainEvent.event_type == "patient.registered")).one()
    assert told.aggregate_id == patient.id and told.organization_id == amina.organization_id
    assert "Maryam" not in str(told.event_data)
    line = db.session.scalars(select(AccessLog).where(AccessLog.action == "register")).one()
    assert (line.resource_id, line.user_id) == (patient.id, amina.user_id)


@pytest.mark.parametrize(
    ("typed", "first", "middle", "last"),
    [
        ("Maryam", "Maryam", None, None),
        ("  Maryam   Tahhan ", "Maryam", None, "Tahhan"),
        ("Maryam Adel Tahhan", "Maryam", "Adel", "Tahhan"),
        ("Mona Abd El Rahman", "Mona", None, "Abd El Rahman"),
        ("محمد عبد الله أبو بكر", "محمد", "عبد الله", "أبو بكر"),
        ("Jan van der Berg", "Jan", None, "van der Berg"),
    ],
)
def test_one_field_becomes_first_middle_and_last_name(
    browser: FlaskClient, typed: str, first: str, middle: str | None, last: str | None
) -> None:
    send(browser, name=typed)
    [patient] = everybody()
    assert (patient.first_name, patient.middle_name, patient.last_name) == (first, middle, last)


@pytest.mark.parametrize(
    ("typed", "expected", "is_estimated"),
    [
        ("1992", date(1992, 7, 1), True),
        ("12/3/1992", date(1992, 3, 12), False),
        ("12.03.1992", date(1992, 3, 12), False),
        ("1992-03-12", date(1992, 3, 12), False),
        ("١٢/٣/١٩٩٢", date(1992, 3, 12), False),
        ("3/25/1992", date(1992, 3, 25), False),
        ("", None, False),
    ],
)
def test_a_birth_date_is_taken_as_people_give_it(
    browser: FlaskClient, typed: str, expected: date | None, is_estimated: bool
) -> None:
    assert send(browser, born=typed).status_code == 200
    [patient] = everybody()
    assert (patient.date_of_birth, patient.date_of_birth_estimated) == (expected, is_estimated)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "Enter the name."),
        ("name", " - ", "Enter the name."),
        ("name", "x" * 201, "200 characters at most"),
        ("gender", "", "Choose one of these."),
        ("gender", "WITCH", "Choose one of these."),
        ("born", "soon", "Write an age"),
        ("born", "200", "Write an age"),
        ("born", "1/1", "Write an age"),
        ("born", "31/2/1992", "There is no such day."),
        ("born", "12/3/92", "four digits"),
        ("born", "12/3/2199", "in the future"),
        ("born", "1/1/1700", "too long ago"),
        ("phone", "call me", "This is not a telephone number."),
        ("phone", "123", "This is not a telephone number."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    browser: FlaskClient, field: str, typed: str, sentence: str
) -> None:
    answer = send(browser, **({"phone": "0100 555 0142", "born": "34"} | {field: typed}))
    assert answer.status_code == 422
    assert sentence in answer.text and 'aria-invalid="true"' in answer.text
    for kept in {"Maryam Tahhan", "0100 555 0142", "34"} - ({"Maryam Tahhan"} if field == "name" else set()):
        assert f'value="{kept}"' in answer.text or field in ("phone", "born")
    assert everybody() == []


def test_three_wrong_fields_are_also_listed_on_top(browser: FlaskClient) -> None:
    answer = send(browser, name="", gender="", born="soon")
    assert answer.status_code == 422 and "3 fields need another look" in answer.text


def test_the_list_on_top_names_each_field_in_the_forms_order(browser: FlaskClient) -> None:
    answer = send(browser, name="", gender="", born="soon", phone="12")
    listed = answer.text.partition('<ul class="errors">')[2].partition("</ul>")[0]
    lines = re.findall(r'<a href="#f-(\w+)">([^:<]+): ', listed)
    assert lines == [
        ("name", "Name"),
        ("phone", "Telephone"),
        ("born", "Age or birth date"),
        ("gender", "Sex"),
    ]


def test_a_double_click_registers_once(browser: FlaskClient) -> None:
    key = str(uuid4())
    first, second = (send(browser, idempotency_key=key, phone="0100 555 0142") for _ in range(2))
    assert first.status_code == second.status_code == 200 and first.text == second.text
    assert len(everybody()) == 1


def test_the_same_key_with_another_name_is_refused(browser: FlaskClient) -> None:
    key = str(uuid4())
    send(browser, idempotency_key=key)
    answer = send(browser, idempotency_key=key, name="Omar Fahmy")
    assert answer.status_code == 422 and "already sent" in answer.text and 'value="Omar Fahmy"' in answer.text


def test_without_a_key_nothing_is_registered(browser: FlaskClient) -> None:
    assert send(browser, idempotency_key="").status_code == 400
    assert everybody() == []


def test_without_javascript_registering_leads_to_the_patient(browser: FlaskClient) -> None:
    form = {"name": "Maryam Tahhan", "gender": "FEMALE", "idempotency_key": str(uuid4())}
    answer = browser.post("/patients", data=form)
    [patient] = everybody()
    assert answer.status_code == 303 and answer.headers["Location"] == f"/desk/hand/patient/{patient.id}"


def test_a_taken_telephone_names_its_holder_and_offers_to_share_it(
    browser: FlaskClient, register: Register
) -> None:
    register("Adel Tahhan", gender="MALE", phone="0100 555 0142")
    answer = send(browser, phone="+20 100 555 0142")
    assert answer.status_code == 422
    assert "Adel Tahhan already has this number." in answer.text
    assert (
        'value="SHARES"' in answer.text and 'value="IS_CHILD"' in answer.text and "holder_id" in answer.text
    )
    assert 'value="+20 100 555 0142"' in answer.text or 'value="0100 555 0142"' in answer.text
    assert len(everybody()) == 1


@pytest.mark.parametrize(("relation", "phone_from"), [("SHARES", "SHARED"), ("IS_CHILD", "GUARDIAN")])
def test_a_relative_is_reached_by_the_telephone_of_its_holder(
    browser: FlaskClient, register: Register, amina: Actor, relation: str, phone_from: str
) -> None:
    holder = register("Adel Tahhan", gender="MALE", phone="0100 555 0142")
    answer = send(browser, phone="0100 555 0142", relation=relation, holder_id=str(holder.id))
    assert answer.status_code == 200
    [card] = patients.find(amina, "maryam")
    assert (card.phone, card.phone_from) == ("0100 555 0142", phone_from)
    assert card.guardian_id == (holder.id if relation == "IS_CHILD" else None)


def test_nobody_of_another_tenant_can_be_a_guardian(
    browser: FlaskClient, register: Register, omar: Actor
) -> None:
    stranger = register("Adel Tahhan", by=omar, phone="0100 555 0142")
    answer = send(browser, phone="0100 555 0142", relation="IS_CHILD", holder_id=str(stranger.id))
    assert answer.status_code == 404
    assert send(browser, phone="0100 555 0142").status_code == 200  # a number is unique in its tenant only


@pytest.mark.parametrize(
    ("typed", "born"), [("Mariam Tahan", "35"), ("Tahhan Maryam", "33"), ("maryam tahhan", "")]
)
def test_who_may_be_known_already_is_shown_before_registering(
    browser: FlaskClient, register: Register, typed: str, born: str
) -> None:
    thirty_four = born_on.years_before(clock.today("Africa/Cairo"), 34)
    known = register("Maryam Tahhan", date_of_birth=thirty_four, phone="0100 555 0142")
    answer = send(browser, name=typed, born=born)
    assert answer.status_code == 422
    assert "We know somebody very much like this." in answer.text
    assert "Take Maryam Tahhan in hand" in answer.text and f"/desk/hand/patient/{known.id}" in answer.text
    assert f'name="anyway" value="{known.id}"' in answer.text and f'value="{typed}"' in answer.text
    answer = send(browser, name=typed, born=born, anyway=str(known.id))
    assert answer.status_code == 200 and len(everybody()) == 2


def test_somebody_much_older_or_with_another_name_is_somebody_else(
    browser: FlaskClient, register: Register
) -> None:
    register("Maryam Tahhan", date_of_birth=date(1962, 3, 12))
    register("Maryam Farag", date_of_birth=date(1992, 3, 12))
    assert send(browser, name="Maryam Tahhan", born="1992").status_code == 200


def test_nobody_of_another_tenant_is_a_duplicate(
    browser: FlaskClient, register: Register, omar: Actor
) -> None:
    register("Maryam Tahhan", by=omar)
    assert send(browser).status_code == 200


def test_other_modules_know_a_patient_by_card(amina: Actor, omar: Actor, register: Register) -> None:
    card = register("Maryam Tahhan", date_of_birth=date(1992, 3, 12))
    assert patients.card(amina, card.id) == card == patients.cards(amina, [card.id, uuid4()])[card.id]
    patients.require(amina, card.id)
    for actor, patient_id in ((amina, uuid4()), (omar, card.id)):
        tenant.enter(actor.organization_id)
        with pytest.raises(NotFound):
            patients.card(actor, patient_id)
        with pytest.raises(NotFound, match="unknown"):
            patients.require(actor, patient_id)
    assert patients.cards(omar, [card.id]) == {}


def test_cards_are_one_statement(
    amina: Actor, register: Register, count_queries: Callable[[], Any], known_place: None
) -> None:
    ids = [register(name).id for name in ("Maryam Tahhan", "Omar Fahmy", "Hana Said")]
    with count_queries() as queries:
        assert len(patients.cards(amina, ids)) == 3
    assert len(queries) == 1


def test_who_may_not_register_is_refused(as_person: Callable[[str], FlaskClient]) -> None:
    doctor = as_person("salma")
    assert send(doctor).status_code == 403
    assert doctor.get("/patients/new").status_code == 403


@pytest.fixture
def real_cast(committing: Flask) -> Cast:
    with committing.app_context():
        return assemble()


def at_once(app: Flask, acts: list[Callable[[], PatientCard]]) -> list[PatientCard | Exception]:
    """Run the acts in threads that start together, each on a connection of its own."""
    ready = Barrier(len(acts))

    def run(act: Callable[[], PatientCard]) -> PatientCard | Exception:
        with app.app_context():
            ready.wait()
            try:
                return act()
            except (RuleBroken, BadRequest) as error:
                return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_two_presses_at_the_same_instant_register_once(committing: Flask, real_cast: Cast) -> None:
    amina, key = real_cast.people["amina"].actor, str(uuid4())
    wanted = Registration(name="Maryam Tahhan", gender="FEMALE", phone="0100 555 0142")
    first, second = at_once(committing, [lambda: patients.register(amina, wanted, key=key)] * 2)
    assert isinstance(first, PatientCard) and first == second
    with committing.app_context():
        assert db.session.scalar(select(func.count()).select_from(Patient)) == 1


def test_two_desks_can_not_give_one_telephone_to_two_patients(committing: Flask, real_cast: Cast) -> None:
    amina = real_cast.people["amina"].actor

    def desk(name: str) -> Callable[[], PatientCard]:
        wanted = Registration(name=name, gender="FEMALE", phone="0100 555 0142")
        return lambda: patients.register(amina, wanted, key=str(uuid4()))

    outcomes = at_once(committing, [desk("Maryam Tahhan"), desk("Hana Said")])
    assert sum(isinstance(each, PatientCard) for each in outcomes) == 1
    assert sum(isinstance(each, PhoneTaken) for each in outcomes) == 1


def test_twenty_desks_draw_twenty_numbers_without_a_gap(committing: Flask, real_cast: Cast) -> None:
    amina = real_cast.people["amina"].actor

    def desk(count: int) -> Callable[[], PatientCard]:
        wanted = Registration(name=f"Patient {count}", gender="OTHER")
        return lambda: patients.register(amina, wanted, key=str(uuid4()))

    cards = at_once(committing, [desk(count) for count in range(20)])
    numbers = sorted(each.patient_number for each in cards if isinstance(each, PatientCard))
    assert numbers == [f"P-{number:06d}" for number in range(1, 21)]


def test_services_tell_duplicates_only_when_asked(amina: Actor, register: Register) -> None:
    known = register("Maryam Tahhan")
    assert register("Maryam Tahhan").id != known.id
    with pytest.raises(LikelyDuplicates) as refusal:
        register("Maryam Tahhan", beware_of_duplicates=True, somebody_else_than=(known.id,))
    assert [each.id for each in refusal.value.candidates] != [known.id]
    assert isinstance(refusal.value.candidates[0].id, UUID)
