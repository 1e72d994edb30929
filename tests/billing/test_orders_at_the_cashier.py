"""What an order owes stands on the cashier's pages as a visit does: found, taken, printed, given back."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from clinic_web.kernel.ids import new_id
from tests.billing.conftest import Shop, allocated, bill, deliver_all
from tests.payments.conftest import movements


def test_an_order_is_paid_in_parts_printed_and_given_back(
    shop: Shop, as_person: Callable[[str], FlaskClient]
) -> None:
    asked = shop.billed()
    made = bill(order_id=asked.order_id)
    farida, name = as_person("farida"), f"Medicines, bill {made.invoice_number}"
    for address in ("/payments", "/payments?for=medicines", f"/payments?q={made.invoice_number}&when=any"):
        assert name in farida.get(address).text
    assert name not in farida.get("/payments?for=laboratory").text
    assert name in farida.get(f"/payments/{made.payment_id}/panel", headers={"HX-Request": "true"}).text
    assert name in farida.get(f"/payments/of-patient/{made.patient_id}").text

    for amount, method in (("12.34", "VISA"), ("20", "CASH")):
        form = {"amount": amount, "method": method, "idempotency_key": str(new_id())}
        assert farida.post(f"/payments/{made.payment_id}/take", data=form).status_code == 303
    deliver_all(["billing"])
    assert bill(order_id=asked.order_id).status == "PAID"

    receipt = f"/payments/{made.payment_id}/receipts/{movements(made.payment_id)[0].id}"
    assert name in farida.get(f"{receipt}?paper=a4").text
    assert farida.get(f"{receipt}.pdf").data.startswith(b"%PDF")
    form = {"amount": "2.34", "method": "CASH", "reason": "One box less.", "idempotency_key": str(new_id())}
    assert farida.post(f"/payments/{made.payment_id}/refund", data=form).status_code == 303
    deliver_all(["billing"])
    assert bill(order_id=asked.order_id).paid_amount == sum(allocated(made.id)) == 30


def test_an_order_of_a_visit_stands_with_its_ticket(shop: Shop) -> None:
    from tests.payments.conftest import open_bill, payment

    visit = open_bill(shop.cast)
    asked = shop.billed(visit_id=visit.visit_id, patient_id=visit.patient_id)
    assert payment(bill(order_id=asked.order_id).payment_id).ticket == "D-034"
