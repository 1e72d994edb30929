"""A doctor is away: who is affected, and what becomes of each, one by one or together."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.kernel.db import db
from clinic_web.kernel.tables import DomainEvent
from clinic_web.reception.models import Appointment, Visit
from clinic_web.reception.queries.affected import SAME, affected, with_proposals
from clinic_web.reception.service import checking_in
from clinic_web.reception.slots import Slot, SlotRefused
from tests.reception.desk import Desk

Browser = Callable[[str], FlaskClient]


def closing(desk: Desk, **asked: Any) -> dict[str, str]:
    return {
        "clinic": str(desk.cast.dental),
        "staff": str(desk.cast.salma),
        "day": desk.tomorrow(0).date().isoformat(),
        "reason": "ill",
    } | {name: str(value) for name, value in asked.items()}


def form_of(page: str) -> tuple[dict[str, str], list[str]]:
    """What a browser would send of the list: hidden fields, and the boxes that are marked."""
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
    marked = re.findall(r'name="marked" value="([^"]+)"[^>]* checked', page)
    return {name: unescape(value) for name, value in hidden.items()}, marked


def stands(appointment_id: UUID) -> Appointment:
    return db.session.get_one(Appointment, appointment_id, populate_existing=True)


def test_a_cancelled_session_takes_no_bookings_and_shows_who_is_in_it(desk: Desk, as_person: Browser) -> None:
    inside, outside = desk.book(at=desk.tomorrow(9)), desk.book(at=desk.tomorrow(14))
    amina = as_person("amina")
    unsaid = amina.post("/appointments/sessions/cancel", data=closing(desk, reason=""))
    assert unsaid.status_code == 422 and "Say why" in unsaid.text
    backwards = amina.post(
        "/appointments/sessions/cancel", data=closing(desk, from_time="12:00", to_time="08:00")
    )
    assert backwards.status_code == 422 and "The end must come after the beginning." in backwards.text
    closed = amina.post(
        "/appointments/sessions/cancel", data=closing(desk, from_time="08:00", to_time="12:00")
    )
    assert closed.status_code == 303
    page = amina.get(closed.location).text
    assert f"mark-{inside.appointment_id}" in page and f"mark-{outside.appointment_id}" not in page
    told = db.session.scalars(select(DomainEvent).where(DomainEvent.event_type == "session.cancelled")).one()
    assert (told.event_data["appointments"], told.event_data["doctor_id"]) == (1, str(desk.cast.salma))
    try:
        desk.book(at=desk.tomorrow(10))
    except SlotRefused as refused:
        assert refused.nearest
    else:
        raise AssertionError("the session takes bookings")
    (undo,) = re.findall(r'action="(/appointments/sessions/[^"]+/undo)"', page)
    assert amina.post(undo).status_code == 303
    assert desk.book(at=desk.tomorrow(10)).ticket


def test_all_go_to_the_nearest_free_times_each_to_its_own(desk: Desk, as_person: Browser) -> None:
    booked = [desk.book(at=desk.tomorrow(9, 20 * number)) for number in range(3)]
    amina = as_person("amina")
    closed = amina.post("/appointments/sessions/cancel", data=closing(desk))
    fields, marked = form_of(amina.get(closed.location).text)
    assert len(marked) == 3
    answer = amina.post("/appointments/affected", data=fields | {"marked": marked})
    assert answer.status_code == 200 and answer.text.count("now on") == 3
    now = [stands(each.appointment_id) for each in booked]
    assert {each.doctor_id for each in now} == {desk.cast.karim}, "the other doctor is free at once"
    assert [each.start_time for each in now] == [each.start_time for each in booked]
    again = amina.post("/appointments/affected", data=fields | {"marked": marked})
    assert again.text.count("now on") == 3, "the same press is answered the same"
    assert "Nobody is affected" in again.text


def test_of_those_that_changed_meanwhile_it_is_said_and_the_others_are_settled(
    desk: Desk, as_person: Browser
) -> None:
    first, second = desk.book(at=desk.soon(30)), desk.book(at=desk.soon(60))
    amina = as_person("amina")
    today = desk.tomorrow(0).date() - timedelta(days=1)
    closed = amina.post("/appointments/sessions/cancel", data=closing(desk, day=today))
    fields, marked = form_of(amina.get(f"{closed.location}&how=cancel").text)
    checking_in.check_in(desk.amina, first.visit_id, version=first.version)
    unsaid = amina.post("/appointments/affected", data=fields | {"marked": marked, "how": "cancel"})
    assert unsaid.status_code == 422 and "Say why" in unsaid.text
    answer = amina.post(
        "/appointments/affected", data=fields | {"marked": marked, "how": "cancel", "reason": "doctor ill"}
    )
    assert answer.status_code == 200 and "the patient is checked in" in answer.text
    assert stands(first.appointment_id).status == "CHECKED_IN"
    assert stands(second.appointment_id).cancel_reason == "doctor ill"
    assert db.session.get_one(Visit, second.visit_id, populate_existing=True).status == "CANCELLED"


def test_proposals_ask_once_for_each_day_and_never_give_a_time_twice(desk: Desk, count_queries: Any) -> None:
    for number in range(9):
        desk.book(at=desk.tomorrow(9 + number // 3, number % 3 * 20))
    span = desk.tomorrow(8), desk.tomorrow(18)
    rows = affected(desk.amina, desk.cast.salma, *span)
    with count_queries() as queries:
        away = Slot(doctor_id=desk.cast.salma, start_time=span[0], end_time=span[1])
        proposed = with_proposals(desk.amina, rows, away, how=SAME)
    assert len(queries) <= 4
    given = [each.instead.start_time for each in proposed if each.instead]
    assert len(set(given)) == 9
    assert not [start for start in given if span[0] <= start < span[1]], "also before the leave is written"


def test_who_may_not_is_told_and_strangers_find_nothing(desk: Desk, as_person: Browser) -> None:
    assert as_person("salma").post("/appointments/sessions/cancel", data=closing(desk)).status_code == 403
    omar = as_person("omar")
    assert omar.post("/appointments/sessions/cancel", data=closing(desk)).status_code == 404
    span = f"from={desk.tomorrow(8).date()}&to={desk.tomorrow(8).date()}"
    assert omar.get(f"/appointments/affected?staff={desk.cast.salma}&{span}").status_code == 404
    assert (
        as_person("amina").get(f"/appointments/affected?staff={desk.cast.salma}&from=x&to=y").status_code
        == 404
    )
