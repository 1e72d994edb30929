"""Money through the API: one movement per key however many ask at once, exact sums, the right currency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from tests.cast import Cast
from tests.interop.conftest import Program, Programs, administrator, problem, token_of
from tests.payments.conftest import Bill, movements, open_bill
from tests.snapshot import Snapshot
from tests.threads import ThreadPoolExecutor

HUNDRED = {"amount": "100.00", "currency": "EGP"}


@pytest.fixture
def bill(boss: object, cast: Cast) -> Bill:
    return open_bill(cast)


def taking(**more: Any) -> dict[str, Any]:
    return {"amount": HUNDRED, "method": "CASH"} | more


def test_money_is_taken_and_given_back_and_all_of_it_is_listed(site: Program, bill: Bill) -> None:
    path = f"/payments/{bill.payment_id}"
    taken = site.make(f"{path}/receipts", taking(handed_over={"amount": "200.00", "currency": "EGP"}))
    assert taken.status_code == 201 and taken.json["amount"] == HUNDRED and taken.json["kind"] == "RECEIPT"
    now = site.get(path).json
    assert (now["status"], now["paid"], now["left"]["amount"]) == ("PARTIALLY_PAID", HUNDRED, "500.00")
    back = site.make(f"{path}/refunds", {"amount": HUNDRED, "method": "CASH", "reason": "went home"})
    assert back.status_code == 201 and back.json["kind"] == "REFUND"
    items = site.get(f"{path}/receipts").json["items"]
    assert [each["id"] for each in items] == [taken.json["id"], back.json["id"]]
    assert [each["id"] for each in site.get("/payments").json["items"]] == [str(bill.payment_id)]
    assert site.get("/payments?status=PAID&from=2020-01-01&to=2020-01-02").json["items"] == []
    assert site.get(f"/payments?visit={bill.visit_id}&patient={bill.patient_id}").json["items"]


def test_a_sum_is_exact_and_of_the_payments_currency(site: Program, bill: Bill) -> None:
    path = f"/payments/{bill.payment_id}/receipts"
    for amount in ("100", "100.5", "-1.00", "1e2", 100, 100.0, None, "0.00"):
        told = problem(site.make(path, taking(amount=HUNDRED | {"amount": amount})), 422, "invalid")
        assert told["errors"][0]["pointer"] in ("/amount/amount", "/amount")
    told = problem(site.make(path, taking(amount=HUNDRED | {"currency": "USD"})), 422, "invalid")
    assert told["errors"][0]["pointer"] == "/amount/currency"
    told = problem(site.make(path, taking(amount=HUNDRED | {"amount": "600.01"})), 422, "invalid")
    assert told["errors"][0]["pointer"] == "/amount"
    problem(site.make(f"/payments/{UUID(int=1)}/receipts", taking()), 404, "not-found")
    assert movements(bill.payment_id) == []


def test_a_claim_is_given_up_as_it_was_seen(site: Program, bill: Bill) -> None:
    path = f"/payments/{bill.payment_id}"
    etag = site.get(path).headers["ETag"]
    problem(site.change(f"{path}/void", {"reason": "free"}, '"9"'), 412, "changed-meanwhile")
    assert site.change(f"{path}/void", {"reason": "free"}, etag).json["status"] == "VOIDED"
    problem(site.make(f"{path}/receipts", taking()), 409, "conflict")


def test_a_key_is_for_one_payment(site: Program, program: Programs, cast: Cast, bill: Bill) -> None:
    other = open_bill(cast)
    assert site.make(f"/payments/{bill.payment_id}/receipts", taking(), key="k").status_code == 201
    problem(site.make(f"/payments/{other.payment_id}/receipts", taking(), key="k"), 422, "invalid")


@pytest.fixture
def real(snapshot: Snapshot, committing: Flask) -> Iterator[Cast]:
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        yield cast


def test_a_hundred_at_once_with_one_key_take_the_money_once(committing: Flask, real: Cast) -> None:
    bill = open_bill(real, "1000.00")
    token = token_of(administrator(real), requests_per_minute=6000)
    db.session.remove()
    line = Barrier(100)

    def ask(_: int) -> TestResponse:
        with committing.app_context():
            line.wait()
            program = Program(committing, token)
            return program.make(f"/payments/{bill.payment_id}/receipts", taking(), key="the-one")

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(ask, range(100)))
    assert len(movements(bill.payment_id)) == 1
    done = [each for each in answers if each.status_code == 201]
    told = Counter(each.status_code for each in answers)
    assert set(told) <= {201, 409, 503}, told
    assert len({each.data for each in done}) == 1
    assert sum("Idempotent-Replayed" not in each.headers for each in done) == 1
    running = [each for each in answers if each.status_code == 409]
    assert all(each.json["type"].endswith("#still-running") for each in running)
    again = Program(committing, token).make(f"/payments/{bill.payment_id}/receipts", taking(), key="the-one")
    assert again.data == done[0].data and again.headers["Idempotent-Replayed"] == "true"
