"""The doctor's console: one press finishes and calls, and every wrong press can be taken back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import clock, ids, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.organization.models import StaffClinic, WorkingHours
from clinic_web.reception.models import Queue, Visit
from clinic_web.reception.queries import doctor as queries
from clinic_web.reception.service import calling, walking_in
from clinic_web.reception.service.walking_in import WalkIn
from tests import factories
from tests.cast import Cast

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def clock_set_back() -> Iterator[None]:
    yield
    clock.shift(timedelta())


def waits(cast: Cast, first_name: str = "Ibrahim", **fields: Any) -> UUID:
    """Somebody walks in and waits for anybody, unless told otherwise."""
    patient = factories.patient(
        organization_id=cast.organization_id, first_name=first_name, last_name="Qadri"
    )
    walk_in = WalkIn(patient_id=patient, **({"service_id": cast.cleaning} | fields))
    return walking_in.open_walk_in(cast.people["amina"].actor, walk_in, key=ids.code(20)).visit_id


def visit(visit_id: UUID) -> Visit:
    db.session.expire_all()
    found = db.session.get(Visit, visit_id)
    assert found
    return found


def press(client: FlaskClient, url: str, **form: Any) -> str:
    answer = client.post(url, data=form, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


def on(client: FlaskClient, visit_id: UUID, act: str, **form: Any) -> str:
    return press(client, f"/doctor/visits/{visit_id}/{act}", version=visit(visit_id).version, **form)


def go(client: FlaskClient) -> str:
    """What the yellow button says."""
    deck = client.get("/doctor/deck", headers=HTMX).text
    said = re.search(r'class="go".*?class="two"><span>(.*?)</span>(?:<small>(.*?)</small>)?', deck, re.S)
    assert said
    return " / ".join(part for part in said.groups() if part)


def test_the_day_of_a_doctor_by_one_key(cast: Cast, as_person: Browser) -> None:
    salma = as_person("salma")
    assert go(salma) == "Call next / Nobody is waiting for you"
    first, second = waits(cast, "Yasmin"), waits(cast, "Leila")
    assert go(salma) == "Call D-001 / Yasmin Qadri"
    assert "D-001" in press(salma, "/doctor/next", idempotency_key="a")
    assert go(salma) == "D-001 is in, open / Yasmin Qadri"
    on(salma, first, "open")
    assert go(salma) == "Finish D-001, call D-002 / Leila Qadri"
    assert "D-001 finished" in press(salma, "/doctor/next", idempotency_key="b")
    assert visit(first).status == "PENDING_PAYMENT" and visit(second).status == "CALLED"


def test_the_answer_to_a_call_is_one_line_and_not_the_page(cast: Cast, as_person: Browser) -> None:
    waits(cast)
    answer = as_person("salma").post("/doctor/next", data={"idempotency_key": "a"}, headers=HTMX)
    assert len(answer.data) < 1000 and 'id="last-act"' in answer.text and "Ibrahim" not in answer.text
    assert answer.headers["HX-Trigger"] == "acted"


def test_the_same_press_twice_calls_one(cast: Cast, as_person: Browser) -> None:
    waits(cast), waits(cast)
    salma = as_person("salma")
    assert press(salma, "/doctor/next", idempotency_key="a") == press(
        salma, "/doctor/next", idempotency_key="a"
    )
    assert [row.row.ticket for row in queries.my_day(cast.people["salma"].actor).line] == ["D-002"]


def test_a_browser_without_javascript_gets_back_to_the_console(cast: Cast, as_person: Browser) -> None:
    waits(cast)
    salma = as_person("salma")
    answer = salma.post("/doctor/next", data={"idempotency_key": "a"})
    assert answer.status_code == 303 and answer.headers["Location"] == "/doctor"
    page = salma.get("/doctor").text
    assert "D-001" in page and "Ibrahim Qadri" in page


def test_a_wrong_call_is_taken_back_and_the_patient_is_in_the_room_again(
    cast: Cast, as_person: Browser
) -> None:
    salma = as_person("salma")
    first, second = waits(cast), waits(cast)
    press(salma, "/doctor/next", idempotency_key="a")
    on(salma, first, "open")
    press(salma, "/doctor/next", idempotency_key="b")
    on(salma, second, "undo-call")
    assert visit(second).status == "WAITING" and visit(first).status == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("act", "form", "status"),
    [
        ("call-again", {}, "CALLED"),
        ("send-back", {}, "WAITING"),
        ("miss", {}, "NO_SHOW"),
        ("hold", {"reason": "at the X-ray"}, "ON_HOLD"),
        ("open", {}, "IN_PROGRESS"),
    ],
)
def test_what_may_be_done_with_who_is_called(
    cast: Cast, as_person: Browser, act: str, form: dict[str, str], status: str
) -> None:
    salma = as_person("salma")
    called = waits(cast)
    press(salma, "/doctor/next", idempotency_key="a")
    on(salma, called, act, **form)
    assert visit(called).status == status


@pytest.mark.parametrize(
    ("act", "form", "undone"), [("miss", {}, "came-after-all"), ("hold", {"reason": "X"}, "resume")]
)
def test_those_moves_offer_their_undo(
    cast: Cast, as_person: Browser, act: str, form: dict[str, str], undone: str
) -> None:
    salma = as_person("salma")
    called = waits(cast)
    press(salma, "/doctor/next", idempotency_key="a")
    said = on(salma, called, act, **form)
    assert f"/doctor/visits/{called}/{undone}" in said
    on(salma, called, undone)
    assert visit(called).status == "WAITING"


def test_finish_only_calls_nobody_and_can_be_undone(cast: Cast, as_person: Browser) -> None:
    salma = as_person("salma")
    first, second = waits(cast), waits(cast)
    press(salma, "/doctor/next", idempotency_key="a")
    on(salma, first, "open")
    on(salma, first, "finish")
    assert visit(first).status == "PENDING_PAYMENT" and visit(second).status == "WAITING"
    on(salma, first, "undo-finish")
    assert visit(first).status == "IN_PROGRESS"


def test_hold_asks_why_and_keeps_the_question_open(cast: Cast, as_person: Browser) -> None:
    salma = as_person("salma")
    called = waits(cast)
    press(salma, "/doctor/next", idempotency_key="a")
    url, form = f"/doctor/visits/{called}/hold", {"reason": " ", "version": visit(called).version}
    answer = salma.post(url, data=form, headers=HTMX)
    assert (
        answer.status_code == 422
        and "Say why" in answer.text
        and 'id="deck-more" data-menu open' in answer.text
    )
    assert answer.headers["HX-Retarget"] == "#doctor-deck"
    whole = salma.post(url, data=form)
    assert whole.status_code == 422 and "<!doctype" in whole.text.lower() and "Say why" in whole.text


def test_a_chosen_patient_is_called_out_of_turn(cast: Cast, as_person: Browser) -> None:
    salma = as_person("salma")
    first, second = waits(cast), waits(cast)
    assert f"/doctor/visits/{second}/call" in salma.get("/doctor/line", headers=HTMX).text
    on(salma, second, "call")
    assert visit(second).status == "CALLED" and visit(first).status == "WAITING"
    assert "/call" not in salma.get("/doctor/line", headers=HTMX).text


def test_a_screen_that_is_behind_is_refused_with_what_is_true_now(cast: Cast, as_person: Browser) -> None:
    salma = as_person("salma")
    called = waits(cast)
    old = visit(called).version
    press(salma, "/doctor/next", idempotency_key="a")
    answer = salma.post(f"/doctor/visits/{called}/open", data={"version": old}, headers=HTMX)
    assert answer.status_code == 409 and visit(called).status == "CALLED"


def test_my_line_is_exactly_the_order_of_the_calls(cast: Cast, as_person: Browser) -> None:
    """Priority above all, only who waits for me or anybody, other doctors' patients not at all."""
    actor = cast.people["salma"].actor
    for name, fields in (
        ("Anyone", {}),
        ("Karims", {"doctor_id": cast.karim}),
        ("Mine", {"doctor_id": cast.salma}),
        ("Elder", {"priority": "ELDERLY", "priority_reason": "82 years"}),
        ("Urgent", {"priority": "EMERGENCY", "priority_reason": "swelling"}),
    ):
        waits(cast, name, **fields)
    line = [each.row.ticket for each in queries.my_day(actor).line]
    assert line == ["D-005", "D-004", "D-001", "D-003"]
    html = as_person("salma").get("/doctor/line", headers=HTMX).text
    assert re.findall(r"D-\d{3}(?=</span><span class=\"visually-hidden\">)", html) == line
    assert "swelling" in html and "Karims" not in html
    called = []
    while (each := calling.call_next(actor, key=ids.code(20))) is not None:
        called.append(each.ticket)
        calling.open_visit(actor, each.visit_id, version=each.version)
    assert called == line


