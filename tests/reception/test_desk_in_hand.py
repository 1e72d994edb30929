"""What the desk has in hand: a patient, a booking, a walk-in, a visit. With and without JavaScript."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Callable, Iterator
from datetime import date
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, g, request_started
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.reception.models import Appointment, Visit
from tests import factories
from tests.reception.desk import WAYS, Desk

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true", "HX-Target": "hand"}


@pytest.fixture(autouse=True)
def one_request_knows_nothing_of_the_last(app: Flask) -> Iterator[None]:
    def forget(_app: Flask, **_: object) -> None:
        g.__dict__.clear()

    with request_started.connected_to(forget, app):
        yield


@pytest.fixture
def amina(desk: Desk, as_person: Browser) -> FlaskClient:
    """Amina's browser, at the dental desk."""
    client = as_person("amina")
    client.get(f"/desk?clinic={desk.cast.dental}")
    return client


def fields_of(page: str, form_id: str) -> dict[str, str]:
    """What a browser would send of a form nobody has touched."""
    form = page[page.index(f'id="{form_id}"') :]
    form = form[: form.index("</form>")]
    fields = {}
    for tag in re.findall(r"<(?:input|textarea)[^>]*>", form):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        is_chosen = attributes.get("type") not in ("radio", "checkbox") or re.search(r"\schecked\b", tag)
        if attributes.get("name") and is_chosen:
            fields[attributes["name"]] = markup.unescape(attributes.get("value", ""))
    return fields


def booking_form(client: FlaskClient, patient_id: UUID, **chosen: Any) -> dict[str, str]:
    page = client.get(
        f"/desk/hand/patient/{patient_id}/book", query_string={k: str(v) for k, v in chosen.items()}
    )
    assert page.status_code == 200
    return fields_of(page.text, "book")


def book(client: FlaskClient, patient_id: UUID, fields: dict[str, str], **headers: str) -> TestResponse:
    return client.post(f"/desk/hand/patient/{patient_id}/book", data=fields, headers=headers)


def what_comes(client: FlaskClient, answer: TestResponse) -> str:
    """The panel that the answer to a booking or a walk-in fetches by itself."""
    url = re.search(r'hx-get="([^"]+)" hx-trigger="load" hx-target="this"', answer.text)
    assert answer.status_code == 200 and url
    return client.get(unescape(url.group(1)), headers=HTMX).text


def count(table: type[Visit] | type[Appointment]) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def brought_into(desk: Desk, state: str) -> Visit:
    return desk.visit_in(state)


def act(client: FlaskClient, visit: Visit, name: str, **fields: Any) -> TestResponse:
    data = {"version": visit.version} | fields
    return client.post(f"/visits/{visit.id}/{name}", data=data, headers=HTMX)


# ---- A patient ----------------------------------------------------------------------------------


