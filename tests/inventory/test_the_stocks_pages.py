"""What a pharmacist sees and does on the stock's pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from clinic_web.inventory.models import Adjustment
from clinic_web.inventory.service.setting_aside import mark_expired
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import DomainEvent
from tests.inventory.conftest import Shelf, adds_up, batch, item, parts, write

HX = {"HX-Request": "true"}
Browser = Callable[[str], FlaskClient]


@pytest.fixture
def bassem(shelf: Shelf, as_person: Browser) -> FlaskClient:
    return as_person("bassem")


def form(**fields: str) -> dict[str, str]:
    return {"idempotency_key": str(new_id())} | fields


def delivery(shelf: Shelf, **fields: str) -> dict[str, str]:
    usual = {
        "batch_number": "NEW-1",
        "expiration_date": (shelf.day + timedelta(days=90)).isoformat(),
        "quantity": "٤٠",
        "unit_cost": "0.8125",
    }
    return form(**usual | fields)


def test_the_list_shows_what_is_low_and_what_expires_and_finds_as_one_types(
    shelf: Shelf, bassem: FlaskClient, count_queries: Callable[[], Any]
) -> None:
    shelf.medicine("Zinc", "500")
    write("UPDATE inventory.inventory_items SET reorder_point = 30 WHERE id = :id", id=shelf.item_id)

    with count_queries() as queries:
        page = bassem.get("/inventory").text
    few = len(queries)
    assert "Paracetamol" in page and "Zinc" in page and "Expires within 60 days" in page
    assert f"stock:{shelf.facility_id}" in page.split("data-live", 1)[1]
    low = bassem.get("/inventory?state=low").text
    assert "Paracetamol" in low and "Zinc" not in low
    assert "Zinc" not in bassem.get("/inventory?expiring=soon").text
    found = bassem.get("/inventory?q=باراسيت", headers=HX).text
    assert "Paracetamol" in found and "Zinc" not in found and "<!doctype" not in found.lower()
    assert "Nothing fits these filters" in bassem.get("/inventory?q=nothing").text
    for name in ("Copper", "Iron", "Iodine"):
        shelf.medicine(name, "5")
    with count_queries() as queries:
        bassem.get("/inventory?sort=-free")
    assert len(queries) <= few


def test_a_delivery_is_taken_in_once_and_a_wrong_one_keeps_what_was_typed(
    shelf: Shelf, bassem: FlaskClient, pushed: list[str]
) -> None:
    to, sent = f"/inventory/{shelf.item_id}/receive", delivery(shelf)
    for _ in range(2):
        page = bassem.post(to, data=sent, headers=HX)
        assert page.status_code == 200 and "NEW-1" in page.text and "Bassem Tester" in page.text
    assert item(shelf.item_id).quantity_available == 70 and pushed == [f"stock:{shelf.facility_id}"]

    gone = delivery(shelf, expiration_date=(shelf.day - timedelta(days=1)).isoformat())
    refused = bassem.post(to, data=gone, headers=HX)
    assert refused.status_code == 422 and "This has expired" in refused.text and "٤٠" in refused.text
    refused = bassem.post(to, data=delivery(shelf, quantity="many", batch_number=""), headers=HX)
    assert refused.status_code == 422 and "This is not a quantity" in refused.text
    other = bassem.post(to, data=delivery(shelf, batch_number="SOON"), headers=HX)
    assert other.status_code == 422 and "with another expiry" in other.text
    assert bassem.post(to, data={**gone, "idempotency_key": ""}, headers=HX).status_code in (400, 422)
    adds_up()


def test_a_count_and_its_undo_leave_two_rows_and_the_old_stock(shelf: Shelf, bassem: FlaskClient) -> None:
    to = f"/inventory/batches/{shelf.soon}/count"
    missing = bassem.post(to, data=form(expected="10", actual="8"), headers=HX)
    assert missing.status_code == 422 and "Give a reason" in missing.text
    page = bassem.post(to, data=form(expected="10", actual="8", reason="Two broken"), headers=HX)
    assert page.status_code == 200 and "Two broken" in page.text and parts(shelf.soon) == (8, 0, 0)
    assert item(shelf.item_id).last_counted_at is not None

    moved = bassem.post(to, data=form(expected="10", actual="9", reason="x"), headers=HX)
    assert moved.status_code == 409 and "moved while you counted" in moved.text
    made = db.session.scalars(db.select(Adjustment)).one()
    undo = f"/inventory/adjustments/{made.id}/undo"
    assert bassem.post(undo, headers=HX).status_code == 200 and parts(shelf.soon) == (10, 0, 0)
    assert bassem.post(undo, headers=HX).status_code == 409
    adds_up()


def test_nobody_corrects_away_what_is_promised(shelf: Shelf, bassem: FlaskClient) -> None:
    shelf.hold("7")
    to = f"/inventory/batches/{shelf.soon}/correct"
    refused = bassem.post(to, data=form(change="-4", reason="Spilled", kind="DAMAGE"), headers=HX)
    assert refused.status_code == 422 and "promised to patients" in refused.text and "Spilled" in refused.text
    page = bassem.post(to, data=form(change="-3", reason="Spilled", kind="DAMAGE"), headers=HX)
    assert page.status_code == 200 and parts(shelf.soon) == (0, 7, 0)
    adds_up()


def test_how_an_item_is_kept_is_changed_by_one_at_a_time(shelf: Shelf, bassem: FlaskClient) -> None:
    to = f"/inventory/{shelf.item_id}/keep"
    said = {"reorder_point": "40", "reorder_quantity": "80", "bin_location": "B3", "is_active": "1"}
    assert bassem.post(to, data=said | {"version": "1"}, headers=HX).status_code == 200
    shelf.hold("1")  # the stock moves; nobody has edited
    again = bassem.post(to, data=said | {"version": "1", "bin_location": "C1"}, headers=HX)
    assert again.status_code == 409 and "C1" in again.text
    assert bassem.post(to, data=said | {"version": "2", "bin_location": "C1"}, headers=HX).status_code == 200
    assert item(shelf.item_id).bin_location == "C1"


def test_a_batch_is_set_aside_and_used_again(shelf: Shelf, bassem: FlaskClient) -> None:
    to = f"/inventory/batches/{shelf.soon}"
    assert bassem.post(f"{to}/aside", data={"reason": " "}, headers=HX).status_code == 422
    page = bassem.post(f"{to}/aside", data={"reason": "Box open"}, headers=HX)
    assert page.status_code == 200 and "Set aside" in page.text and "Use it again" in page.text
    assert shelf.hold("1")[0].batch_id == shelf.later and item(shelf.item_id).quantity_available == 19
    assert bassem.post(f"{to}/use", headers=HX).status_code == 200
    assert bassem.post(f"{to}/use", headers=HX).status_code == 409
    adds_up()


def test_the_count_sheet_and_the_file_say_what_lies_where(shelf: Shelf, bassem: FlaskClient) -> None:
    sheet = bassem.get("/inventory/sheet").text
    assert "SOON" in sheet and "Counted by" in sheet
    assert bassem.get("/inventory/list.csv").status_code == 403  # a pharmacist exports nothing


def test_what_has_expired_is_marked_and_what_will_is_told_once(shelf: Shelf) -> None:
    write(
        "UPDATE inventory.inventory_batches SET expiration_date = :d WHERE id = :id",
        id=shelf.later,
        d=shelf.day - timedelta(days=1),
    )
    for _ in range(2):
        mark_expired()
    assert batch(shelf.later).status == "EXPIRED" and batch(shelf.soon).status == "ACTIVE"
    assert item(shelf.item_id).quantity_available == 10 and item(shelf.item_id).quantity_on_hand == 30
    told = db.session.scalars(db.select(DomainEvent).where(DomainEvent.event_type == "batch.expiring")).all()
    assert {each.event_data["batch_id"] for each in told} == {str(shelf.soon), str(shelf.later)}
    assert len(told) == 2
    adds_up()


def test_who_may_not_see_the_stock_and_another_tenant(shelf: Shelf, as_person: Browser) -> None:
    assert as_person("amina").get("/inventory").status_code == 403
    mona = as_person("mona")  # a manager sees it, and does not touch it
    assert mona.get(f"/inventory/{shelf.item_id}").status_code == 200
    assert mona.get("/inventory/list.csv").text.count("\n") == 2
    assert mona.post(f"/inventory/batches/{shelf.soon}/count", data=form()).status_code == 403
    assert mona.get(f"/inventory/{new_id()}").status_code == 404
