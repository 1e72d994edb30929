"""Farida in her browser: the list, the panel, taking money with and without JavaScript, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from clinic_web.audit.models import AccessLog
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.payments import api
from tests.cast import Cast
from tests.payments.conftest import Bill, Opens, movements, payment

AsPerson = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


def form(**values: str) -> dict[str, str]:
    return {"amount": "600", "method": "CASH", "idempotency_key": str(new_id())} | values


def words(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture
def farida(as_person: AsPerson) -> FlaskClient:
    return as_person("farida")


def test_the_page_shows_who_owes_what_for_which_service(farida: FlaskClient, bill: Bill) -> None:
    page = farida.get("/payments")

    assert page.status_code == 200
    shown = words(page.text)
    for word in ("D-034", "Maryam Tahhan", "Filling", "Dr Salma", "600.00", "To pay", "Nothing in hand"):
        assert word in shown


def test_the_sums_of_the_day_are_an_equation(farida: FlaskClient, opens: Opens, cast: Cast) -> None:
    amina = cast.people["amina"].actor
    for amount, method in (("100.10", "CASH"), ("200", "VISA"), ("50", "BANK_TRANSFER"), ("20", "CASH")):
        api.take(
            amina,
            payment_id=opens().payment_id,
            amount=Decimal(amount),
            method=method,
            key=str(new_id()),
        )

    shown = words(farida.get("/payments").text)

    assert "Cash 120.10 + Card 200.00 + Bank transfer 50.00 = Taken today 370.10" in shown
    assert "Still owed 2,029.90" in shown


def test_the_panel_names_the_bill_and_what_is_left(farida: FlaskClient, bill: Bill, cast: Cast) -> None:
    api.take(
        cast.people["amina"].actor,
        payment_id=bill.payment_id,
        amount=Decimal(200),
        method="CASH",
        key=str(new_id()),
    )

    panel = farida.get(f"/payments/{bill.payment_id}/panel", headers=HTMX)

    shown = words(panel.text)
    assert "<html" not in panel.text
    assert re.search(r"Paid in cash, [\d:]+, Amina Tester −200.00 Left to pay 400.00", shown)
    assert "Dr Salma 60 % 240.00" in shown and "Centre 40 % 160.00" in shown
    assert 'value="400.00"' in panel.text  # what is left, ready to be taken


def test_the_desk_gets_the_same_panel_by_visit(farida: FlaskClient, bill: Bill) -> None:
    panel = farida.get(f"/payments/visit/{bill.visit_id}/panel", headers=HTMX)

    assert "Maryam Tahhan" in panel.text
    assert 'name="at" value="desk"' in panel.text and "data-close-hand" not in panel.text


def test_taking_answers_with_the_receipt_and_the_last_act(farida: FlaskClient, bill: Bill) -> None:
    answer = farida.post(f"/payments/{bill.payment_id}/take", data=form(handed_over="1000"), headers=HTMX)

    assert answer.status_code == 200
    shown = words(answer.text)
    assert "Receipt" in shown and "Give back 400.00" in shown and "Taken by Farida Tester" in shown
    assert 'id="last-act"' in answer.text and "Took 600.00 EGP in cash" in shown
    assert payment(bill.payment_id).status == "PAID"


def test_without_javascript_the_form_leads_to_the_page_with_the_receipt(
    farida: FlaskClient, bill: Bill
) -> None:
    answer = farida.post(f"/payments/{bill.payment_id}/take", data=form())

    assert answer.status_code == 303
    page = farida.get(answer.headers["Location"])
    shown = words(page.text)
    assert "<!doctype html>" in page.text and "Receipt" in shown and "Took 600.00 EGP in cash" in shown


def test_pressing_twice_takes_once_and_shows_the_same_receipt(farida: FlaskClient, bill: Bill) -> None:
    data = form(amount="200", method="VISA")
    answers = [
        farida.post(f"/payments/{bill.payment_id}/take", data=data, headers=HTMX).text for _ in range(2)
    ]

    number = movements(bill.payment_id)[0].payment_number
    assert len(movements(bill.payment_id)) == 1
    assert all(number in answer for answer in answers)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": ""}, "Enter an amount."),
        ({"amount": "-5"}, "can't be negative"),
        ({"amount": "0"}, "above zero"),
        ({"amount": "NaN"}, "not an amount"),
        ({"amount": "1e3"}, "not an amount"),
        ({"amount": "10.001"}, "two decimals at most"),
        ({"amount": "600.01"}, "Only 600.00 is left to pay."),
        ({"amount": "400", "handed_over": "300"}, "less than the amount"),
        ({"amount": "400", "handed_over": "x"}, "not an amount"),
        ({"amount": "400", "method": "CHECK"}, "Choose cash, card or bank transfer."),
    ],
)
def test_a_wrong_field_is_named_and_nothing_typed_is_lost(
    farida: FlaskClient, bill: Bill, typed: dict[str, str], sentence: str
) -> None:
    answer = farida.post(f"/payments/{bill.payment_id}/take", data=form(**typed), headers=HTMX)

    assert answer.status_code == 422
    assert sentence in unescape(answer.text)
    assert 'aria-invalid="true"' in answer.text
    sums = [typed[name] for name in ("amount", "handed_over") if typed.get(name)]
    assert all(f'value="{value}"' in answer.text for value in sums)
    assert movements(bill.payment_id) == []


def test_arabic_digits_are_digits(farida: FlaskClient, bill: Bill) -> None:
    answer = farida.post(f"/payments/{bill.payment_id}/take", data=form(amount="٢٠٠٫٥٠"), headers=HTMX)

    assert answer.status_code == 200
    assert payment(bill.payment_id).amount_paid == Decimal("200.50")


def test_what_was_handed_over_is_forgotten_when_the_card_pays(farida: FlaskClient, bill: Bill) -> None:
    answer = farida.post(
        f"/payments/{bill.payment_id}/take", data=form(method="VISA", handed_over="1000"), headers=HTMX
    )

    assert answer.status_code == 200
    assert movements(bill.payment_id)[0].handed_over is None


def test_without_its_key_a_form_is_answered_400(farida: FlaskClient, bill: Bill) -> None:
    answer = farida.post(
        f"/payments/{bill.payment_id}/take", data={"amount": "600", "method": "CASH"}, headers=HTMX
    )

    assert answer.status_code == 400
    assert movements(bill.payment_id) == []


def test_another_body_under_the_same_key_is_refused_and_the_form_gets_a_new_key(
    farida: FlaskClient, bill: Bill
) -> None:
    url = f"/payments/{bill.payment_id}/take"
    farida.post(url, data=form(amount="100", idempotency_key="one"), headers=HTMX)

    answer = farida.post(url, data=form(amount="200", idempotency_key="one"), headers=HTMX)

    assert answer.status_code == 422
    assert "already sent with other values" in answer.text
    assert 'value="one"' not in answer.text
    assert payment(bill.payment_id).amount_paid == Decimal(100)


def test_paid_by_somebody_else_meanwhile_is_shown_as_a_conflict(
    farida: FlaskClient, bill: Bill, cast: Cast
) -> None:
    api.take(
        cast.people["amina"].actor,
        payment_id=bill.payment_id,
        amount=Decimal(600),
        method="VISA",
        key=str(new_id()),
    )

    answer = farida.post(f"/payments/{bill.payment_id}/take", data=form(), headers=HTMX)

    assert answer.status_code == 409
    shown = words(answer.text)
    assert "This is paid by now: nothing is owed." in shown and "You had Now Left to pay 600.00 0.00" in shown
    assert "Paid by card" in shown


def test_a_refused_form_without_javascript_is_the_whole_page_again(farida: FlaskClient, bill: Bill) -> None:
    answer = farida.post(f"/payments/{bill.payment_id}/take", data=form(amount="1e3"))

    assert answer.status_code == 422
    assert "<!doctype html>" in answer.text and 'value="1e3"' in answer.text


def test_a_payment_of_another_tenant_is_not_there(as_person: AsPerson, bill: Bill) -> None:
    omar = as_person("omar")

    assert omar.get(f"/payments/{bill.payment_id}/panel", headers=HTMX).status_code == 404
    assert omar.get(f"/payments/visit/{bill.visit_id}/panel", headers=HTMX).status_code == 404
    assert omar.post(f"/payments/{bill.payment_id}/take", data=form(), headers=HTMX).status_code == 404
    assert "Maryam" not in omar.get("/payments").text


def test_without_the_right_nothing_is_shown_or_taken(as_person: AsPerson, bill: Bill) -> None:
    salma, mona = as_person("salma"), as_person("mona")

    assert salma.get("/payments").status_code == 403
    assert salma.post(f"/payments/{bill.payment_id}/take", data=form()).status_code == 403
    panel = mona.get(f"/payments/{bill.payment_id}/panel", headers=HTMX)
    assert panel.status_code == 200 and "<form" not in panel.text
    assert mona.post(f"/payments/{bill.payment_id}/take", data=form()).status_code == 403
    assert movements(bill.payment_id) == []


def test_the_receipt_of_another_payment_is_not_there(farida: FlaskClient, opens: Opens) -> None:
    first, second = opens(), opens()
    farida.post(f"/payments/{first.payment_id}/take", data=form(amount="200"), headers=HTMX)
    receipt = movements(first.payment_id)[0]

    panel = farida.get(f"/payments/{second.payment_id}/panel?receipt={receipt.id}", headers=HTMX)

    assert panel.status_code == 404


def test_every_view_leaves_one_access_row(farida: FlaskClient, bill: Bill, opens: Opens) -> None:
    other = opens()
    farida.get("/payments")
    farida.get("/payments")  # from the cache, and seen all the same
    farida.get(f"/payments/{bill.payment_id}/panel", headers=HTMX)

    rows = db.session.execute(
        db.select(AccessLog).where(AccessLog.resource_type == "payment").order_by("accessed_at")
    )
    seen = list(rows.scalars())
    assert [row.action for row in seen] == ["payment.list", "payment.list", "payment.view"]
    assert seen[1].metadata_ is not None
    assert set(seen[1].metadata_["ids"]) == {str(bill.payment_id), str(other.payment_id)}
    assert seen[2].resource_id == bill.payment_id


def test_the_page_listens_to_the_clinics_of_the_facility(farida: FlaskClient, bill: Bill, cast: Cast) -> None:
    page: Any = farida.get("/payments").text

    assert f"payments:{cast.dental}" in page and f"payments:{cast.eye}" in page
