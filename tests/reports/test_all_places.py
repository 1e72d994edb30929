"""The report of all facilities: beside each other, each in its own currency, for who may see all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from clinic_web.kernel import push
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.reception import api as reception
from clinic_web.reports import live
from clinic_web.reports.service.making import make_day
from clinic_web.ui.sockets import Joiner
from tests import factories
from tests.cast import Cast, hire
from tests.reports.conftest import Past
from tests.reports.test_the_page import AsPerson, words


@pytest.fixture
def harbour(cast: Cast) -> UUID:
    """A second facility, which takes euros."""
    made = factories.facility(organization_id=cast.organization_id, name="Harbour", currency="EUR")
    with transaction():
        push.changed(organization.topic(cast.organization_id))
    return made


@pytest.fixture
def reported(past: Past, cast: Cast, harbour: UUID) -> Past:
    past.an_ordinary_day(back=1)
    clinic = factories.clinic(
        organization_id=cast.organization_id, facility_id=harbour, code="H", name="Harbour eyes"
    )
    with transaction():
        push.changed(organization.topic(cast.organization_id))
    system = system_actor(cast.organization_id, facility_id=harbour)
    reception.ensure_queue(system, clinic_id=clinic, facility_id=harbour, prefix="H")
    there = Past(replace(cast, system=system))
    where: dict[str, Any] = {"facility_id": harbour, "clinic_id": clinic, "doctor_id": None}
    visit = there.seen(past.at(9), waits=5, takes=10, **where)
    there.paid(visit, "80.00", "80.00", "CASH", past.at(9, 30), currency="EUR")
    for each in (cast.facility_id, harbour):
        make_day(cast.organization_id, each, past.day(1))
    return past


@pytest.fixture
def head(cast: Cast, as_person: AsPerson) -> FlaskClient:
    """Samir runs the whole organization, and works at North Garden."""
    hire(cast, "samir", "administrator", cast.organization_id, cast.facility_id)
    return as_person("samir")


def test_each_place_stands_beside_the_others_in_its_own_currency(head: FlaskClient, reported: Past) -> None:
    page = head.get("/reports/all").text
    shown = words(page)
    assert re.search(r"Harbour EUR 80.00 ", shown) and re.search(r"EGP 1,650.05 ", shown)
    assert "1,730.05" not in shown  # never added
    assert "Together 7 5 1" in shown
    assert re.search(r"EGP 1 1,650.05", shown) and re.search(r"EUR 1 80.00", shown)
    assert page.count('<figure class="sheet chart"') == 3  # visits, and taken per currency
    assert "/reports/all" in head.get("/reports").text


def test_its_tables_and_paper_say_the_same(head: FlaskClient, reported: Past) -> None:
    lines = head.get("/reports/all/money.csv").text.splitlines()
    assert any(line.startswith("Harbour,EUR,80.00") for line in lines) and len(lines) == 3
    assert head.get("/reports/all/nothing.csv").status_code == 404
    made = head.get("/reports/all.pdf")
    assert made.status_code == 200, made.text
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(made.data)).pages)
    assert made.mimetype == "application/pdf" and "Harbour" in text and "1,650.05" in text
    head.post("/account/settings", data={"locale": "ar", "next": "/"})
    assert head.get("/reports/all").status_code == head.get("/reports/all.pdf").status_code == 200


def test_only_who_may_see_all_does(
    as_person: AsPerson, head: FlaskClient, cast: Cast, harbour: UUID, reported: Past
) -> None:
    mona = as_person("mona")
    for address in ("/reports/all", "/reports/all/money.csv", "/reports/all.pdf"):
        assert mona.get(address).status_code == 403
        assert as_person("omar").get(address).status_code == 403
    assert mona.get(f"/reports?facility={harbour}").status_code == 404
    assert head.get(f"/reports?facility={harbour}").status_code == 200

    def may(name: str) -> bool:
        joiner = Joiner(actor=cast.people[name].actor, display_id=None)
        return live.may_join(joiner, live.reports_topic(harbour))

    assert may("samir") and not may("mona")


def test_another_tenants_places_are_not_among_them(head: FlaskClient, cast: Cast, reported: Past) -> None:
    assert "South Gate" not in head.get("/reports/all").text
    assert head.get(f"/reports?facility={new_id()}").status_code == 404


def test_days_that_cannot_be_shown_say_so_at_the_field(head: FlaskClient, reported: Past) -> None:
    wrong = head.get("/reports/all?from=2026-01-02&to=2026-01-01")
    assert wrong.status_code == 422 and "The last day is before the first." in wrong.text
    assert head.get("/reports/all?from=2026-01-02&to=2026-01-03").status_code == 200


def test_it_costs_one_query_however_many_places(
    head: FlaskClient, cast: Cast, reported: Past, count_queries: Callable[[], Any]
) -> None:
    head.get("/account")
    with count_queries() as few:
        head.get("/reports/all?day=" + reported.day(1).isoformat())
    for number in range(5):
        factories.facility(organization_id=cast.organization_id, name=f"Place {number}")
    with transaction():
        push.changed(organization.topic(cast.organization_id))
    head.get("/account")
    with count_queries() as many:
        head.get("/reports/all?day=" + reported.day(1).isoformat())
    assert len(many) <= len(few) + 6  # the directory is read anew