@pytest.mark.parametrize(("dental", "eye"), [("NUMBER", "APPOINTMENT_TIME"), ("NUMBER", "NUMBER")])
def test_a_doctor_of_two_clinics_sees_both_lines_as_they_are_called(
    cast: Cast, dental: str, eye: str
) -> None:
    actor = cast.people["salma"].actor
    db.session.add(StaffClinic(staff_id=cast.salma, clinic_id=cast.eye))
    for queue_id, policy in ((cast.dental_queue, dental), (cast.eye_queue, eye)):
        queue = db.session.get(Queue, queue_id)
        assert queue
        queue.policy = policy
    sight = factories.service(organization_id=cast.organization_id, clinic_id=cast.eye, name="Sight test")
    db.session.commit()
    for service_id in (cast.cleaning, sight, sight, cast.cleaning):
        waits(cast, service_id=service_id)
    day = queries.my_day(actor)
    assert len(day.line) == 4 and len(day.topics) == 2 and day.seq is None
    called = []
    while (each := calling.call_next(actor, key=ids.code(20))) is not None:
        called.append(each.ticket)
        calling.open_visit(actor, each.visit_id, version=each.version)
    assert called == [each.row.ticket for each in day.line]


def test_counts_lead_to_the_people_behind_them(cast: Cast, as_person: Browser) -> None:
    salma = as_person("salma")
    done, held = waits(cast, "Done"), waits(cast, "Held")
    press(salma, "/doctor/next", idempotency_key="a")
    on(salma, done, "open")
    on(salma, done, "finish")
    press(salma, "/doctor/next", idempotency_key="b")
    on(salma, held, "hold", reason="at the X-ray")
    assert queries.my_day(cast.people["salma"].actor).counts == {"hold": 1, "expected": 0, "seen": 1}
    assert "Done Qadri" in salma.get("/doctor/line?show=seen", headers=HTMX).text
    hold = salma.get("/doctor/line?show=hold", headers=HTMX).text
    assert "Held Qadri" in hold and "at the X-ray" in hold and f"/doctor/visits/{held}/resume" in hold
    assert "Nobody else is expected" in salma.get("/doctor?show=expected").text
    assert salma.get("/doctor/line?show=everybody", headers=HTMX).status_code == 404


