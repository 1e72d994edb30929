"""The pages of bills: found, on paper, beside each other, and what becomes of money for what is off."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from clinic_web.billing import api, handlers
from clinic_web.events.pharmacy import StockReleased
from clinic_web.kernel.ids import new_id
from clinic_web.payments import api as payments
from tests.billing.conftest import Shop, bill, deliver_all, hear, of_order
from tests.payments.conftest import payment
from tests.reception.desk import Desk

HTMX = {"HX-Request": "true"}
Browser = Callable[[str], FlaskClient]


def paid(shop: Shop, amount: str) -> api.Bill:
    """An order that was paid (in part), then released by the pharmacy."""
    asked = shop.billed()
    made = bill(order_id=asked.order_id)
    farida = shop.cast.people["farida"].actor
    payments.take(
        farida, payment_id=made.payment_id, amount=Decimal(amount), method="CASH", key=str(new_id())
    )
    deliver_all(["billing"])
    hear(handlers.void_released, of_order(StockReleased, asked))
    return api.bills_of_orders(farida, [asked.order_id])[asked.order_id]


def test_the_list_finds_by_number_name_and_state_and_goes_out_as_a_file(
    shop: Shop, as_person: Browser
) -> None:
    medicines = bill(order_id=shop.billed().order_id)
    tests = bill(order_id=shop.billed((shop.blood, "1"), order_type="LAB").order_id)
    mona = as_person("mona")
    for address, found, missing in (
        ("/bills", {medicines, tests}, set()),
        ("/bills?for=laboratory", {tests}, {medicines}),
        (f"/bills?q={medicines.invoice_number}", {medicines}, {tests}),
        ("/bills?state=to-pay&sort=-total&when=any", {medicines, tests}, set()),
        ("/bills?state=refund-due", set(), {medicines, tests}),
        ("/bills.csv", {medicines, tests}, set()),
    ):
        text = mona.get(address).text
        assert all(each.invoice_number in text for each in found), address
        assert not any(each.invoice_number in text for each in missing), address
    assert as_person("omar").get("/bills").text.count("INV-") == 0


@pytest.mark.parametrize("rows", [1, 12])
def test_the_list_costs_as_much_for_many_rows_as_for_one(
    shop: Shop, as_person: Browser, count_queries: Callable[[], AbstractContextManager[list[str]]], rows: int
) -> None:
    for _ in range(rows):
        shop.billed()
    mona = as_person("mona")
    mona.get("/bills?when=week")
    with count_queries() as queries:
        assert mona.get("/bills?when=any").text.count("<tr id=") == rows
    assert len([each for each in queries if "billing." in each]) == 1 and len(queries) <= 7


def test_a_bill_on_its_page_and_on_paper_in_both_languages(shop: Shop, as_person: Browser) -> None:
    made = bill(order_id=shop.billed().order_id)
    farida = as_person("farida")
    page = farida.get(f"/bills/{made.id}").text
    assert all(each in page for each in (made.invoice_number, "Paracetamol", "1.2345", "12.34", "32.34"))
    assert "Take payment" in page and 'id="bill"' in farida.get(f"/bills/{made.id}", headers=HTMX).text
    arabic = farida.get(f"/bills/{made.id}/paper?language=ar").text
    assert made.invoice_number in arabic and 'lang="ar"' in arabic
    for language in ("en", "ar"):
        assert farida.get(f"/bills/{made.id}.pdf?language={language}").data.startswith(b"%PDF")
    for address in (
        f"/bills/{made.id}",
        f"/bills/of-payment/{made.payment_id}",
        f"/bills/of-visit/{new_id()}",
    ):
        assert as_person("omar").get(address).status_code == 404


def test_what_belongs_to_a_visit_stands_together_at_the_desk_and_the_cashier(
    desk: Desk, shop: Shop, as_person: Browser
) -> None:
    visit_id = desk.book().visit_id
    deliver_all(["billing"])
    asked = shop.billed(visit_id=visit_id, patient_id=desk.visit(visit_id).patient_id)
    own, ordered = bill(visit_id=visit_id), bill(order_id=asked.order_id)
    both = api.bills_of_visits(desk.amina, [visit_id])[visit_id]
    assert [each.id for each in both] == [own.id, ordered.id]
    amina = as_person("amina")
    for address in (f"/bills/of-visit/{visit_id}?at=desk", f"/bills/of-payment/{own.payment_id}"):
        text = amina.get(address, headers=HTMX).text
        assert own.invoice_number in text and ordered.invoice_number in text and "482.34" in text
    patient_id = desk.visit(visit_id).patient_id
    assert api.unpaid_of(desk.amina, [patient_id]) == {patient_id: {"EGP": Decimal("482.34")}}
    assert api.unpaid_of(desk.amina, []) == {}


def test_a_person_decides_that_the_money_stays_and_may_think_again(shop: Shop, as_person: Browser) -> None:
    due = paid(shop, "20")
    mona = as_person("mona")
    assert due.invoice_number in mona.get("/bills?state=refund-due").text
    assert mona.post(f"/bills/{due.id}/keep", data={"reason": " "}, headers=HTMX).status_code == 422
    kept = mona.post(
        f"/bills/{due.id}/keep", data={"reason": "As agreed."}, headers=HTMX | {"HX-Target": "bill"}
    )
    assert kept.status_code == 200 and "As agreed." in kept.text and "Money kept" in kept.text
    made, owed = bill(id=due.id), payment(due.payment_id)
    assert (made.status, made.total_amount, made.discount_amount) == ("KEPT", 20, Decimal("12.34"))
    assert (owed.status, owed.balance_due) == ("PAID", 0)
    assert mona.post(f"/bills/{due.id}/keep", data={"reason": "Again."}).status_code == 409
    assert mona.post(f"/bills/{due.id}/ask-again", data={}).status_code == 303
    assert bill(id=due.id).status == "REFUND_DUE"
    assert as_person("amina").post(f"/bills/{due.id}/keep", data={"reason": "x"}).status_code == 403


def test_or_gives_it_back_as_any_other_money(shop: Shop, as_person: Browser) -> None:
    due = paid(shop, "32.34")
    form = {"amount": "32.34", "method": "CASH", "reason": "Not needed.", "idempotency_key": str(new_id())}
    assert as_person("mona").post(f"/payments/{due.payment_id}/refund", data=form).status_code == 303
    deliver_all(["billing"])
    assert bill(id=due.id).status == "REFUNDED"


def test_stations_serve_the_unpaid_unless_a_facility_wants_to_be_paid_first(
    shop: Shop, as_person: Browser
) -> None:
    salma, asked = shop.cast.people["salma"].actor, shop.billed()
    unbilled, tests = shop.order().order_id, shop.billed((shop.blood, "1"), order_type="LAB")
    assert api.may_be_served(salma, asked.order_id) and api.may_be_served(salma, unbilled)

    mona = as_person("mona")
    assert "Medicines are handed over" in mona.get("/admin/payment-rules").text
    for _ in range(2):
        assert mona.post("/admin/payment-rules", data={"kind": "PRESCRIPTION"}).status_code == 303
    assert "checked" in mona.get("/admin/payment-rules").text
    assert not api.may_be_served(salma, asked.order_id) and not api.may_be_served(salma, unbilled)
    assert api.may_be_served(salma, tests.order_id) and api.may_be_served(salma, unbilled, "LAB")
    payments.take(
        shop.cast.people["farida"].actor,
        payment_id=bill(order_id=asked.order_id).payment_id,
        amount=Decimal("32.34"),
        method="VISA",
        key="k",
    )
    deliver_all(["billing"])
    assert api.may_be_served(salma, asked.order_id)
    mona.post("/admin/payment-rules", data={})
    assert api.may_be_served(salma, unbilled)
    assert mona.post("/admin/payment-rules", data={"kind": "ALMS"}).status_code == 400
