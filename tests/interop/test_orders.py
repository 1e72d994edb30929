"""Orders, the stock that they take and the bills that they make, through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from clinic_web.kernel import clock
from tests.billing.conftest import deliver_all
from tests.interop.conftest import Program, problem
from tests.interop.test_appointments import seen
from tests.orders.conftest import room  # noqa: F401 - a fixture
from tests.orders.room import Room


@pytest.fixture
def ward(room: Room, boss: object) -> Room:  # noqa: F811 - the fixture
    """Salma with a patient in the room, and an administrator."""
    return room


def prescription(ward: Room, **more: Any) -> dict[str, Any]:
    line = {"item_id": str(ward.paracetamol), "quantity": "20", "directions": "1 x 3"}
    asked = {"order_type": "PRESCRIPTION", "visit_id": str(ward.visit_id), "doctor_id": str(ward.cast.salma)}
    return asked | {"lines": [line]} | more


def delivery(ward: Room, **more: Any) -> dict[str, Any]:
    asked = {
        "medication_id": str(ward.paracetamol),
        "batch_number": "A-1",
        "expiration_date": (clock.now().date() + timedelta(days=90)).isoformat(),
        "quantity": "100",
        "unit_cost": {"amount": "1.2500", "currency": "EGP"},
    }
    return asked | more


def test_an_order_is_found_written_followed_and_cancelled(ward: Room, site: Program) -> None:
    [medicine] = site.ask("POST", "/medications/search", {"typed": "parac"}).json["items"]
    [test] = site.ask("POST", "/lab-tests/search", {"typed": "glu"}).json["items"]
    assert (medicine["id"], test["id"]) == (str(ward.paracetamol), str(ward.glucose))
    body, key = prescription(ward, note="with water"), str(uuid4())
    placed = site.make("/orders", body, key=key)
    assert placed.status_code == 201, placed.text
    assert placed.json["doctor_id"] == str(ward.cast.salma)
    assert site.make("/orders", body, key=key).data == placed.data
    path = f"/orders/{placed.json['id']}"
    whole = site.get(path)
    [line] = whole.json["lines"]
    assert (line["quantity"], line["unit"], line["name"]) == ("20", "tablet", "Paracetamol 500 mg")
    assert {each["step"] for each in whole.json["steps"]} == {"RESERVE", "BILL", "NOTIFY"}
    assert whole.json["note"] == "with water" and seen("order.view")[0].by_it
    assert [each["id"] for each in site.get("/orders?type=PRESCRIPTION&state=under-way").json["items"]] == [
        placed.json["id"]
    ]
    problem(site.change(f"{path}/cancel", {"reason": "x"}, '"99"'), 412, "changed-meanwhile")
    gone = site.change(f"{path}/cancel", {"reason": "changed my mind"}, whole.headers["ETag"])
    assert gone.json["status"] in {"COMPENSATING", "CANCELLED"}, gone.text
    problem(site.change(f"{path}/cancel", {"reason": "again"}, gone.headers["ETag"]), 409, "conflict")


def test_an_order_is_the_doctors_who_sees_the_patient_and_mistakes_are_pointed_at(
    ward: Room, site: Program
) -> None:
    others = prescription(ward, doctor_id=str(ward.cast.karim))
    problem(site.make("/orders", others), 422, "invalid")
    unknown = prescription(ward)
    unknown["lines"] = [*unknown["lines"], {"item_id": str(UUID(int=1)), "quantity": "0"}]
    told = problem(site.make("/orders", unknown), 422, "invalid")
    assert {each["pointer"] for each in told["errors"]} == {"/lines/1/item_id", "/lines/1/quantity"}
    problem(site.make("/orders", prescription(ward, visit_id=str(uuid4()))), 404, "not-found")
    assert site.get("/orders").json["items"] == []


def test_deliveries_come_in_once_and_lie_on_the_shelf(ward: Room, site: Program) -> None:
    key = str(uuid4())
    came = site.make("/stock/deliveries", delivery(ward), key=key)
    assert came.status_code == 201, came.text
    assert came.json["available"] == "100.00" and came.json["unit_cost"]["amount"] == "1.2500"
    assert site.make("/stock/deliveries", delivery(ward), key=key).data == came.data
    [item] = site.get("/stock").json["items"]
    assert (item["on_hand"], item["available"], item["unit"]) == ("100.00", "100.00", "tablet")
    site.make("/stock/deliveries", delivery(ward, batch_number="A-2", expiration_date="2190-01-01"))
    first = site.get("/stock/batches?limit=1").json
    rest = site.get(first["next"].removeprefix("/api/v1")).json["items"]
    assert [each["batch_number"] for each in first["items"] + rest] == ["A-1", "A-2"]
    assert site.get(f"/stock?medication={ward.amoxicillin}").json["items"] == []
    for wrong, pointer in (
        ({"quantity": "0"}, "/quantity"),
        ({"quantity": "1.005"}, "/quantity"),
        ({"expiration_date": "2020-01-01"}, "/expiration_date"),
        ({"unit_cost": {"amount": "1.2500", "currency": "USD"}}, "/unit_cost/currency"),
    ):
        told = problem(site.make("/stock/deliveries", delivery(ward) | wrong), 422, "invalid")
        assert told["errors"][0]["pointer"] == pointer
    problem(site.make("/stock/deliveries", delivery(ward, medication_id=str(uuid4()))), 404, "not-found")


def test_a_bill_is_read_with_its_lines_and_paid_on_its_payment(ward: Room, site: Program) -> None:
    deliver_all({"billing"})
    [found] = site.get(f"/bills?type=VISIT&state=owing&patient={patient_of(ward, site)}").json["items"]
    assert found["total"] == {"amount": "450.00", "currency": "EGP"} and found["status"] == "ISSUED"
    path = f"/bills/{found['id']}"
    [line] = site.get(path).json["lines"]
    assert (line["quantity"], line["unit_price"], line["total"]) == ("1", "450.0000", found["total"])
    taken = {"amount": found["left"], "method": "CASH"}
    assert site.make(f"/payments/{found['payment_id']}/receipts", taken).status_code == 201
    deliver_all({"billing"})
    assert site.get(path).json["status"] == "PAID" and seen("bill.view")[0].by_it
    problem(site.get(f"/bills/{uuid4()}"), 404, "not-found")


def patient_of(ward: Room, site: Program) -> str:
    return str(site.get(f"/visits/{ward.visit_id}").json["patient_id"])
