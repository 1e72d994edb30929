"""The calendar: the day by doctor, the week by day, what is free, booking and moving there."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.audit.models import AccessLog, Change
from clinic_web.kernel import push
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import NewLeave
from clinic_web.reception.models import Appointment, Visit
from tests import factories
from tests.cast import hire
from tests.reception.desk import Desk
from tests.reception.test_desk import brought_into
from tests.reception.test_desk_in_hand import fields_of

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true", "HX-Target": "hand"}


@pytest.fixture
def amina(as_person: Browser) -> FlaskClient:
    return as_person("amina")


def page(client: FlaskClient, desk: Desk, **asked: Any) -> str:
    query = {"clinic": str(desk.cast.dental), **{name: str(value) for name, value in asked.items()}}
    answer = client.get("/appointments", query_string=query)
    assert answer.status_code == 200, answer.text[:2000]
    return unescape(answer.text)


def named(desk: Desk, first_name: str) -> UUID:
    patient = factories.patient(
        organization_id=desk.cast.organization_id, first_name=first_name, last_name="Qadri"
    )
    db.session.commit()
    return patient


def cells(html: str) -> list[tuple[str, str]]:
    """Kind and text of each cell of the table."""
    found = re.findall(r'<td class="c c--(\w+)[^"]*"[^>]*>(.*?)</td>', html, re.S)
    return [(kind, " ".join(re.sub(r"<[^>]+>", " ", inner).split())) for kind, inner in found]


def slot(desk: Desk, hour: int, minute: int = 0, doctor: UUID | None = None) -> str:
    return f"{doctor or desk.cast.salma}|{desk.tomorrow(hour, minute).isoformat()}"


def test_a_day_shows_each_doctors_hours_and_who_is_booked(desk: Desk, amina: FlaskClient) -> None:
    desk.book(at=desk.tomorrow(9, 20), patient_id=named(desk, "Tamara"), booking_source="PHONE")
    desk.book(at=desk.tomorrow(9, 40), doctor_id=desk.cast.karim, patient_id=named(desk, "Faris"))
    html = page(amina, desk, day=desk.tomorrow(9).date())
    heads = re.findall(r'<th scope="col".*?</th>', html, re.S)
    assert ["Dr Karim" in head or "Dr Salma" in head for head in heads[1:]] == [True, True]
    busy = [text for kind, text in cells(html) if kind == "busy"]
    assert len(busy) == 2
    tamara = next(text for text in busy if "Tamara" in text)
    assert "D-001" in tamara and "booked" in tamara and "by phone" in tamara and "Cleaning" in tamara
    free = [text for kind, text in cells(html) if kind == "free"]
    assert sum("09:20 open" in text for text in free) == 1, "the other doctor is free then"
    assert "data-slot=" in html and 'role="status"' in html


def test_states_are_told_by_word_and_shape(desk: Desk, amina: FlaskClient) -> None:
    for number, state in enumerate(("WAITING", "COMPLETED", "NO_SHOW", "CANCELLED"), 1):
        brought_into(desk, state, at=desk.soon(30 * number))
    html = page(amina, desk)
    text = " ".join(text for _, text in cells(html))
    for word in ("here", "done", "did not come", "cancelled"):
        assert word in text
    assert "ticket--waiting" in html and "ticket--done" in html


def test_leave_and_an_overbooking_are_shown_with_their_reason(desk: Desk, amina: FlaskClient) -> None:
    desk.book(at=desk.tomorrow(9))
    desk.book(at=desk.tomorrow(9), overbooking_reason="toothache")
    organization.add_leave(
        desk.system,
        NewLeave(
            staff_id=desk.cast.karim, starts_at=desk.tomorrow(0), ends_at=desk.tomorrow(23, 59), note="Luxor"
        ),
    )
    html = page(amina, desk, day=desk.tomorrow(9).date())
    assert any(kind == "away" and "On leave, Luxor" in text for kind, text in cells(html))
    both = [text for kind, text in cells(html) if kind == "busy"]
    assert len(both) == 1 and "overbooked: toothache" in both[0], "one on top of the other, in one cell"


def test_a_week_has_seven_days_of_one_doctor(desk: Desk, amina: FlaskClient) -> None:
    desk.book(at=desk.tomorrow(9, 20), patient_id=named(desk, "Tamara"))
    html = page(amina, desk, view="week", day=desk.tomorrow(9).date(), doctor=desk.cast.salma)
    assert len(re.findall(r'<th scope="col"', html)) == 8
    assert "Tamara Qadri" in html
    other = page(amina, desk, view="week", day=desk.tomorrow(9).date(), doctor=desk.cast.karim)
    assert "Tamara Qadri" not in other


def test_day_and_week_ask_the_database_little_however_many_are_booked(
    desk: Desk, amina: FlaskClient, count_queries: Any
) -> None:
    for number in range(12):
        desk.book(at=desk.tomorrow(12 + number // 3, number % 3 * 20))
    page(amina, desk)  # from here on the organization is kept in the process
    for view in ("day", "week"):
        assert _count(desk, amina, count_queries, view) <= 10


def _count(desk: Desk, amina: FlaskClient, count_queries: Any, view: str) -> int:
    with count_queries() as queries:
        answer = amina.get(
            "/appointments/grid",
            query_string={
                "clinic": desk.cast.dental,
                "view": view,
                "day": desk.tomorrow(9).date(),
                "doctor": desk.cast.salma,
            },
            headers=HTMX,
        )
    assert answer.status_code == 200 and answer.text.count("data-version") == 12
    assert "<!doctype" not in answer.text.lower()
    return len(queries)


def test_a_free_time_asks_who_and_then_books_with_its_source(desk: Desk, amina: FlaskClient) -> None:
    patient = named(desk, "Tamara")
    asked = {"clinic": desk.cast.dental, "slot": slot(desk, 9)}
    panel = amina.get("/appointments/slot", query_string=asked, headers=HTMX).text
    assert "Who is it for?" in panel
    hits = amina.get("/appointments/slot/patients", query_string=asked | {"q": "tama"}, headers=HTMX).text
    assert "Tamara Qadri" in hits and f"patient={patient}" in hits
    panel = amina.get("/appointments/slot", query_string=asked | {"patient": patient}, headers=HTMX).text
    fields = fields_of(panel, "book") | {"source": "ONLINE", "service": str(desk.cast.cleaning)}
    answer = amina.post("/appointments/book", data=fields, headers=HTMX)
    assert answer.status_code == 200 and "09:00 is booked" in answer.text
    booked = db.session.scalars(select(Appointment)).one()
    assert (booked.booking_source, booked.start_time, booked.patient_id) == (
        "ONLINE",
        desk.tomorrow(9),
        patient,
    )
    again = amina.post("/appointments/book", data=fields, headers=HTMX)
    assert again.status_code == 200 and len(db.session.scalars(select(Appointment)).all()) == 1


def test_a_time_that_is_gone_is_answered_with_the_nearest(desk: Desk, amina: FlaskClient) -> None:
    patient = named(desk, "Tamara")
    asked = {"clinic": desk.cast.dental, "slot": slot(desk, 9), "patient": patient}
    fields = fields_of(amina.get("/appointments/slot", query_string=asked, headers=HTMX).text, "book")
    desk.book(at=desk.tomorrow(9))
    fields |= {"service": str(desk.cast.cleaning), "note": "left side"}
    answer = amina.post("/appointments/book", data=fields, headers=HTMX)
    assert answer.status_code == 409
    assert "This time has just been taken." in answer.text and "left side" in answer.text
    assert len(re.findall(r'type="radio" name="slot"', answer.text)) == 3


def test_an_appointment_is_dropped_on_another_time_and_taken_back(desk: Desk, amina: FlaskClient) -> None:
    booked = desk.book(at=desk.tomorrow(9), patient_id=named(desk, "Tamara"))
    url = f"/appointments/{booked.appointment_id}"
    panel = amina.get(url, headers=HTMX).text
    assert "Tamara Qadri" in panel and "/move" in panel
    answer = amina.post(
        f"{url}/move", data={"slot": slot(desk, 11), "version": 1, "idempotency_key": "k"}, headers=HTMX
    )
    assert answer.status_code == 200 and "now on" in answer.text and "undo-move" in answer.text
    undone = amina.post(f"{url}/undo-move", data={"version": 2}, headers=HTMX)
    assert undone.status_code == 200 and "again" in undone.text
    assert db.session.get_one(Appointment, booked.appointment_id).start_time == desk.tomorrow(9)


def test_a_drop_on_a_taken_time_is_a_409_with_the_nearest_and_a_reason_books_it(
    desk: Desk, amina: FlaskClient
) -> None:
    booked, _ = desk.book(at=desk.tomorrow(9)), desk.book(at=desk.tomorrow(11))
    url = f"/appointments/{booked.appointment_id}/move"
    fields = {"slot": slot(desk, 11), "version": "1", "idempotency_key": "k"}
    refused = amina.post(url, data=fields, headers=HTMX)
    assert refused.status_code == 409 and "This time has just been taken." in refused.text
    assert 'data-key="3"' in refused.text, "the three nearest"
    fields |= {"slot": f"{slot(desk, 11)}|over", "idempotency_key": "k2"}
    asked = amina.get(url, query_string={"slot": fields["slot"]}, headers=HTMX).text
    assert "On top of" in asked and "Why is this overbooked?" in asked
    unsaid = amina.post(url, data=fields, headers=HTMX)
    assert unsaid.status_code == 422 and "Say why this time is booked on top" in unescape(unsaid.text)
    done = amina.post(url, data=fields | {"overbooking_reason": "pain"}, headers=HTMX)
    assert done.status_code == 200 and "pain" in done.text
    stale = amina.post(
        url, data=fields | {"overbooking_reason": "pain", "idempotency_key": "k3"}, headers=HTMX
    )
    assert stale.status_code == 409


def test_cancel_needs_a_reason_and_a_missed_one_can_come_after_all(desk: Desk, amina: FlaskClient) -> None:
    booked = desk.book(at=desk.soon(5))
    url = f"/appointments/{booked.appointment_id}"
    missed = amina.post(f"{url}/miss", data={"version": 1}, headers=HTMX)
    assert missed.status_code == 200 and "did not come" in missed.text and "came-after-all" in missed.text
    other = desk.book(at=desk.tomorrow(9))
    url = f"/appointments/{other.appointment_id}/cancel"
    unsaid = amina.post(url, data={"version": 1, "reason": " "}, headers=HTMX)
    assert unsaid.status_code == 422 and "Say why" in unsaid.text
    assert amina.post(url, data={"version": 1, "reason": "ill"}, headers=HTMX).status_code == 200
    assert db.session.get_one(Visit, other.visit_id, populate_existing=True).status == "CANCELLED"


def test_the_day_on_paper(desk: Desk, amina: FlaskClient) -> None:
    desk.book(at=desk.tomorrow(9, 20), patient_id=named(desk, "Tamara"), notes="X-ray")
    sheet = amina.get(
        "/appointments/print", query_string={"clinic": desk.cast.dental, "day": desk.tomorrow(9).date()}
    ).text
    assert "Tamara Qadri" in sheet and "X-ray" in sheet and "Printed by" in sheet and "<thead>" in sheet
    assert ">Ticket</th>" in sheet and '<td class="latn' not in sheet  # a cell keeps the page's direction


def test_every_look_is_noted_and_strangers_see_nothing(desk: Desk, as_person: Browser) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    page(as_person("amina"), desk, day=desk.tomorrow(9).date())
    noted = db.session.scalars(select(AccessLog).where(AccessLog.action == "appointment.calendar")).one()
    assert noted.user_id == desk.amina.user_id
    assert as_person("farida").get("/appointments").status_code == 403
    omar = as_person("omar")
    for url in (
        f"/appointments?clinic={desk.cast.dental}",
        f"/appointments/{booked.appointment_id}",
        f"/appointments/{booked.appointment_id}/move",
    ):
        assert omar.get(url).status_code == 404
    moved = {"slot": slot(desk, 11), "version": 1, "idempotency_key": "k"}
    assert omar.post(f"/appointments/{booked.appointment_id}/move", data=moved).status_code == 404
    salma = as_person("salma")
    assert salma.get(f"/appointments?clinic={desk.cast.dental}").status_code == 200
    assert salma.post(f"/appointments/{booked.appointment_id}/move", data=moved).status_code == 403


def test_a_note_is_corrected_and_the_old_words_are_kept(desk: Desk, amina: FlaskClient) -> None:
    booked = desk.book(at=desk.tomorrow(9, 20), notes="Bring the X-ray")
    url = f"/appointments/{booked.appointment_id}"
    panel = amina.get(url, headers=HTMX).text
    assert "Bring the X-ray" in panel and "Amina" in panel, "who booked is said"
    version = re.search(r'action="/appointments/[^"]+/note".*?name="version" value="(\d+)"', panel, re.S)
    assert version is not None
    answer = amina.post(f"{url}/note", data={"note": "Bring the MRI", "version": version[1]}, headers=HTMX)
    assert answer.status_code == 200 and "Bring the MRI" in answer.text
    changed = db.session.scalars(select(Change).where(Change.action == "appointment.note")).one()
    assert (changed.old_values, changed.new_values) == (
        {"notes": "Bring the X-ray"},
        {"notes": "Bring the MRI"},
    )
    stale = amina.post(f"{url}/note", data={"note": "Something else", "version": version[1]}, headers=HTMX)
    assert stale.status_code == 409
    assert "Bring the MRI" in amina.get(url, headers=HTMX).text


def test_from_the_calendar_to_the_list_of_the_same_day_and_doctor(desk: Desk, amina: FlaskClient) -> None:
    day = desk.tomorrow(9).date()
    link = re.search(r'href="(/appointments/list[^"]*)"', page(amina, desk, day=day, doctor=desk.cast.salma))
    assert link is not None
    booked = desk.book(at=desk.tomorrow(9, 20), patient_id=named(desk, "Tamara"))
    desk.book(at=desk.tomorrow(9, 40), doctor_id=desk.cast.karim, patient_id=named(desk, "Faris"))
    listed = amina.get(link[1]).text
    assert "Tamara" in listed and "Faris" not in listed and booked.appointment_id


def test_notes_are_read_by_who_books_and_by_who_works_there(desk: Desk, as_person: Browser) -> None:
    """An oculist sees in the dentists' calendar who is booked, and not what was noted of them."""
    cast = desk.cast
    oculist = factories.doctor(
        organization_id=cast.organization_id,
        facility_id=cast.facility_id,
        clinics=[cast.eye],
        first_name="Ziad",
        last_name="Soliman",
    )
    with transaction():
        push.changed(organization.topic(cast.organization_id))
    hire(cast, "ziad", "doctor", cast.organization_id, cast.facility_id, oculist)
    booked = desk.book(at=desk.tomorrow(9, 20), patient_id=named(desk, "Tamara"), notes="Fears needles")
    day, panel = desk.tomorrow(9).date(), f"/appointments/{booked.appointment_id}"
    visit = f"/desk/hand/visit/{booked.visit_id}"
    for name in ("amina", "salma"):
        assert "Fears needles" in page(as_person(name), desk, day=day), name
        assert "Fears needles" in as_person(name).get(panel, headers=HTMX).text
        assert as_person(name).get(visit, headers=HTMX).status_code == 200
    seen = page(as_person("ziad"), desk, day=day)
    assert "Tamara" in seen and "needles" not in seen
    for address in (panel, visit):
        answer = as_person("ziad").get(address, headers=HTMX)
        assert answer.status_code == 403 and "needles" not in answer.text and "Tamara" not in answer.text
