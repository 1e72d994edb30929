"""Stations: one ticket through every counter, called like at a doctor's door; twenty clerks skip nobody."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import delivery, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.api import at_station, join_station
from clinic_web.reception.models import QueueNumber, StationStop, Visit
from clinic_web.reception.queries.board import Variant, pictures, wall
from clinic_web.reception.service import (
    cancelling,
    finishing,
    settings,
    station_calling,
    station_joining,
    stations,
)
from clinic_web.reception.service.settings import NewStation
from clinic_web.reception.service.stations import Stopped
from tests.cast import hire, sign_in
from tests.reception.desk import Desk, pay
from tests.reception.test_races import at_once, patiently, some_patients

Browser = Callable[[str], FlaskClient]


def open_station(desk: Desk, kind: str = "CASHIER", prefix: str = "K") -> UUID:
    mona = desk.cast.people["mona"].actor
    new = NewStation(kind=kind, name=kind.title(), name_ar="الخزينة", prefix=prefix, room_id=desk.cast.room)
    return settings.open_station(mona, new, key=str(uuid4()))


@pytest.fixture
def cashier(desk: Desk) -> UUID:
    return open_station(desk)


def farida(desk: Desk) -> Actor:
    return desk.cast.people["farida"].actor


def send(desk: Desk, visit_id: UUID, station: UUID) -> Stopped:
    return station_joining.send(desk.salma, visit_id, station, key=str(uuid4()))


def call(actor: Actor, station: UUID, at_counter: UUID | None = None) -> Stopped | None:
    return station_calling.call_next(actor, station, at_counter=at_counter, key=str(uuid4()))


def stop(stop_id: UUID) -> StationStop:
    return db.session.get_one(StationStop, stop_id, populate_existing=True)


def test_a_ticket_goes_with_its_patient_and_a_walk_in_draws_the_stations_own(
    desk: Desk, cashier: UUID, pushed: list[str]
) -> None:
    visit = desk.visit_in("PENDING_PAYMENT")
    sent = send(desk, visit.id, cashier)
    drawn = station_joining.draw(farida(desk), cashier, key="one press")
    assert (sent.ticket, drawn.ticket) == (visit.ticket, "K-001")
    assert station_joining.draw(farida(desk), cashier, key="one press") == drawn
    assert f"queue:{cashier}" in pushed
    number = db.session.get_one(QueueNumber, stop(drawn.stop_id).number_id)
    assert (number.number, number.state, number.queue_id) == (1, "ISSUED", cashier)


def test_one_press_finishes_and_calls_priority_first_then_as_they_came(desk: Desk, cashier: UUID) -> None:
    first, second = (desk.walk_in() for _ in range(2))
    urgent = desk.walk_in(priority="EMERGENCY", priority_reason="bleeding")
    for opened in (first, second, urgent):
        send(desk, opened.visit_id, cashier)
    called = call(farida(desk), cashier)
    assert called is not None and (called.ticket, called.room_id) == (urgent.ticket, desk.cast.room)
    following = call(farida(desk), cashier, called.stop_id)
    assert following is not None
    assert (following.ticket, following.finished_ticket) == (first.ticket, urgent.ticket)
    assert stop(called.stop_id).status == "COMPLETED"
    undone = stations.undo_call(farida(desk), following.stop_id, version=following.version)
    assert (undone.status, stop(called.stop_id).status) == ("WAITING", "CALLED")
    types = set(db.session.scalars(select(DomainEvent.event_type)))
    assert {"station.joined", "station.called", "station.finished"} <= types


def test_a_second_tab_skips_nobody(desk: Desk, cashier: UUID) -> None:
    for _ in range(3):
        station_joining.draw(farida(desk), cashier, key=str(uuid4()))
    called = call(farida(desk), cashier)
    assert called is not None
    other_tab = call(farida(desk), cashier, at_counter=None)  # it still shows an empty counter
    assert other_tab is not None and other_tab.was_called_already and other_tab.stop_id == called.stop_id


def test_what_a_counter_can_do_and_what_has_moved_on_is_refused(desk: Desk, cashier: UUID) -> None:
    station_joining.draw(farida(desk), cashier, key=str(uuid4()))
    called = call(farida(desk), cashier)
    assert called is not None
    again = stations.call_again(farida(desk), called.stop_id, version=called.version)
    assert stop(called.stop_id).times_called == 2
    with pytest.raises(StaleScreen, match="at a counter"):
        stations.finish(farida(desk), called.stop_id, version=called.version)
    missed = stations.miss(farida(desk), called.stop_id, version=again.version)
    back = stations.send_back(farida(desk), called.stop_id, version=missed.version)
    assert back.status == "WAITING"
    taken = station_calling.call(farida(desk), called.stop_id, version=back.version)
    done = stations.finish(farida(desk), called.stop_id, version=taken.version)
    assert stations.undo_finish(farida(desk), called.stop_id, version=done.version).status == "CALLED"
    assert call(farida(desk), cashier, called.stop_id) is None  # finished, and nobody else waits
    assert stop(called.stop_id).status == "COMPLETED"


def test_who_may_not_join_is_told_why(desk: Desk, cashier: UUID) -> None:
    expected = desk.book()
    with pytest.raises(RuleBroken, match="check in first"):
        send(desk, expected.visit_id, cashier)
    gone = desk.walk_in()
    cancelling.cancel_visit(desk.amina, gone.visit_id, "left", version=1)
    with pytest.raises(RuleBroken, match="is off"):
        send(desk, gone.visit_id, cashier)
    here = desk.walk_in()
    send(desk, here.visit_id, cashier)
    with pytest.raises(RuleBroken, match="already"):
        send(desk, here.visit_id, cashier)
    db.session.rollback()
    with pytest.raises(NotFound), tenant.of(desk.omar.organization_id):
        station_joining.draw(desk.omar, cashier, key="k")
    with pytest.raises(NotFound):
        call(farida(desk), desk.cast.dental_queue)  # a clinic's line is called by its doctors


def test_the_board_calls_to_counters_as_to_doors(desk: Desk, cashier: UUID) -> None:
    opened = desk.walk_in()
    send(desk, opened.visit_id, cashier)
    station_joining.draw(farida(desk), cashier, key=str(uuid4()))
    call(farida(desk), cashier)
    known = wall(cashier)
    assert known is not None
    on_a_wall = replace(known, privacy="INITIALS", variants=(Variant("en", "INITIALS", "WESTERN"),))
    shown = pictures([on_a_wall])[cashier, "INITIALS"]
    assert [(each.ticket, each.room, each.is_called) for each in shown.calls] == [(opened.ticket, "3", True)]
    assert shown.calls[0].who == "M. T."
    assert [(each.ticket, each.who) for each in shown.next] == [("K-001", None)]  # drawn by nobody known


def test_the_console_shows_and_acts(desk: Desk, cashier: UUID, as_person: Browser) -> None:
    opened = desk.walk_in()
    client = as_person("salma")
    url = f"/visits/{opened.visit_id}/send"
    assert client.post(url, data={"station": str(cashier), "idempotency_key": "k"}).status_code == 303
    client = as_person("farida")
    assert client.get("/stations").location == f"/stations/{cashier}"
    page = client.get(f"/stations/{cashier}").text
    assert opened.ticket in page and "Maryam Tahhan" in page
    answer = client.post(
        f"/stations/{cashier}/next",
        data={"idempotency_key": "n", "at_counter": ""},
        headers={"HX-Request": "true"},
    )
    assert "called" in answer.text and opened.ticket in answer.text
    now = client.get(f"/stations/{cashier}/counter").text
    assert "owes 450.00" in now and "payments/visit" in now.replace("visits", "visit")
    assert f'data-live="payments:{desk.cast.dental}"' in now  # so it says "paid" as soon as it is
    for part in ("line", "deck", "line?show=done", "line?show=missed"):
        assert client.get(f"/stations/{cashier}/{part}").status_code == 200
    assert client.get(f"/stations/{desk.cast.dental_queue}").status_code == 404
    assert as_person("omar").get(f"/stations/{cashier}").status_code == 404
    assert as_person("salma").get(f"/stations/{cashier}").status_code == 403
    seen = db.session.scalars(select(AccessLog).where(AccessLog.action == "station.view")).all()
    assert len(seen) >= 2  # the page and each part that names people


@pytest.mark.parametrize(("role", "own"), [("lab_technician", "LAB"), ("pharmacist", "PHARMACY")])
def test_stations_open_with_the_kind_that_ones_role_works_at(
    desk: Desk, cashier: UUID, as_person: Browser, role: str, own: str
) -> None:
    at = {kind: open_station(desk, kind, kind[0]) for kind in ("LAB", "PHARMACY")} | {"CASHIER": cashier}
    hire(desk.cast, "hatem", role, desk.cast.organization_id, desk.cast.facility_id)
    client = as_person("hatem")
    assert client.get("/stations").location == f"/stations/{at[own]}"
    client.get(f"/stations/{cashier}")
    assert client.get("/stations").location == f"/stations/{cashier}", "where this person was last"
    sign_in(client, desk.cast.people["farida"])
    client.get(f"/stations/{cashier}")
    sign_in(client, desk.cast.people["hatem"])
    assert client.get("/stations").location == f"/stations/{at[own]}", "not where somebody else was"


def test_a_console_asks_as_little_for_thirty_as_for_three(
    desk: Desk, cashier: UUID, as_person: Browser, count_queries: Callable[[], object]
) -> None:
    client = as_person("farida")

    def asked(number: int) -> int:
        for _ in range(number):
            send(desk, desk.walk_in().visit_id, cashier)
        with count_queries() as queries:  # type: ignore[attr-defined]
            assert client.get(f"/stations/{cashier}").status_code == 200
        return len(queries)

    assert asked(3) >= asked(30)


def test_postgresql_keeps_a_clerk_to_one_and_a_visit_to_one_stop(desk: Desk, cashier: UUID) -> None:
    opened = desk.walk_in()
    sent = send(desk, opened.visit_id, cashier)
    row = stop(sent.stop_id)
    copy = {each.key: getattr(row, each.key) for each in StationStop.__mapper__.column_attrs}
    with pytest.raises(IntegrityError, match="one_stop"), transaction():
        db.session.add(StationStop(**{**copy, "id": new_id()}))
    with pytest.raises(IntegrityError, match="own_number_or_visit"), transaction():
        db.session.add(StationStop(**{**copy, "id": new_id(), "visit_id": None}))


def test_twenty_clerks_call_two_hundred_none_twice_none_left(real_desk: Desk) -> None:
    station = open_station(real_desk, "PHARMACY", "P")
    patients = some_patients(real_desk, 200)

    def draw(patient: UUID) -> Callable[[], str]:
        return lambda: (
            station_joining.draw(farida(real_desk), station, patient_id=patient, key=str(patient)).ticket
        )

    tickets = at_once((draw(patient) for patient in patients), workers=20)
    assert sorted(map(str, tickets)) == [f"P-{number:03d}" for number in range(1, 201)]

    def work(clerk: Actor) -> Callable[[], list[UUID]]:
        def act() -> list[UUID]:
            mine: list[UUID] = []
            while called := patiently(partial(call, clerk, station, mine[-1] if mine else None)):
                mine.append(called.stop_id)
            return mine

        return act

    clerks = [replace(farida(real_desk), user_id=new_id()) for _ in range(20)]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = db.session.scalar(text(deadlocks))
    db.session.rollback()
    answers = at_once((work(clerk) for clerk in clerks), workers=20)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    called = Counter(each for mine in answers if isinstance(mine, list) for each in mine)
    assert (len(called), set(called.values())) == (200, {1})
    done = select(func.count()).where(StationStop.status == "COMPLETED")
    assert db.session.scalar(done) == 200
    assert db.session.scalar(text(deadlocks)) == before


def finished(desk: Desk) -> Visit:
    """Somebody was seen and has not paid; everything that follows by itself has followed."""
    visit = desk.visit_in("PENDING_PAYMENT")
    deliver()
    return visit


def deliver() -> None:
    for _ in range(2):
        while delivery.deliver_next("events"):
            pass
        db.session.execute(text("UPDATE kernel.deliveries SET state = 'DUE', attempts = 0"))
        db.session.commit()


def line_of(station: UUID) -> list[tuple[str, str]]:
    """Tickets and states in a station's line, in the order they joined."""
    stops = select(StationStop.ticket, StationStop.status).where(StationStop.queue_id == station)
    return [(row[0], row[1]) for row in db.session.execute(stops.order_by(StationStop.created_at))]


