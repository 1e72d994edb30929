"""The pharmacist's page: the urgent first, one press hands over, what is wrong is said at the field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.audit.models import AccessLog
from clinic_web.events.reception import VisitFinished
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.pharmacy import handlers
from clinic_web.pharmacy.queries.worklist import worklist
from clinic_web.reception.models import StationStop, Visit
from clinic_web.reception.service import calling, finishing, settings
from clinic_web.reception.service.settings import NewStation
from tests.pharmacy.conftest import Shop, hear, reservations
from tests.reception.desk import Desk

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def huda(shop: Shop, as_person: Browser) -> FlaskClient:
    return as_person("huda")


def open_pharmacy(shop: Shop) -> UUID:
    mona = shop.cast.people["mona"].actor
    new = NewStation(kind="PHARMACY", name="Pharmacy", name_ar="الصيدلية", prefix="P", room_id=shop.cast.room)
    return settings.open_station(mona, new, key=str(uuid4()))


def visit_in_the_room(shop: Shop) -> Visit:
    desk = Desk(shop.cast)
    visit = desk.visit(desk.walk_in(patient_id=shop.patient).visit_id)
    called = calling.call(desk.salma, visit.id, version=visit.version)
    calling.open_visit(desk.salma, visit.id, version=called.version)
    return desk.visit(visit.id)


def finish(shop: Shop, visit: Visit) -> None:
    finishing.finish(shop.cast.people["salma"].actor, visit.id, version=visit.version)
    over = VisitFinished(
        organization_id=visit.organization_id,
        clinic_id=visit.clinic_id,
        visit_id=visit.id,
        patient_id=visit.patient_id,
    )
    for _ in range(2):  # deliveries may come twice
        with transaction():
            handlers.stand_in_line(over)


def stops(visit: Visit) -> list[StationStop]:
    return list(db.session.scalars(select(StationStop).where(StationStop.visit_id == visit.id)))


def form(text: str) -> dict[str, str]:
    """The fields of the form that hands over, as the page shows them."""
    inside = text[text.index('class="lines"') :]
    found = re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', inside[: inside.index("</form>")])
    return dict(found)


@contextmanager
def statements(count_queries: Callable[[], object]) -> Iterator[list[str]]:
    with count_queries() as queries:  # type: ignore[attr-defined]
        yield queries


def test_the_urgent_come_first_then_as_they_came(shop: Shop, huda: FlaskClient) -> None:
    usual = shop.reserved((shop.ibuprofen, 1))
    urgent = shop.reserved((shop.ibuprofen, 2), priority="URGENT")
    stat = shop.reserved((shop.ibuprofen, 3), priority="STAT")
    later = shop.reserved((shop.ibuprofen, 4))
    shown = [row.order_id for row in worklist(shop.huda).rows]
    assert shown == [each.order_id for each in (stat, urgent, usual, later)]
    page = huda.get("/pharmacy")
    assert page.status_code == 200 and "At once" in page.text and "Ibuprofen" in page.text
    assert f"pharmacy:{shop.cast.facility_id}" in page.text
    fragment = huda.get("/pharmacy", headers=HTMX)
    assert "<!doctype" not in fragment.text and 'id="pharmacy-list"' in fragment.text
    assert huda.get("/pharmacy?show=ended").status_code == 200
    assert huda.get("/pharmacy?show=anything").status_code == 404
    seen = db.session.scalars(select(AccessLog.action)).all()
    assert "prescription.list" in seen


def test_the_list_asks_as_often_for_ten_as_for_one(shop: Shop, count_queries: Callable[[], object]) -> None:
    shop.reserved((shop.ibuprofen, 1))
    with statements(count_queries) as for_one:
        worklist(shop.huda)
    for _ in range(9):
        shop.reserved((shop.ibuprofen, 1), (shop.amoxicillin, 1))
    with statements(count_queries) as for_ten:
        worklist(shop.huda)
    assert len(for_ten) == len(for_one) <= 9


def test_one_key_hands_over_all_that_is_held_and_undo_puts_it_back(shop: Shop, huda: FlaskClient) -> None:
    held = shop.reserved((shop.amoxicillin, 12))
    panel = huda.get(f"/pharmacy/orders/{held.order_id}/panel", headers=HTMX)
    assert 'data-key="F9"' in panel.text and "A-1" in panel.text and "Nadia" in panel.text
    done = huda.post(f"/pharmacy/orders/{held.order_id}/dispense", data=form(panel.text), headers=HTMX)
    assert done.status_code == 200 and "Everything was handed over" in done.text
    assert shop.counts() == (8, 0)
    undo = re.search(r'action="(/pharmacy/dispensings/[^"]+/undo)"', done.text)
    assert undo is not None
    version = shop.prescription(held.order_id).version
    assert huda.post(undo[1], data={"version": version}, headers=HTMX).status_code == 200
    assert shop.counts() == (20, 12)
    labels = huda.get(f"/pharmacy/orders/{held.order_id}/labels")
    assert labels.text.count('class="box-label"') == 2 and "Directions" in labels.text
    assert huda.get("/pharmacy?show=done").status_code == 200


def test_a_part_is_typed_in_either_script_and_a_mistake_loses_nothing(shop: Shop, huda: FlaskClient) -> None:
    held = shop.reserved((shop.amoxicillin, 12), (shop.ibuprofen, 5))
    lines = {row.medication_id: row.line_id for row in reservations(held.order_id)}
    url = f"/pharmacy/orders/{held.order_id}"
    fields = form(huda.get(f"{url}/panel", headers=HTMX).text)
    typed = fields | {f"quantity-{lines[shop.amoxicillin]}": "٣", f"quantity-{lines[shop.ibuprofen]}": "six"}
    wrong = huda.post(f"{url}/dispense", data=typed, headers=HTMX)
    assert wrong.status_code == 422
    assert "Write a number" in wrong.text and 'value="٣"' in wrong.text and 'value="six"' in wrong.text
    typed[f"quantity-{lines[shop.ibuprofen]}"] = "6"
    too_much = huda.post(f"{url}/dispense", data=typed, headers=HTMX)
    assert too_much.status_code == 422 and "At most 5 of this is held" in too_much.text
    typed[f"quantity-{lines[shop.ibuprofen]}"] = ""
    part = huda.post(f"{url}/dispense", data=typed, headers=HTMX)
    assert part.status_code == 200 and "A part was handed over" in part.text
    assert shop.counts() == (17, 9)
    stale = huda.post(f"{url}/dispense", data=typed | {"idempotency_key": "another"}, headers=HTMX)
    assert stale.status_code == 409 and 'id="prescription-clash"' in stale.text
    assert shop.counts() == (17, 9)


def test_a_release_asks_why(shop: Shop, huda: FlaskClient) -> None:
    held = shop.reserved()
    url = f"/pharmacy/orders/{held.order_id}/release"
    assert 'id="release-ask"' in huda.get(url, headers=HTMX).text
    silent = huda.post(url, data={"version": held.version, "reason": " "}, headers=HTMX)
    assert silent.status_code == 422 and "Say why" in silent.text
    plain = huda.post(url, data={"version": held.version, "reason": "went elsewhere"})
    assert plain.status_code == 303
    assert "went elsewhere" in huda.get(plain.location).text
    assert shop.counts() == (20, 0)


def test_who_has_no_right_and_who_is_elsewhere_see_nothing(shop: Shop, as_person: Browser) -> None:
    held = shop.reserved()
    assert as_person("farida").get("/pharmacy").status_code == 403
    assert as_person("omar").get(f"/pharmacy/orders/{held.order_id}/panel").status_code in (403, 404)


@pytest.mark.parametrize("is_finished_first", [False, True])
def test_the_ticket_joins_the_pharmacys_line_when_the_visit_is_over_and_something_is_held(
    shop: Shop, huda: FlaskClient, is_finished_first: bool
) -> None:
    station = open_pharmacy(shop)
    visit = visit_in_the_room(shop)
    told = shop.order((shop.amoxicillin, 2), visit_id=visit.id)
    if is_finished_first:
        finish(shop, visit)
        assert stops(visit) == []
        hear(told)
    else:
        hear(told)
        assert stops(visit) == []
        assert "still with the doctor" in huda.get("/pharmacy", headers=HTMX).text
        finish(shop, visit)
    (stop,) = stops(visit)
    assert (stop.queue_id, stop.ticket, stop.status) == (station, visit.ticket, "WAITING")
    hear(told)
    assert len(stops(visit)) == 1
    page = huda.get(f"/pharmacy?order={told.order_id}").text
    assert "number 1 in the line" in page and f"/stops/{stop.id}/call" in page and f"queue:{station}" in page
    called = huda.post(f"/stops/{stop.id}/call", data={"version": stop.version}, headers=HTMX)
    assert called.status_code == 200
    assert "at your counter" in huda.get(f"/pharmacy/orders/{told.order_id}/panel", headers=HTMX).text


def test_arabic_reads_from_the_right_and_late_is_said(shop: Shop, huda: FlaskClient) -> None:
    held = shop.reserved()
    with transaction():
        shop.prescription(held.order_id).expires_at = clock.now() - timedelta(minutes=1)
    huda.post("/account/settings", data={"locale": "ar", "theme": "dark", "next": "/pharmacy"})
    page = huda.get(f"/pharmacy?order={held.order_id}").text
    assert 'dir="rtl"' in page and "أموكسيسيلين" in page and 'class="is-late"' in page
    assert Decimal(12) == sum(row.left for row in reservations(held.order_id))
