"""A doctor is away: who is affected, and what becomes of each, one by one or together."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.kernel import clock, jobs, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotAllowed, NotFound
from clinic_web.kernel.runs import TRIES
from clinic_web.kernel.tables import DomainEvent
from clinic_web.reception.models import Appointment, Settlement, SettlementItem, Visit
from clinic_web.reception.queries.affected import SAME, affected, with_proposals
from clinic_web.reception.service import checking_in, settling
from clinic_web.reception.service.settling import Away, Decision
from clinic_web.reception.slots import Slot, SlotRefused
from tests import apart
from tests.reception.desk import Desk
from tests.reception.test_races import at_once

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


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The settlements that were handed to a worker; nobody takes them up by themselves."""
    handed: list[str] = []
    monkeypatch.setattr(jobs, "enqueue", lambda name, *ids, job_id: handed.append(ids[0]) or True)
    return handed


def settled(client: FlaskClient, fields: dict[str, Any]) -> str:
    """Press the button, let the worker work, and return the page that says what came of it."""
    answer = client.post("/appointments/affected", data=fields)
    assert answer.status_code == 303, answer.text
    settling.go_on(UUID(answer.location.rsplit("/", 1)[1]))
    return client.get(answer.location).text


def test_all_go_to_the_nearest_free_times_each_to_its_own(
    desk: Desk, as_person: Browser, pushed: list[str]
) -> None:
    booked = [desk.book(at=desk.tomorrow(9, 20 * number)) for number in range(3)]
    amina = as_person("amina")
    closed = amina.post("/appointments/sessions/cancel", data=closing(desk))
    fields, marked = form_of(amina.get(closed.location).text)
    assert len(marked) == 3
    asked = amina.post("/appointments/affected", data=fields | {"marked": marked})
    page = amina.get(asked.location).text
    assert "0 of 3 settled" in page and 'max="3" value="0"' in page and "now on" not in page
    assert "Being settled: 0 of 3" in amina.get(closed.location).text
    pushed.clear()
    page = settled(amina, fields | {"marked": marked})
    assert page.count("now on") == 3 and "3 moved" in page
    (topic,) = re.findall(r'data-live="(settlement:[^"]+)"', page)
    assert pushed.count(topic) == 3, "each is told as it is done"
    now = [stands(each.appointment_id) for each in booked]
    assert {each.doctor_id for each in now} == {desk.cast.karim}, "the other doctor is free at once"
    assert [each.start_time for each in now] == [each.start_time for each in booked]
    again = amina.post("/appointments/affected", data=fields | {"marked": marked})
    assert again.location == asked.location, "the same press leads to the same settlement"
    assert "Nobody is affected" in amina.get(closed.location).text


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
    nobody = amina.post("/appointments/affected", data=fields | {"how": "cancel", "reason": "ill"})
    assert nobody.status_code == 422 and "Mark at least one appointment." in nobody.text
    page = settled(amina, fields | {"marked": marked, "how": "cancel", "reason": "doctor ill"})
    assert "the patient is checked in" in page and "1 could not be settled" in page and "1 cancelled" in page
    assert stands(first.appointment_id).status == "CHECKED_IN"
    assert stands(second.appointment_id).cancel_reason == "doctor ill"
    assert db.session.get_one(Visit, second.visit_id, populate_existing=True).status == "CANCELLED"


def asked_for(desk: Desk, count: int) -> UUID:
    """A settlement that cancels ``count`` appointments of tomorrow."""
    booked = [desk.book(at=desk.tomorrow(9, 20 * number)) for number in range(count)]
    away = Away(doctor_id=desk.cast.salma, starts_at=desk.tomorrow(8), ends_at=desk.tomorrow(18))
    decisions = [Decision(appointment_id=each.appointment_id, version=1) for each in booked]
    return settling.ask(desk.amina, away, decisions, reason="ill", key=str(uuid4()))