def test_who_has_not_paid_stands_with_the_cashier_by_themselves_once(desk: Desk, cashier: UUID) -> None:
    laboratory = open_station(desk, "LAB", "L")
    visit = finished(desk)
    deliver()
    assert line_of(cashier) == [(visit.ticket, "WAITING")]
    assert line_of(laboratory) == []
    back = finishing.undo_finish(desk.salma, visit.id, version=visit.version)
    assert line_of(cashier) == [(visit.ticket, "CANCELLED")], "the doctor has the patient back"
    again = finishing.finish(desk.salma, visit.id, version=back.version)
    deliver()
    assert line_of(cashier)[-1] == (visit.ticket, "WAITING") and again.status == "PENDING_PAYMENT"
    pay(desk, visit)
    deliver()
    assert line_of(cashier)[-1] == (visit.ticket, "CANCELLED"), "paid at the desk"
    assert desk.visit(visit.id).status == "COMPLETED"


def test_who_has_paid_or_was_sent_already_joins_no_line(desk: Desk, cashier: UUID) -> None:
    paid = desk.visit_in("IN_PROGRESS")
    pay(desk, paid)
    finishing.finish(desk.salma, paid.id, version=desk.visit(paid.id).version)
    deliver()
    assert line_of(cashier) == []
    visit = desk.visit_in("PENDING_PAYMENT")
    send(desk, visit.id, cashier)
    deliver()
    assert line_of(cashier) == [(visit.ticket, "WAITING")]
    pay(desk, visit)
    deliver()
    assert line_of(cashier) == [(visit.ticket, "WAITING")], "a person sent them, so a person decides"