def test_the_room_shows_what_the_doctor_needs_to_begin(cast: Cast, as_person: Browser) -> None:
    salma = as_person("salma")
    mine = waits(cast, "Yasmin")
    press(salma, "/doctor/next", idempotency_key="a")
    on(salma, mine, "open")
    row = visit(mine)
    for days in range(1, 11):
        values = {
            name: getattr(row, name) for name in ("organization_id", "facility_id", "clinic_id", "queue_id")
        }
        values |= {"patient_id": row.patient_id, "service_id": cast.filling, "attending_id": cast.karim}
        day = row.queue_day - timedelta(days=days)
        db.session.add(Visit(**values, queue_day=day, visit_type="WALK_IN", status="COMPLETED"))
    db.session.commit()
    html = salma.get("/doctor/room", headers=HTMX).text
    assert "Yasmin Qadri" in html and "20 planned" in html and "owes 450.00" in html and ">3<" in html
    assert html.count("Dr Karim") == queries.MOST_EARLIER and '<span class="n">10</span>' in html


def test_a_first_visit_says_so(cast: Cast, as_person: Browser) -> None:
    salma = as_person("salma")
    assert "Nobody is in the room" in salma.get("/doctor/room", headers=HTMX).text
    waits(cast)
    press(salma, "/doctor/next", idempotency_key="a")
    assert "first visit here" in salma.get("/doctor/room", headers=HTMX).text