def test_a_killed_worker_leaves_nothing_half_done_and_the_next_goes_on(
    desk: Desk, enqueued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settlement_id = asked_for(desk, 3)
    assert enqueued == [str(settlement_id)]
    with monkeypatch.context() as dying:
        dying.setattr(SettlementItem, "settle", _dies_at_the_second())
        with pytest.raises(KeyboardInterrupt):
            settling.go_on(settlement_id)
    db.session.rollback()
    run = db.session.get_one(Settlement, settlement_id, populate_existing=True)
    assert (run.state, run.items_done) == ("RUNNING", 1)
    cancelled = select(Appointment.id).where(Appointment.status == "CANCELLED")
    assert len(db.session.scalars(cancelled).all()) == 1
    settling.sweep()
    assert len(enqueued) == 1, "it may still be at work"
    clock.shift(clock.offset() + timedelta(minutes=1))
    settling.sweep()
    assert enqueued == [str(settlement_id)] * 2
    settling.go_on(settlement_id)
    settling.go_on(settlement_id)  # delivered twice
    assert len(db.session.scalars(cancelled).all()) == 3
    told = select(DomainEvent).where(DomainEvent.event_type == "appointment.cancelled")
    assert len(db.session.scalars(told).all()) == 3


def _dies_at_the_second() -> Callable[..., None]:
    settle, settled = SettlementItem.settle, []

    def die(item: SettlementItem, *args: Any) -> None:
        settled.append(item.place)
        if len(settled) > 1:
            raise KeyboardInterrupt
        settle(item, *args)

    return die


@pytest.mark.parametrize(("failpoint", "done"), [("before_commit", 0), ("after_commit", 1)])
def test_a_kill_on_either_side_of_a_commit_cancels_each_once(
    real_desk: Desk, committing: Flask, failpoint: str, done: int
) -> None:
    settlement_id = asked_for(real_desk, 3)

    def go_on() -> None:
        with tenant.of(real_desk.cast.organization_id):
            settling.go_on(settlement_id)

    killed = apart.run(committing, go_on, f"transaction.{failpoint}=kill")
    assert killed.code == -signal.SIGKILL
    run = db.session.get_one(Settlement, settlement_id, populate_existing=True)
    assert run.items_done == done
    db.session.rollback()
    at_once([lambda: settling.go_on(settlement_id)] * 2, workers=2)
    told = select(DomainEvent).where(DomainEvent.event_type == "appointment.cancelled")
    assert len(db.session.scalars(told).all()) == 3
    db.session.rollback()


def test_one_that_stops_says_so_and_can_be_taken_up_again(
    desk: Desk, as_person: Browser, enqueued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settlement_id = asked_for(desk, 2)
    with monkeypatch.context() as broken:
        broken.setattr(SettlementItem, "settle", lambda *_: 1 / 0)
        for _ in range(TRIES):
            settling.go_on(settlement_id)
    amina, here = as_person("amina"), f"/appointments/settlements/{settlement_id}"
    page = amina.get(here).text
    assert "It stopped" in page and "ZeroDivisionError" in page and page.count("not done") == 2
    assert as_person("omar").get(here).status_code == 404
    assert as_person("omar").post(f"{here}/retry").status_code == 404
    assert as_person("salma").post(f"{here}/retry").status_code == 403
    assert amina.post(f"{here}/retry").status_code == 303
    assert amina.post(f"{here}/retry").status_code == 409
    settling.go_on(settlement_id)
    assert "2 cancelled" in amina.get(here).text


def test_who_may_not_cancel_settles_nothing(desk: Desk) -> None:
    settlement = select(Settlement)
    away = Away(doctor_id=desk.cast.salma, starts_at=desk.tomorrow(8), ends_at=desk.tomorrow(18))
    theirs = desk.book(at=desk.tomorrow(9))
    decisions = [Decision(appointment_id=theirs.appointment_id, version=1)]
    with pytest.raises(NotAllowed):
        settling.ask(desk.salma, away, decisions, reason="ill", key=str(uuid4()))
    with pytest.raises(NotFound), tenant.of(desk.omar.organization_id):
        settling.ask(desk.omar, away, decisions, reason="ill", key=str(uuid4()))
    assert db.session.scalars(settlement).all() == []


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
