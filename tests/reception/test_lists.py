"""The lists of visits and appointments: what stands on them, through which filters, and at what cost."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import clock, kept, keyset
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.patients import merging
from clinic_web.patients import service as patient_service
from tests import factories
from tests.reception.desk import WAYS, Desk

VISIT = re.compile(r'id="visit-([0-9a-f-]{36})"')
APPOINTMENT = re.compile(r'id="appointment-([0-9a-f-]{36})"')
HTMX = {"HX-Request": "true"}


@pytest.fixture
def amina(as_person: Callable[[str], FlaskClient], desk: Desk) -> FlaskClient:
    return as_person("amina")


@pytest.fixture
def mona(as_person: Callable[[str], FlaskClient], desk: Desk) -> FlaskClient:
    return as_person("mona")


def shown(browser: FlaskClient, address: str, rows: re.Pattern[str] = VISIT) -> list[str]:
    answer = browser.get(address, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return rows.findall(answer.text)


def brought_into(desk: Desk, state: str, place: int) -> UUID:
    """A visit with a time of its own, brought into ``state``."""
    visit_id = desk.book(at=desk.soon(30 * (place + 1))).visit_id
    for bring in WAYS[state]:
        bring(desk, desk.visit(visit_id))
    return visit_id


def last_view() -> AccessLog:
    found = db.session.scalars(select(AccessLog).order_by(AccessLog.accessed_at.desc(), AccessLog.id.desc()))
    row = found.first()
    assert row is not None
    return row


def test_every_state_is_a_filter_and_has_its_number(desk: Desk, amina: FlaskClient) -> None:
    states = [state for state in WAYS if state not in ("CALLED", "IN_PROGRESS")]
    visits = {state: str(brought_into(desk, state, place)) for place, state in enumerate(states)}
    names = {"SCHEDULED": "expected", "WAITING": "waiting", "ON_HOLD": "on-hold", "PENDING_PAYMENT": "to-pay",
             "COMPLETED": "completed", "NO_SHOW": "no-show", "CANCELLED": "cancelled"}  # fmt: skip
    assert set(shown(amina, "/visits")) == set(visits.values())
    for state, visit_id in visits.items():
        assert shown(amina, f"/visits?state={names[state]}") == [visit_id]
    assert ">Cancelled <b>1</b>" in amina.get("/visits").text


def test_filters_narrow_by_clinic_doctor_service_type_patient_and_day(desk: Desk, amina: FlaskClient) -> None:
    cast = desk.cast
    mine = desk.book(doctor_id=cast.karim, service_id=cast.filling)
    walk_in = desk.walk_in()
    tomorrow = desk.book(at=desk.tomorrow(11))
    maryam = desk.visit(mine.visit_id).patient_id
    one, two, three = str(mine.visit_id), str(walk_in.visit_id), str(tomorrow.visit_id)

    assert set(shown(amina, "/visits")) == {one, two}
    assert shown(amina, f"/visits?doctor={cast.karim}") == [one]
    assert shown(amina, f"/visits?service={cast.filling}") == [one]
    assert shown(amina, "/visits?type=walk-in") == [two]
    assert shown(amina, f"/visits?clinic={cast.eye}") == []
    assert shown(amina, f"/visits?patient={maryam}&when=any") == [one]
    assert shown(amina, "/visits?when=tomorrow") == [three]
    day = (clock.local(clock.now(), "Africa/Cairo") + timedelta(days=1)).date()
    assert shown(amina, f"/visits?from={day}&to={day}") == [three]
    assert set(shown(amina, "/visits?when=any")) == {one, two, three}


def test_words_find_a_ticket_or_a_patient(desk: Desk, amina: FlaskClient) -> None:
    org = desk.cast.organization_id
    nadia = factories.patient(
        organization_id=org, first_name="Nadia", last_name="Sabry", phone_digits="201005550142"
    )
    first, second = desk.walk_in(patient_id=nadia), desk.walk_in()

    assert shown(amina, "/visits?q=nadia") == [str(first.visit_id)]
    assert shown(amina, "/visits?q=0100555") == [str(first.visit_id)]
    assert shown(amina, f"/visits?q={second.ticket.lower()}") == [str(second.visit_id)]
    assert shown(amina, "/visits?q=nobody") == []
    assert "Nothing fits" in amina.get("/visits?q=nobody").text


def test_appointments_are_listed_by_their_own_states_and_sources(desk: Desk, amina: FlaskClient) -> None:
    phone = desk.book(booking_source="PHONE")
    online = desk.book(at=desk.soon(90), booking_source="ONLINE")
    desk.book(at=desk.tomorrow(9))
    WAYS["CANCELLED"][0](desk, desk.visit(online.visit_id))
    one, two = str(phone.appointment_id), str(online.appointment_id)

    assert shown(amina, "/appointments/list", APPOINTMENT) == [one, two]
    assert shown(amina, "/appointments/list?source=phone", APPOINTMENT) == [one]
    assert shown(amina, "/appointments/list?state=cancelled", APPOINTMENT) == [two]
    assert shown(amina, "/appointments/list?sort=-time", APPOINTMENT) == [two, one]
    assert shown(amina, f"/appointments/list?q={phone.booking_id}", APPOINTMENT) == [one]
    assert len(shown(amina, "/appointments/list?when=any", APPOINTMENT)) == 3


@pytest.mark.parametrize("sort", ["time", "-time", "ticket", "-state"])
def test_pages_follow_without_loss_while_rows_come_and_go(
    desk: Desk, amina: FlaskClient, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(keyset, "PAGE", 4)
    there = {str(desk.walk_in().visit_id) for _ in range(10)}
    page, seen, pages = amina.get(f"/visits?sort={sort}", headers=HTMX).text, [], []
    while True:
        seen += VISIT.findall(page)
        pages.append(VISIT.findall(page))
        desk.walk_in()  # somebody comes while one reads
        link = re.search(r'href="([^"]+)"[^>]*id="list-next"', page)
        if not link or len(pages) > 9:
            break
        page = amina.get(link[1].replace("&amp;", "&"), headers=HTMX).text
    assert len(seen) == len(set(seen))
    assert there <= set(seen)

    back = re.search(r'href="([^"]+)"[^>]*id="list-previous"', page)
    assert back
    assert shown(amina, back[1].replace("&amp;", "&")) == pages[-2]


def test_an_address_that_cannot_be_is_refused(desk: Desk, amina: FlaskClient) -> None:
    for wrong in ("state=rich", "clinic=1", "from=yesterday", "sort=name", "when=never", "after=AAAA",
                  "after=WyJhIl0", "from=0001-01-01"):  # fmt: skip
        assert amina.get(f"/visits?{wrong}").status_code == 422, wrong


def test_nobody_sees_the_visits_of_another_tenant(
    desk: Desk, as_person: Callable[[str], FlaskClient]
) -> None:
    visit = desk.walk_in()
    omar = as_person("omar")
    assert shown(omar, "/visits?when=any") == []
    assert shown(omar, f"/visits?when=any&patient={desk.visit(visit.visit_id).patient_id}") == []


def test_a_list_of_fifty_costs_six_statements_and_a_kept_one_two(
    desk: Desk, amina: FlaskClient, count_queries: Callable[[], Any]
) -> None:
    for _ in range(51):
        desk.walk_in()
    amina.get("/account")  # who she is, is known from here on
    for address in ("/visits", "/visits?q=maryam", "/appointments/list?when=any"):
        with count_queries() as first:
            assert amina.get(address).status_code == 200
        with count_queries() as again:
            assert amina.get(address).status_code == 200
        assert len(first) <= 6, first  # who asks, where it stands, rows and numbers, names, who saw
        assert len(again) == 2, again  # who asks; whether all stands as it did, and who saw
    assert len(shown(amina, "/visits")) == 50


def test_each_view_leaves_one_row_with_the_ids_also_when_it_was_kept(desk: Desk, amina: FlaskClient) -> None:
    visit = desk.walk_in()
    for _ in range(2):
        before = db.session.scalar(text("SELECT count(*) FROM audit.access_logs"))
        amina.get("/visits")
        assert db.session.scalar(text("SELECT count(*) FROM audit.access_logs")) == before + 1
        row = last_view()
        assert (row.action, row.resource_type, row.user_id) == ("visit.list", "visit", desk.amina.user_id)
        assert row.metadata_ == {"ids": [str(visit.visit_id)]}


def test_every_change_is_seen_at_once(
    desk: Desk, amina: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept always is what would be read now, after each move of a visit and each change of a name."""
    find = kept.find

    def is_seen(change: Callable[[], Any]) -> str:
        amina.get("/visits", headers=HTMX)
        change()
        page = amina.get("/visits", headers=HTMX).text
        monkeypatch.setattr(kept, "find", lambda key: None)
        kept.forget()
        assert page == amina.get("/visits", headers=HTMX).text
        monkeypatch.setattr(kept, "find", find)
        return page

    for place, state in enumerate(WAYS, 1):
        visit = desk.visit(desk.book(at=desk.soon(30 * place)).visit_id)
        for bring in WAYS[state]:
            is_seen(lambda bring=bring, visit=visit: bring(desk, desk.visit(visit.id)))
        if state in ("CALLED", "IN_PROGRESS"):
            _free_the_room(desk, visit)
    visit = desk.walk_in()
    card = patients.card(desk.amina, desk.visit(visit.visit_id).patient_id)
    _card, details = patient_service.open_to_edit(desk.amina, card.id)
    renamed = patient_service.replace(details, first_name="Zahra")
    page = is_seen(lambda: patient_service.edit(desk.amina, card.id, renamed, version=card.version))
    assert "Zahra" in page

    def rename_the_clinic() -> None:
        with transaction():
            db.session.execute(text("UPDATE organization.clinics SET name = 'Teeth' WHERE code = 'DENTAL'"))
            from clinic_web.kernel import push

            push.changed(organization.topic(desk.cast.organization_id))

    assert "Teeth" in is_seen(rename_the_clinic)