def test_a_patient_in_hand_shows_what_changes_what_one_does_now(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    missed = desk.book(patient_id=patient)
    WAYS["NO_SHOW"][0](desk, desk.visit(missed.visit_id))
    owing = desk.book(patient_id=patient, at=desk.soon(60))
    for bring in WAYS["PENDING_PAYMENT"]:
        bring(desk, desk.visit(owing.visit_id))
    panel = amina.get(f"/desk/hand/patient/{patient}", headers=HTMX).text
    assert "Maryam Tahhan" in panel and "Missed 1 appointment in twelve months" in panel
    assert "Owes 450.00" in panel and "To pay" in panel
    assert 'data-key="F4"' in panel and 'data-key="F2"' in panel


def test_the_panel_is_the_same_on_a_page_of_its_own(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    panel = amina.get(f"/desk/hand/patient/{patient}", headers=HTMX).text
    page = amina.get(f"/desk/hand/patient/{patient}").text
    assert f'id="hand-patient-{patient}"' in panel and "<!doctype" not in panel
    assert f'id="hand-patient-{patient}"' in page and 'id="line"' in page and 'id="rooms"' in page


def test_whose_card_was_looked_at_is_noted(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    amina.get(f"/desk/hand/patient/{patient}", headers=HTMX)
    noted = select(AccessLog).where(AccessLog.action == "patient.view", AccessLog.resource_id == patient)
    assert len(db.session.scalars(noted).all()) == 1


def test_an_unknown_patient_and_another_tenants_are_not_here(
    desk: Desk, amina: FlaskClient, as_person: Browser
) -> None:
    patient = desk.patient()
    assert as_person("omar").get(f"/desk/hand/patient/{patient}", headers=HTMX).status_code == 404
    assert amina.get(f"/desk/hand/patient/{UUID(int=7)}", headers=HTMX).status_code == 404
    assert amina.get("/desk/hand/patient/nonsense", headers=HTMX).status_code == 404


# ---- Booking ------------------------------------------------------------------------------------


def test_booking_without_javascript_ends_with_a_ticket(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    answer = book(amina, patient, booking_form(amina, patient))
    assert answer.status_code == 303
    done = amina.get(answer.location).text
    assert "D-001" in done and "Maryam Tahhan" in done and 'class="slip"' in done
    assert "is booked" in done  # the line in the foot came along
    assert "Maryam Tahhan" in done[done.index('id="coming"') :]


def test_a_double_click_books_once_and_gives_the_same_ticket(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    fields = booking_form(amina, patient)
    first, second = book(amina, patient, fields, **HTMX), book(amina, patient, fields, **HTMX)
    assert first.status_code == second.status_code == 200
    assert "D-001" in first.text and "D-001" in second.text and "D-002" not in second.text
    assert count(Appointment) == 1
    assert (
        book(amina, patient, fields).location
        == f"/desk/hand/done/{db.session.scalar(select(Visit.id))}?pays=later"
    )


def test_the_nearest_times_come_with_a_digit_each_and_the_first_is_chosen(
    desk: Desk, amina: FlaskClient
) -> None:
    patient = desk.patient()
    panel = amina.get(f"/desk/hand/patient/{patient}/book", headers=HTMX).text
    assert [f'data-key="{digit}"' in panel for digit in "1234"] == [True, True, True, False]
    assert re.search(r'id="near-1"[^>]*checked data-focus', panel)
    assert "Book {time}, print slip" in panel
    assert "450.00" in panel or "600.00" in panel


def test_the_times_follow_the_service_the_doctor_and_the_day(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    tomorrow = desk.tomorrow(12).date()
    chosen = {
        "service": desk.cast.filling,
        "doctor": desk.cast.karim,
        "day": tomorrow,
        "clinic": desk.cast.dental,
    }
    page = amina.get(
        f"/desk/hand/patient/{patient}/book",
        query_string={k: str(v) for k, v in chosen.items()},
        headers=HTMX,
    ).text
    slots = re.findall(r'name="slot"[^>]*value="([^"|]+)\|([^"|]+)', page)
    assert slots and {doctor for doctor, _ in slots} == {str(desk.cast.karim)}
    fields = fields_of(page, "book")
    assert fields["service"] == str(desk.cast.filling) and fields["day"] == tomorrow.isoformat()
    assert "600.00" in page and "Nearest on" in page


def test_a_slot_that_was_taken_meanwhile_keeps_the_panel_and_offers_new_times(
    desk: Desk, amina: FlaskClient
) -> None:
    patient = desk.patient()
    fields = booking_form(amina, patient) | {"note": "prefers mornings", "pays": "now"}
    doctor, moment = fields["slot"].split("|")
    desk.book(doctor_id=UUID(doctor), at=clock.now().fromisoformat(moment))
    answer = book(amina, patient, fields, **HTMX)
    assert answer.status_code == 409
    assert "This time has just been taken." in answer.text and 'role="alert"' in answer.text
    assert 'value="prefers mornings"' in answer.text
    again = fields_of(answer.text, "book")
    assert again["pays"] == "now" and again["idempotency_key"] != fields["idempotency_key"]
    nearest = re.findall(r'id="near-\d"[^>]*value="([^"]+)"', answer.text)
    assert len(nearest) == 3 and fields["slot"] not in nearest
    assert book(amina, patient, again | {"slot": nearest[0]}, **HTMX).status_code == 200


WRONG = [
    ({"slot": ""}, "Choose a time."),
    ({"slot": "nonsense"}, "This is not a time of this list."),
    ({"slot": "{salma}|2020-01-01T10:00:00+00:00"}, "This time is past."),
    ({"slot": "{salma}|2026-01-01T10:00:00"}, "This is not a time of this list."),
    ({"service": ""}, "Choose a service."),
    ({"note": "x" * 501}, "This is too long: 500 characters at most."),
    ({"slot": "{slot}|over"}, "Say why this time is booked on top of the others."),
]


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    right = booking_form(amina, patient) | {"source": "PHONE"}
    known = {"salma": desk.cast.salma, "slot": right["slot"]}
    for wrong, sentence in WRONG:
        fields = right | {name: value.format(**known) for name, value in wrong.items()}
        answer = book(amina, patient, fields)
        assert answer.status_code == 422 and sentence in markup.unescape(answer.text)
        assert fields_of(answer.text, "book")["source"] == "PHONE"
        assert 'id="line"' in answer.text  # without JavaScript the desk stays around it
    assert count(Appointment) == 0


def test_a_time_can_be_booked_on_top_of_another_with_a_reason(desk: Desk, amina: FlaskClient) -> None:
    patient, taken = desk.patient(), desk.book()
    slot = f"{taken.doctor_id}|{taken.start_time.isoformat()}|over"
    fields = booking_form(amina, patient) | {"slot": slot, "overbooking_reason": "urgent pain"}
    assert book(amina, patient, fields, **HTMX).status_code == 200
    reasons = db.session.scalars(select(Appointment.overbooking_reason)).all()
    assert set(reasons) == {None, "urgent pain"}


def test_a_past_day_is_refused_and_today_is_shown(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    for typed, sentence in (("2020-01-01", "This day is past."), ("soon", "This is not a day.")):
        page = amina.get(f"/desk/hand/patient/{patient}/book?day={typed}", headers=HTMX).text
        assert sentence in page and "Nearest today" in page


def test_who_pays_now_is_led_to_the_payment(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    answer = book(amina, patient, booking_form(amina, patient) | {"pays": "now"}, **HTMX)
    visit = db.session.scalar(select(Visit.id))
    assert f'hx-get="/payments/visit/{visit}/panel" hx-trigger="load' in what_comes(amina, answer)
    later = book(amina, patient, booking_form(amina, patient) | {"pays": "later"}, **HTMX)
    panel = what_comes(amina, later)
    assert 'hx-trigger="load' not in panel and 'data-key="F8"' in panel


def test_a_doctor_may_not_book(desk: Desk, as_person: Browser) -> None:
    patient = desk.patient()
    salma = as_person("salma")
    assert salma.get(f"/desk/hand/patient/{patient}/book", headers=HTMX).status_code == 403
    assert salma.post(f"/desk/hand/patient/{patient}/book", headers=HTMX).status_code == 403


def test_another_tenants_service_and_clinic_can_not_be_booked(
    desk: Desk, amina: FlaskClient, as_person: Browser
) -> None:
    patient = desk.patient()
    assert book(as_person("omar"), patient, booking_form(amina, patient)).status_code == 404
    for query in (f"clinic={UUID(int=7)}", f"service={UUID(int=7)}", f"doctor={UUID(int=7)}"):
        assert amina.get(f"/desk/hand/patient/{patient}/book?{query}", headers=HTMX).status_code == 404


def test_a_desk_books_in_the_clinic_that_its_tab_shows(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    amina.get(f"/desk?clinic={desk.cast.dental}")
    headers = HTMX | {"HX-Current-URL": f"http://localhost/desk?clinic={desk.cast.eye}"}
    assert "Booking, Eye" in amina.get(f"/desk/hand/patient/{patient}/book", headers=headers).text


# ---- A walk-in ----------------------------------------------------------------------------------


def walk_in_form(client: FlaskClient, patient_id: UUID) -> dict[str, str]:
    page = client.get(f"/desk/hand/patient/{patient_id}/walk-in").text
    service = re.search(r'<select[^>]*name="service".*?<option value="([^"]+)"', page, re.S)
    assert service
    return fields_of(page, "let-in") | {"service": service.group(1), "doctor": "", "priority": ""}


def let_in(client: FlaskClient, patient_id: UUID, fields: dict[str, str], **headers: str) -> TestResponse:
    return client.post(f"/desk/hand/patient/{patient_id}/walk-in", data=fields, headers=headers)


def test_a_walk_in_gets_a_number_and_a_slip_once(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    desk.walk_in()
    fields = walk_in_form(amina, patient)
    first, second = let_in(amina, patient, fields, **HTMX), let_in(amina, patient, fields, **HTMX)
    assert "D-002" in first.text and "D-002" in second.text and "Before you: 1" in what_comes(amina, first)
    plain = let_in(amina, patient, fields)
    assert plain.status_code == 303 and "D-002" in amina.get(plain.location).text
    assert count(Visit) == 2


def test_an_age_suggests_a_priority_that_the_desk_decides(desk: Desk, amina: FlaskClient) -> None:
    old = factories.patient(
        organization_id=desk.cast.organization_id, first_name="Nour", date_of_birth=date(1940, 1, 1)
    )
    db.session.commit()
    page = amina.get(f"/desk/hand/patient/{old}/walk-in", headers=HTMX).text
    assert "The age suggests" in page and 'data-suggest="ELDERLY"' in page
    assert not re.search(r'value="ELDERLY" selected', page)
    link = re.search(r'<a class="btn[^>]*href="([^"]+)"[^>]*data-suggest', page)
    assert link
    given = amina.get(markup.unescape(link.group(1)), headers=HTMX).text
    assert 'value="ELDERLY" selected' in given


def test_a_priority_needs_its_reason(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    answer = let_in(amina, patient, walk_in_form(amina, patient) | {"priority": "EMERGENCY"}, **HTMX)
    assert answer.status_code == 422 and "Say why: the reason stands beside" in answer.text
    assert 'value="EMERGENCY" selected' in answer.text and count(Visit) == 0


def test_who_waits_already_is_not_let_in_twice(desk: Desk, amina: FlaskClient) -> None:
    patient = desk.patient()
    desk.walk_in(patient_id=patient)
    answer = let_in(amina, patient, walk_in_form(amina, patient), **HTMX)
    assert answer.status_code == 422 and "D-001" in answer.text


# ---- A visit ------------------------------------------------------------------------------------

OFFERED = {
    "SCHEDULED": {"check-in", "cancel", "prioritise"},
    "WAITING": {"undo-check-in", "hold", "prioritise", "cancel"},
    "ON_HOLD": {"resume", "cancel"},
    "CALLED": {"miss", "cancel", "send-back"},
    "IN_PROGRESS": set(),
    "PENDING_PAYMENT": set(),
    "COMPLETED": set(),
    "NO_SHOW": {"came-after-all"},
    "CANCELLED": set(),
}


@pytest.mark.parametrize("state", OFFERED)
def test_a_visit_offers_what_its_state_allows(desk: Desk, amina: FlaskClient, state: str) -> None:
    visit = brought_into(desk, state)
    panel = amina.get(f"/desk/hand/visit/{visit.id}", headers=HTMX).text
    assert set(re.findall(rf'action="/visits/{visit.id}/([\w-]+)"', panel)) == OFFERED[state]
    assert f'id="hand-visit-{visit.id}"' in panel and f'data-live="queue:{visit.queue_id}"' in panel
    assert ('data-key="F8"' in panel) == (
        state in {"SCHEDULED", "WAITING", "ON_HOLD", "CALLED", "IN_PROGRESS", "PENDING_PAYMENT"}
    )


def test_the_desk_sends_a_called_patient_back_to_the_line(desk: Desk, amina: FlaskClient) -> None:
    visit = brought_into(desk, "CALLED")
    answer = amina.post(f"/visits/{visit.id}/send-back", data={"version": visit.version}, headers=HTMX)
    assert answer.status_code == 200
    assert desk.visit(visit.id).status == "WAITING"
    again = amina.post(f"/visits/{visit.id}/send-back", data={"version": visit.version}, headers=HTMX)
    assert again.status_code == 409


def test_a_visit_shows_how_it_went(desk: Desk, amina: FlaskClient) -> None:
    visit = brought_into(desk, "ON_HOLD")
    panel = amina.get(f"/desk/hand/visit/{visit.id}", headers=HTMX).text
    history = panel[panel.index('class="history"') :]
    words = re.findall(r"state--(\w+)", history)
    assert words == ["hold", "waiting", "scheduled"] and "X-ray first" in history


def test_checking_in_says_so_in_the_foot_and_can_be_undone(
    desk: Desk, amina: FlaskClient, pushed: list[str]
) -> None:
    visit = desk.visit(desk.book().visit_id)
    row = {"HX-Request": "true", "HX-Target": "last-act"}
    answer = amina.post(f"/visits/{visit.id}/check-in", data={"version": visit.version}, headers=row)
    assert answer.headers["HX-Trigger"] == "acted"
    assert 'id="last-act"' in answer.text and "hx-swap-oob" not in answer.text
    assert "Maryam Tahhan" in answer.text and "checked in" in answer.text and "D-001" in answer.text
    assert f'action="/visits/{visit.id}/undo-check-in"' in answer.text
    assert f"queue:{visit.queue_id}" in pushed
    assert desk.visit(visit.id).status == "WAITING"
    version = re.search(r'name="version" value="(\d+)"', answer.text)
    assert version
    undone = amina.post(f"/visits/{visit.id}/undo-check-in", data={"version": version.group(1)}, headers=row)
    assert undone.status_code == 200 and desk.visit(visit.id).status == "SCHEDULED"


def test_an_act_in_hand_shows_the_visit_again_with_the_foot_beside(desk: Desk, amina: FlaskClient) -> None:
    visit = desk.visit(desk.book().visit_id)
    answer = act(amina, visit, "check-in")
    assert f'id="hand-visit-{visit.id}"' in answer.text and 'hx-swap-oob="true"' in answer.text
    assert "Waiting" in answer.text


def test_checking_in_without_javascript_goes_back_to_the_desk(desk: Desk, amina: FlaskClient) -> None:
    visit = desk.visit(desk.book().visit_id)
    data = {"version": visit.version, "next": f"/desk?clinic={desk.cast.dental}"}
    answer = amina.post(f"/visits/{visit.id}/check-in", data=data)
    assert (answer.status_code, answer.location) == (303, data["next"])
    page = amina.get(answer.location).text
    assert "checked in" in page and "Undo" in page


def test_nobody_is_sent_elsewhere(desk: Desk, amina: FlaskClient) -> None:
    for minutes, elsewhere in enumerate(("https://evil.example", "//evil.example", "/\\evil.example", "")):
        visit = desk.visit(desk.book(at=desk.soon(30 + 30 * minutes)).visit_id)
        data = {"version": visit.version, "next": elsewhere}
        answer = amina.post(f"/visits/{visit.id}/check-in", data=data)
        assert answer.location == f"/desk/hand/visit/{visit.id}"


def test_an_old_screen_is_told_so_and_changes_nothing(desk: Desk, amina: FlaskClient) -> None:
    visit = desk.visit(desk.book().visit_id)
    old = visit.version
    WAYS["WAITING"][0](desk, visit)
    answer = amina.post(f"/visits/{visit.id}/check-in", data={"version": old}, headers=HTMX)
    assert answer.status_code == 409 and "data-error" in answer.text
    assert amina.post(f"/visits/{visit.id}/check-in", headers=HTMX).status_code == 400


@pytest.mark.parametrize("name", ["hold", "cancel"])
def test_what_needs_a_reason_asks_for_it_and_keeps_asking(desk: Desk, amina: FlaskClient, name: str) -> None:
    visit = brought_into(desk, "WAITING")
    answer = act(amina, visit, name, reason="   ")
    assert answer.status_code == 422 and "Say why, in a few words." in answer.text
    assert re.search(rf'id="ask-{name}"[^>]* open>', answer.text)
    assert act(amina, visit, name, reason="gone to the bank").status_code == 200
    assert desk.visit(visit.id).status == {"hold": "ON_HOLD", "cancel": "CANCELLED"}[name]


def test_holding_missing_and_coming_after_all(desk: Desk, amina: FlaskClient) -> None:
    visit = brought_into(desk, "ON_HOLD")
    assert "waits again" in act(amina, visit, "resume").text
    called = desk.next()
    assert called
    assert "did not come" in act(amina, desk.visit(visit.id), "miss").text
    assert "came after all" in act(amina, desk.visit(visit.id), "came-after-all").text
    assert desk.visit(visit.id).status == "WAITING"


def test_a_priority_is_given_and_taken_away(desk: Desk, amina: FlaskClient) -> None:
    visit = brought_into(desk, "WAITING")
    wrong = act(amina, visit, "prioritise", priority="PREGNANT")
    assert wrong.status_code == 422 and re.search(r'id="ask-prioritise"[^>]* open>', wrong.text)
    assert (
        act(amina, visit, "prioritise", priority="PREGNANT", priority_reason="eighth month").status_code
        == 200
    )
    line = amina.get(f"/desk/line?clinic={desk.cast.dental}", headers=HTMX).text
    assert "eighth month" in line
    assert act(amina, desk.visit(visit.id), "prioritise", priority="").status_code == 200
    assert desk.visit(visit.id).priority is None


ACTS = ("check-in", "undo-check-in", "prioritise", "hold", "resume", "miss", "came-after-all", "cancel")


def test_nobody_moves_a_visit_without_the_right_or_from_another_tenant(
    desk: Desk, as_person: Browser
) -> None:
    visit = desk.visit(desk.book().visit_id)
    values = {"reason": "because", "priority": "CHILD", "priority_reason": "6"}
    farida, omar = as_person("farida"), as_person("omar")
    for name in ACTS:
        assert act(farida, visit, name, **values).status_code == 403
        assert act(omar, visit, name, **values).status_code == 404
    assert desk.visit(visit.id).status == "SCHEDULED"


def test_another_tenants_visit_and_slip_are_not_here(desk: Desk, as_person: Browser) -> None:
    visit = desk.walk_in().visit_id
    omar = as_person("omar")
    for url in (f"/desk/hand/visit/{visit}", f"/desk/hand/done/{visit}", f"/visits/{visit}/slip"):
        assert omar.get(url, headers=HTMX).status_code == 404


def test_the_panels_ask_the_database_a_few_times_only(
    desk: Desk, amina: FlaskClient, count_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinic_web.organization.directory.LOOK_AGAIN_AFTER", 3600)
    visit = brought_into(desk, "ON_HOLD")
    for url in (f"/desk/hand/visit/{visit.id}", f"/desk/hand/patient/{visit.patient_id}", "/desk/hand"):
        amina.get(url, headers=HTMX)
        with count_queries() as queries:
            assert amina.get(f"{url}?clinic={desk.cast.dental}", headers=HTMX).status_code == 200
        assert len(queries) <= 7, queries


# ---- The slip -----------------------------------------------------------------------------------


def test_the_slip_says_number_place_and_money(desk: Desk, amina: FlaskClient) -> None:
    desk.walk_in()
    visit = desk.walk_in().visit_id
    slip = re.sub(r"<[^>]+>", " ", amina.get(f"/visits/{visit}/slip").text)
    slip = slip[slip.index("North Garden Medical Centre") :]
    for words in ("D-002", "Before you: 1", "Cleaning", "450.00", "Left to pay"):
        assert words in slip
    assert "Copy" not in slip and "Copy" in amina.get(f"/visits/{visit}/slip?copy=1").text


def test_the_slip_speaks_the_patients_language(desk: Desk, amina: FlaskClient) -> None:
    patient = factories.patient(organization_id=desk.cast.organization_id, language_preference="ar")
    db.session.commit()
    page = amina.get(f"/visits/{desk.walk_in(patient_id=patient).visit_id}/slip").text
    assert re.search(r'<article class="slip" lang="ar" dir="rtl">', page) and "الأسنان" in page


def test_a_name_with_markup_is_only_a_name(desk: Desk, amina: FlaskClient) -> None:
    patient = factories.patient(
        organization_id=desk.cast.organization_id, first_name="<script>alert(1)</script>", last_name=None
    )
    db.session.commit()
    visit = desk.walk_in(patient_id=patient, priority="EMERGENCY", priority_reason="<b>pain</b>").visit_id
    for url in (
        "/desk",
        f"/desk/hand/visit/{visit}",
        f"/desk/hand/patient/{patient}",
        f"/visits/{visit}/slip",
    ):
        page = amina.get(url).text
        assert "<script>alert" not in page and "<b>pain" not in page