def test_midnight_sends_nobody_out_of_the_room(cast: Cast, as_person: Browser) -> None:
    salma = as_person("salma")
    press_next = waits(cast, "Late")
    waits(cast)
    press(salma, "/doctor/next", idempotency_key="a")
    on(salma, press_next, "open")
    clock.shift(timedelta(days=1))
    day = queries.my_day(cast.people["salma"].actor)
    assert day.with_me and day.with_me.row.visit_id == press_next


def test_a_doctor_without_a_shift_today_still_calls(cast: Cast, as_person: Browser) -> None:
    db.session.execute(delete(WorkingHours))
    db.session.commit()
    waits(cast)
    assert "D-001" in press(as_person("salma"), "/doctor/next", idempotency_key="a")


def test_another_doctors_patient_is_not_here(cast: Cast, as_person: Browser) -> None:
    karims = waits(cast, doctor_id=cast.karim)
    assert as_person("salma").post(f"/doctor/visits/{karims}/call", data={"version": 1}).status_code == 404
    press(as_person("karim"), "/doctor/next", idempotency_key="a")
    for act in ("open", "call-again", "send-back", "undo-call", "miss", "finish"):
        form = {"version": visit(karims).version}
        assert as_person("salma").post(f"/doctor/visits/{karims}/{act}", data=form).status_code == 404, act
    assert visit(karims).status == "CALLED"


def test_another_tenants_patient_is_not_here(cast: Cast) -> None:
    mine = waits(cast)
    surgeon = factories.doctor(
        organization_id=cast.other_organization_id,
        facility_id=cast.people["omar"].actor.facility_id,  # type: ignore[arg-type]
        clinics=[],
        first_name="Outsider",
    )
    db.session.commit()
    stranger = replace(cast.people["omar"].actor, staff_id=surgeon)
    version = visit(mine).version
    with tenant.of(stranger.organization_id):
        with pytest.raises(NotFound):
            queries.require_mine(stranger, mine)
        with pytest.raises(NotFound):
            calling.call(stranger, mine, version=version)


def test_who_sees_no_patients_has_no_console(cast: Cast, as_person: Browser) -> None:
    assert as_person("amina").get("/doctor").status_code == 403
    assert as_person("farida").post("/doctor/next", data={"idempotency_key": "a"}).status_code == 403
    assert as_person("amina").post("/doctor/next", data={"idempotency_key": "a"}).status_code == 422


def test_whoever_looks_is_noted_with_whom_they_saw(cast: Cast, as_person: Browser) -> None:
    waits(cast), waits(cast)
    salma = as_person("salma")
    seen = db.select(AccessLog).where(AccessLog.action == "doctor.view")
    salma.get("/doctor/line", headers=HTMX)
    rows = db.session.execute(seen).scalars().all()
    assert len(rows) == 1 and len(rows[0].metadata_["ids"]) == 2  # type: ignore[index]


def test_the_parts_need_few_statements(cast: Cast, as_person: Browser, count_queries: Any) -> None:
    for _ in range(6):
        waits(cast)
    salma = as_person("salma")
    salma.get("/doctor/line", headers=HTMX)
    for part in ("line", "deck", "room"):
        with count_queries() as statements:
            salma.get(f"/doctor/{part}", headers=HTMX)
        ours = [
            each for each in statements if "organization." not in each
        ]  # kept in the process when it runs
        assert len(ours) <= 8, (part, ours)
