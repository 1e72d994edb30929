"""A patient is found as one types, however the name is spelt and whichever digits the keyboard has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.patients import api as patients
from tests.patients.conftest import HTMX, Register


def found(actor: Actor, typed: str) -> list[str]:
    with tenant.of(actor.organization_id):
        return [card.name for card in patients.find(actor, typed)]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("أحمد إبراهيم", "احمد ابراهيم"),
        ("احمد", "أحمد"),
        ("آمنة", "امنه"),
        ("فاطمة", "فاطمه"),
        ("منى", "مني"),
        ("مؤمن", "مومن"),
        ("عائشة", "عايشة"),
        ("مُحَمَّد", "محمد"),
        ("محـــمد", "محمد"),
        ("علاء", "علا"),
        ("کریم", "كريم"),
        ("José Müller", "jose muller"),
        ("Łukasz Ångström", "lukasz angstrom"),
        ("Sinéad O’Brien", "obrien"),
        ("Mariam El-Tahan", "el tahan"),
        ("Straße", "STRASSE"),
    ],
)
def test_spellings_of_one_name_find_each_other(
    amina: Actor, register: Register, written: str, typed: str
) -> None:
    register(written)
    register("Somebody Else")
    assert found(amina, typed) == [written]


def test_words_are_found_in_any_order_and_the_beginning_of_a_word_comes_first(
    amina: Actor, register: Register
) -> None:
    for name in ("Omar Fahmy", "Martina Markos", "Maryam Tahhan", "Tahhan Mary", "Sumara Said"):
        register(name)
    assert found(amina, "tahhan mar") == ["Tahhan Mary", "Maryam Tahhan"]
    assert found(amina, "mar") == [
        "Martina Markos",
        "Maryam Tahhan",
        "Tahhan Mary",
        "Omar Fahmy",
        "Sumara Said",
    ]


def test_two_letters_find_names_that_begin_with_them(amina: Actor, register: Register) -> None:
    for name in ("Maryam Tahhan", "Omar Fahmy", "Tahhan Maher"):
        register(name)
    assert found(amina, "ma") == ["Maryam Tahhan"]
    assert found(amina, "ma ta") == ["Maryam Tahhan"]
    assert found(amina, "m") == ["Maryam Tahhan"]


@pytest.mark.parametrize(
    "typed",
    ["0100", "0100 555", "01005550142", "٠١٠٠٥٥٥", "+20 100 555", "0020100555", "0142", "۰۱۴۲", "100555"],
)
def test_a_telephone_is_found_by_its_beginning_or_its_end(
    amina: Actor, register: Register, typed: str
) -> None:
    register("Maryam Tahhan", phone="0100 555 0142")
    register("Omar Fahmy", phone="0122 777 9999")
    assert found(amina, typed) == ["Maryam Tahhan"]


def test_a_telephone_also_finds_the_children_and_who_shares_it(amina: Actor, register: Register) -> None:
    mother = register("Maryam Tahhan", phone="0100 555 0142")
    register("Adam Fahmy", guardian_id=mother.id)
    register("Hana Tahhan", phone_of_id=mother.id)
    cards = patients.find(amina, "0100555")
    assert [(each.name, each.phone_from) for each in cards] == [
        ("Maryam Tahhan", "OWN"),
        ("Adam Fahmy", "GUARDIAN"),
        ("Hana Tahhan", "SHARED"),
    ]
    assert {each.phone for each in cards} == {"0100 555 0142"}


def test_a_number_finds_its_patient_before_the_telephones(amina: Actor, register: Register) -> None:
    card = register("Maryam Tahhan")
    short = card.patient_number.removeprefix("P-").lstrip("0")
    for typed in (
        card.patient_number,
        f"p{short}",
        f"P {short}",
        short,
        short.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    ):
        assert found(amina, typed) == ["Maryam Tahhan"], typed


@pytest.mark.parametrize(
    "typed", ["", "   ", "%", "%%%", "_", "\\", "'", "-", "+", "()", "999", "nobody", "\x00"]
)
def test_what_means_nobody_finds_nobody(amina: Actor, register: Register, typed: str) -> None:
    register("Maryam Tahhan", phone="0100 555 0142")
    assert found(amina, typed) == []


def test_at_most_twenty_are_shown(amina: Actor, register: Register) -> None:
    for letter in "abcdefghijklmnopqrstuvwxyz":
        register(f"Maryam {letter}")
    assert len(patients.find(amina, "maryam")) == 20


def test_another_tenant_finds_nobody_of_ours(amina: Actor, omar: Actor, register: Register) -> None:
    card = register("Maryam Tahhan", phone="0100 555 0142")
    assert found(omar, "maryam") == found(omar, "0100555") == found(omar, card.patient_number) == []


@pytest.mark.parametrize("typed", ["maryam tah", "ma", "0100555", "0142", "P-1", "12"])
def test_a_search_is_one_statement(
    amina: Actor, register: Register, count_queries: Callable[[], Any], typed: str, known_place: None
) -> None:
    register("Maryam Tahhan", phone="0100 555 0142")
    with count_queries() as queries:
        patients.find(amina, typed)
    assert len(queries) == 1


def test_hits_show_what_was_typed_phone_age_and_sex_and_offer_to_register(
    browser: FlaskClient, register: Register
) -> None:
    card = register("Maryam Tahhan", phone="0100 555 0142")
    page = browser.get("/patients/find?q=mar tah", headers=HTMX).text
    assert 'role="listbox"' in page and page.count('role="option"') == 2
    assert "<mark>Mar</mark>yam <mark>Tah</mark>han" in page
    assert "0100 555 0142" in page and "female" in page and card.patient_number in page
    assert page.count('aria-selected="true"') == 1 and page.index('aria-selected="true"') < page.index(
        "<mark>Mar</mark>"
    )
    assert f'hx-get="/desk/hand/patient/{card.id}"' in page and 'hx-target="#hand"' in page
    assert "Register a new patient: mar tah" in page and 'data-key="F2"' in page
    assert "<html" not in page


def test_marks_do_not_break_escaping(browser: FlaskClient, register: Register) -> None:
    register("<script>alert</script> & Co")
    page = browser.get("/patients/find", query_string={"q": "alert"}, headers=HTMX).text
    assert "<script>" not in page and "&lt;script&gt;<mark>alert</mark>&lt;/script&gt; &amp; Co" in page
    page = browser.get("/patients/find", query_string={"q": '"><img src=x>'}, headers=HTMX).text
    assert "<img" not in page


def test_marks_stand_on_the_letters_of_the_name_as_it_is_written(
    browser: FlaskClient, register: Register
) -> None:
    register("أحمد إبراهيم")
    page = browser.get("/patients/find", query_string={"q": "ابرا احم"}, headers=HTMX).text
    assert "<mark>أحم</mark>د <mark>إبرا</mark>هيم" in page


def test_nobody_found_leads_to_registering(browser: FlaskClient) -> None:
    page = browser.get("/patients/find?q=nobody", headers=HTMX).text
    assert page.count('role="option"') == 1 and 'aria-selected="true"' in page
    assert 'hx-get="/patients/new?q=~' in page
    assert "hidden" in browser.get("/patients/find?q=", headers=HTMX).text


def test_without_javascript_the_search_is_a_page_of_links(browser: FlaskClient, register: Register) -> None:
    card = register("Maryam Tahhan", phone="0100 555 0142")
    page = browser.get("/patients/find?q=mar").text
    assert "<html" in page and f'href="/patients/{card.id}"' in page and 'value="mar"' in page
    assert "0100 555 0142" in page
    assert "Whom are you looking for?" in browser.get("/patients/find").text


def test_a_list_leaves_one_line_in_the_access_log_with_the_ids(
    browser: FlaskClient, register: Register, amina: Actor
) -> None:
    ids = {str(register(name).id) for name in ("Maryam Tahhan", "Martina Markos")}
    browser.get("/patients/find?q=mar", headers=HTMX)
    [line] = db.session.scalars(select(AccessLog).where(AccessLog.action == "find"))
    assert (line.user_id, line.resource_type) == (amina.user_id, "patient")
    assert line.metadata_ is not None and set(line.metadata_["ids"]) == ids


def test_who_may_not_search_is_refused(as_person: Callable[[str], FlaskClient], client: FlaskClient) -> None:
    assert client.get("/patients/find?q=mar").status_code in (302, 401)
