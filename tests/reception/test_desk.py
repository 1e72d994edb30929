"""The desk: one screen for the day of a clinic, in calling order, live, for those who may see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, g, request_started
from flask.testing import FlaskClient
from sqlalchemy import select, text

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.reception.service import calling, checking_in, finishing
from tests import factories
from tests.cast import Cast
from tests.reception.desk import WAYS, Desk

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def one_request_knows_nothing_of_the_last(app: Flask) -> Iterator[None]:
    def forget(_app: Flask, **_: object) -> None:
        g.__dict__.clear()

    with request_started.connected_to(forget, app):
        yield


def part(client: FlaskClient, name: str, cast: Cast, **asked: Any) -> str:
    query = {"clinic": str(cast.dental), **{key: str(value) for key, value in asked.items()}}
    answer = client.get(f"/desk/{name}", query_string=query, headers=HTMX)
    assert answer.status_code == 200
    assert "<!doctype" not in answer.text.lower()
    return answer.text


def rows_of(html: str, element_id: str) -> str:
    """The rows of one list."""
    begin = html.index(f'data-rows id="{element_id}"')
    ends = [at for tag in ("</ol>", "</ul>") if (at := html.find(tag, begin)) > 0]
    return html[begin : min(ends)]


def tickets_in(html: str) -> list[str]:
    return re.findall(r'class="ticket [^>]*><span[^>]*>([A-Z]-\d+)</span>', html)


def named(desk: Desk, first_name: str) -> UUID:
    patient = factories.patient(
        organization_id=desk.cast.organization_id, first_name=first_name, last_name="Qadri"
    )
    db.session.commit()
    return patient


def brought_into(desk: Desk, state: str, *, at: datetime) -> UUID:
    visit_id = desk.book(at=at).visit_id
    for bring in WAYS[state]:
        bring(desk, desk.visit(visit_id))
    return visit_id


def test_the_day_of_a_clinic_is_on_one_screen(desk: Desk, as_person: Browser) -> None:
    desk.book(patient_id=named(desk, "Tamara"))
    desk.walk_in(patient_id=named(desk, "Faris"))
    for minutes, state in enumerate(("ON_HOLD", "PENDING_PAYMENT", "NO_SHOW", "CANCELLED"), 2):
        brought_into(desk, state, at=desk.soon(30 * minutes))
    page = as_person("amina").get("/desk").text
    assert "Tamara Qadri" in rows_of(page, "coming")
    assert "Faris Qadri" in rows_of(page, "waiting")
    assert "X-ray first" in rows_of(page, "on-hold")
    assert "450.00" in rows_of(page, "leaving")
    tally = re.sub(r"<[^>]+>", "", page[page.index('class="tally"') :])
    assert re.search(r"Seen 1\s*Did not come 1\s*Cancelled 1", tally)
    assert "Dr Salma" in rows_of(page, "doors")


def test_the_line_stands_in_the_order_in_which_it_is_called(desk: Desk, as_person: Browser) -> None:
    later, walk_in, soon = desk.book(at=desk.soon(90)), desk.walk_in(), desk.book(at=desk.soon(20))
    urgent = desk.walk_in(priority="EMERGENCY", priority_reason="swelling, fever")
    for booked in (later, soon):
        checking_in.check_in(desk.amina, booked.visit_id, version=1)
    shown = tickets_in(rows_of(as_person("amina").get("/desk").text, "waiting"))
    called = []
    for _ in range(4):
        call = desk.next()
        assert call and call.ticket
        called.append(call.ticket)
        desk_visit = desk.visit(call.visit_id)
        moved = calling.open_visit(desk.salma, desk_visit.id, version=desk_visit.version)
        finishing.finish(desk.salma, desk_visit.id, version=moved.version)
    assert shown == called
    assert shown[0] == urgent.ticket and set(shown) == {
        urgent.ticket,
        walk_in.ticket,
        soon.ticket,
        later.ticket,
    }


def test_a_priority_stands_with_its_reason_and_money_owed_with_its_sum(
    desk: Desk, as_person: Browser
) -> None:
    desk.walk_in(priority="EMERGENCY", priority_reason="swelling, fever")
    line = part(as_person("amina"), "line", desk.cast)
    assert "swelling, fever" in line and "450.00" in line and "walk-in" not in rows_of(line, "waiting")


def test_the_line_of_one_doctor_keeps_the_places_of_the_whole_line(desk: Desk, as_person: Browser) -> None:
    desk.walk_in(doctor_id=desk.cast.karim)
    salmas = desk.walk_in(doctor_id=desk.cast.salma)
    line = part(as_person("amina"), "line", desk.cast, doctor=desk.cast.salma)
    assert tickets_in(rows_of(line, "waiting")) == [salmas.ticket]
    assert '<span class="pos">2</span>' in line
    assert f"doctor={desk.cast.salma}" in line.split("hx-trigger")[0]


def test_who_is_late_is_marked_and_who_is_due_can_be_checked_in_at_once(
    desk: Desk, as_person: Browser
) -> None:
    late, later = desk.book(at=desk.soon(1)), desk.book(at=desk.soon(60))
    clock.shift(clock.offset() + timedelta(minutes=12))
    expected = part(as_person("amina"), "expected", desk.cast)
    rows = dict(zip((late.visit_id, later.visit_id), expected.split("data-row id=")[1:], strict=True))
    assert "is-late" in rows[late.visit_id] and "arrive is-due" in rows[late.visit_id]
    assert "is-late" not in rows[later.visit_id] and "arrive is-due" not in rows[later.visit_id]
    assert all("/check-in" in row for row in rows.values())


def test_the_doors_say_who_is_in_who_is_called_and_who_is_free(desk: Desk, as_person: Browser) -> None:
    inside = desk.visit_in("IN_PROGRESS")
    rooms = part(as_person("amina"), "rooms", desk.cast)
    assert "sign--room" in rooms and "sign--free" in rooms and str(inside.ticket) in rooms
    assert "Tahhan" not in rooms  # a strip of doors names nobody


@pytest.mark.parametrize(
    ("name", "element"), [("rooms", "rooms"), ("expected", "expected"), ("line", "line")]
)
def test_every_part_has_one_root_that_refreshes_itself_with_its_queue(
    desk: Desk, as_person: Browser, name: str, element: str
) -> None:
    desk.walk_in()
    html = part(as_person("amina"), name, desk.cast).strip()
    root = re.match(r"<(\w+)[^>]*>", html)
    assert root and f'id="{element}"' in root.group(0)
    assert html.endswith(f"</{root.group(1)}>")
    assert f'data-live="queue:{desk.cast.dental_queue}"' in root.group(0)
    assert f"/desk/{name}?clinic={desk.cast.dental}" in root.group(0)
    version = db.session.execute(
        text("SELECT seq FROM kernel.streams WHERE topic = :topic"),
        {"topic": f"queue:{desk.cast.dental_queue}"},
    ).scalar()
    assert f'data-seq="{version}"' in root.group(0)


def test_a_clinic_follows_its_own_queue(desk: Desk, as_person: Browser) -> None:
    desk.walk_in()
    amina = as_person("amina")
    page = amina.get("/desk").text
    assert f'data-live="queue:{desk.cast.eye_queue}"' in page
    tab = amina.get(f"/desk/clinics/{desk.cast.dental}?clinic={desk.cast.dental}", headers=HTMX).text
    assert '<span class="num">1<' in tab and 'aria-current="true"' in tab


def test_the_last_clinic_is_opened_again(desk: Desk, as_person: Browser) -> None:
    amina = as_person("amina")
    amina.get(f"/desk?clinic={desk.cast.eye}")
    assert f'data-clinic="{desk.cast.eye}"' in amina.get("/desk").text


def test_nobody_waits_is_said_in_words(desk: Desk, as_person: Browser) -> None:
    page = as_person("amina").get("/desk").text
    assert "Nobody is waiting" in page and "Nobody else has an appointment today." in page


def test_the_screen_asks_as_little_for_thirty_as_for_three(
    desk: Desk, as_person: Browser, count_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Once a second at most a process looks whether the organization changed; not in this second.
    monkeypatch.setattr("clinic_web.organization.directory.LOOK_AGAIN_AFTER", 3600)
    amina = as_person("amina")
    amina.get("/desk")
    asked = []
    for more in (3, 27):
        for _ in range(more):
            desk.walk_in()
            desk.book(at=desk.soon(), doctor_id=desk.cast.karim, overbooking_reason="many")
        counts = {}
        for url in ("/desk", "/desk/line", "/desk/expected", "/desk/rooms"):
            headers = HTMX if url != "/desk" else {}
            with count_queries() as queries:
                assert amina.get(f"{url}?clinic={desk.cast.dental}", headers=headers).status_code == 200
            counts[url] = len(queries)
        asked.append(counts)
    few, many = asked
    assert few == many
    assert many["/desk"] <= 10
    assert max(count for url, count in many.items() if url != "/desk") <= 5, many


def test_looking_at_a_list_leaves_one_note_with_everybody_on_it(desk: Desk, as_person: Browser) -> None:
    first, second = named(desk, "Rania"), named(desk, "Basel")
    desk.walk_in(patient_id=first)
    desk.walk_in(patient_id=second)
    part(as_person("amina"), "line", desk.cast)
    (note,) = db.session.scalars(select(AccessLog).where(AccessLog.action == "desk.view")).all()
    assert note.metadata_ and set(note.metadata_["ids"]) == {str(first), str(second)}
    assert note.user_id == desk.cast.people["amina"].user_id


def test_the_desk_is_for_those_who_work_there(desk: Desk, as_person: Browser) -> None:
    visit = desk.walk_in().visit_id
    farida = as_person("farida")
    for url in ("/desk", "/desk/line"):
        answer = farida.get(url)
        assert answer.status_code == 403 and "desk.view" in answer.text
    # What a list leads to is a page of its own for whoever may see the visit, without the desk around it.
    answer = farida.get(f"/desk/hand/visit/{visit}")
    assert answer.status_code == 200 and f'id="hand-visit-{visit}"' in answer.text
    assert 'id="line"' not in answer.text and "/check-in" not in answer.text
    assert farida.application.test_client().get("/desk").status_code == 302


def test_another_tenants_clinic_does_not_exist(desk: Desk, as_person: Browser) -> None:
    omar = as_person("omar")
    assert omar.get("/desk").status_code == 200 and "No clinic is open here" in omar.get("/desk").text
    for url in ("/desk", "/desk/line", "/desk/expected", "/desk/rooms"):
        assert omar.get(f"{url}?clinic={desk.cast.dental}").status_code == 404
    assert omar.get(f"/desk/clinics/{desk.cast.dental}").status_code == 404


@pytest.mark.parametrize("query", ["clinic=nonsense", f"clinic={UUID(int=7)}", "doctor=nonsense", ""])
def test_an_address_that_names_nothing_is_not_here(desk: Desk, as_person: Browser, query: str) -> None:
    clinic = "" if "clinic" in query or not query else f"clinic={desk.cast.dental}&"
    assert as_person("amina").get(f"/desk/line?{clinic}{query}", headers=HTMX).status_code == 404