def test_a_manager_may_keep_unpaid_visits_out_of_a_cashiers_line(
    desk: Desk, cashier: UUID, as_person: Browser
) -> None:
    mona, url = as_person("mona"), f"/queues/{cashier}"
    page = mona.get(url).text
    assert re.search(r'name="takes_unpaid"[^>]*checked', page)
    assert "takes_unpaid" not in mona.get(f"/queues/{desk.cast.dental_queue}").text
    fields = {"name": "Cashier", "policy": "APPOINTMENT_TIME", "draw_at": "CHECK_IN", "privacy": "NUMBER"}
    fields |= {"wait_target_minutes": "30", "is_active": "1", "version": "1"}
    assert mona.post(url, data=fields).status_code == 303
    assert not re.search(r'name="takes_unpaid"[^>]*checked', mona.get(url).text)
    finished(desk)
    assert line_of(cashier) == []
    other = open_station(desk, prefix="Q")
    assert line_of(other) == []
    visit = finished(desk)
    assert line_of(other)[-1][0] == visit.ticket


def test_a_finished_visit_joins_a_station_by_itself_once(desk: Desk) -> None:
    pharmacy = open_station(desk, "PHARMACY", "P")
    system = desk.cast.system
    assert system is not None
    inside = desk.visit_in("IN_PROGRESS")
    assert join_station(system, "PHARMACY", inside.id) is None  # it is not over yet
    assert at_station(system, "PHARMACY", [inside.id])[inside.id].stop_id is None
    finishing.finish(desk.salma, inside.id, version=inside.version)
    done = desk.visit(inside.id)
    assert join_station(system, "LAB", done.id) is None  # there is no such station
    joined = join_station(system, "PHARMACY", done.id)
    assert joined is not None and (joined.queue_id, joined.ticket) == (pharmacy, done.ticket)
    assert join_station(system, "PHARMACY", done.id, again=True) is None
    stands = at_station(system, "PHARMACY", [done.id])[done.id]
    assert (stands.place, stands.status, stands.stop_id) == (1, "WAITING", joined.stop_id)
    called = call(farida(desk), pharmacy)
    assert called is not None
    stations.finish(farida(desk), called.stop_id, version=called.version)
    assert join_station(system, "PHARMACY", done.id) is None
    assert join_station(system, "PHARMACY", done.id, again=True) is not None