def test_two_records_that_became_one_are_one_in_the_lists_at_once(desk: Desk, amina: FlaskClient) -> None:
    org = desk.cast.organization_id
    maryam = factories.patient(organization_id=org, first_name="Maryam", last_name="Sabry")
    mariam = factories.patient(organization_id=org, first_name="Mariam", last_name="Sabri")
    visits = {str(desk.walk_in(patient_id=maryam).visit_id)}
    late = desk.book(at=desk.tomorrow(9), patient_id=mariam)
    assert set(shown(amina, f"/visits?when=any&patient={maryam}")) == visits

    wanted = merging.Merge(
        survivor_id=maryam, merged_id=mariam, from_merged=(), reason="Same identity card",
        survivor_version=1, merged_version=1,
    )  # fmt: skip
    merging.merge(desk.amina, wanted, key=str(uuid4()))

    visits.add(str(late.visit_id))
    for asked in (f"patient={maryam}", f"patient={mariam}", "q=maryam sabry", "q=mariam sabri"):
        page = amina.get(f"/visits?when=any&{asked}", headers=HTMX).text
        assert set(VISIT.findall(page)) == visits, asked
        assert "Mariam" not in re.sub(r'value="[^"]*"', "", page)
    both = shown(amina, f"/appointments/list?when=any&patient={maryam}", APPOINTMENT)
    assert both == [str(late.appointment_id)]


def _free_the_room(desk: Desk, visit: Any) -> None:
    now = desk.visit(visit.id)
    for bring in WAYS["PENDING_PAYMENT"][{"CALLED": 2, "IN_PROGRESS": 3}[now.status] :]:
        bring(desk, desk.visit(visit.id))


def test_a_kept_list_is_of_one_language_and_one_set_of_rights(
    desk: Desk, amina: FlaskClient, mona: FlaskClient
) -> None:
    desk.walk_in()
    assert 'id="list-export"' not in amina.get("/visits").text
    assert 'id="list-export"' in mona.get("/visits").text
    assert 'id="list-export"' not in amina.get("/visits").text
    amina.post("/account/settings", data={"locale": "ar", "next": "/visits"})
    assert "csrf" not in amina.get("/visits", headers=HTMX).text


def test_a_file_holds_the_whole_list_and_no_formula(
    desk: Desk, mona: FlaskClient, amina: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "CHUNK", 3)
    org = desk.cast.organization_id
    evil = factories.patient(organization_id=org, first_name='=HYPERLINK("http://x")', last_name="Sabry")
    visits = [desk.walk_in(patient_id=evil), *(desk.walk_in() for _ in range(7))]
    answer = mona.get("/visits.csv?sort=time")
    body = answer.get_data()

    assert body.startswith(b"\xef\xbb\xbf")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert len(rows) == 1 + len(visits)
    assert [row[1] for row in rows[1:]] == [each.ticket for each in visits]
    assert rows[1][2] == '\'=HYPERLINK("http://x") Sabry'
    pieces = db.session.scalars(select(AccessLog).filter_by(action="visit.export")).all()
    assert sorted(len(row.metadata_["ids"]) for row in pieces) == [2, 3, 3]

    marked = mona.get(f"/visits.csv?id={visits[2].visit_id}&id={visits[4].visit_id}").text
    assert len(marked.strip().splitlines()) == 3
    assert len(mona.get("/visits.csv?type=scheduled").text.strip().splitlines()) == 1
    assert amina.get("/visits.csv").status_code == 403
    assert mona.get("/visits.csv?state=rich").status_code == 422


def test_without_redis_a_list_is_read_from_postgresql(
    desk: Desk, amina: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic_web.kernel import broker

    visit = desk.walk_in()
    monkeypatch.setattr(broker.broker(), "_away_until", float("inf"))
    assert shown(amina, "/visits") == [str(visit.visit_id)]
    second = desk.walk_in()
    assert set(shown(amina, "/visits")) == {str(visit.visit_id), str(second.visit_id)}
