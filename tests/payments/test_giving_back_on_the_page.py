"""The payment in hand: giving back, correcting, voiding, its books, receipts on paper; by right and state."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import text as sql
from werkzeug.test import TestResponse

from clinic_web.kernel import push
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.models import Facility
from clinic_web.payments import api
from clinic_web.payments.records import ReceiptPrint, RefundLimit
from tests.cast import Cast
from tests.payments.conftest import Bill, movements, payment
from tests.payments.test_the_cashiers_page import HTMX, AsPerson, words

Post = Callable[..., TestResponse]


@pytest.fixture
def farida(as_person: AsPerson) -> FlaskClient:
    return as_person("farida")


@pytest.fixture
def paid(cast: Cast, bill: Bill) -> Bill:
    actor = cast.people["farida"].actor
    api.take(actor, payment_id=bill.payment_id, amount=Decimal(600), method="VISA", key="taken")
    return bill


def form(**values: str) -> dict[str, str]:
    asked = {"amount": "100", "method": "CASH", "reason": "Cut short.", "idempotency_key": str(new_id())}
    return asked | values


def get(client: FlaskClient, url: str) -> str:
    answer = client.get(url, headers=HTMX)
    assert answer.status_code == 200, answer.status_code
    return answer.text


def test_the_form_offers_what_may_be_given_back_and_says_that_it_is_final(
    farida: FlaskClient, as_person: AsPerson, paid: Bill
) -> None:
    panel = get(farida, f"/payments/{paid.payment_id}/panel")
    assert f"/payments/{paid.payment_id}/refund" in panel and f"/payments/{paid.payment_id}/void" not in panel

    offered = get(farida, f"/payments/{paid.payment_id}/refund")
    assert 'value="500.00"' in offered and "You may give back 500.00 of this payment" in words(offered)
    assert re.search(r'value="VISA" checked', offered)
    assert "This can't be undone" in words(offered) and "60 % of it comes off the share of Dr Salma" in words(
        offered
    )
    assert 'value="600.00"' in get(as_person("mona"), f"/payments/{paid.payment_id}/refund")


def test_giving_back_shows_the_receipt_and_the_last_act(farida: FlaskClient, paid: Bill) -> None:
    answer = farida.post(f"/payments/{paid.payment_id}/refund", data=form(amount="٢٠٠٫٥٠"), headers=HTMX)

    receipt = movements(paid.payment_id)[1]
    shown = words(answer.text)
    assert answer.status_code == 200 and answer.headers["HX-Trigger"] == "acted"
    assert f"Gave back 200.50 EGP in cash, receipt {receipt.receipt_number}" in shown
    assert "Reason: Cut short." in shown and receipt.payment_number in shown and "Dr Salma −120.30" in shown
    assert payment(paid.payment_id).status == "PARTIALLY_REFUNDED"
    panel = words(get(farida, f"/payments/{paid.payment_id}/panel"))
    assert "Given back in cash" in panel and "Kept of it 399.50" in panel and "Part refunded" in panel


def test_without_javascript_it_ends_in_a_redirect_to_the_receipt(farida: FlaskClient, paid: Bill) -> None:
    page = farida.get(f"/payments/{paid.payment_id}/refund")
    assert "<!doctype" in page.text and "Give it back" in page.text
    answer = farida.post(f"/payments/{paid.payment_id}/refund", data=form())
    assert answer.status_code == 303
    assert f"receipt={movements(paid.payment_id)[1].id}" in answer.location
    assert "Gave back 100.00 EGP" in words(farida.get(answer.location).text)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"reason": " "}, "Give a reason."),
        ({"amount": "1e3"}, "This is not an amount"),
        ({"amount": "0"}, "above zero"),
        ({"amount": "500.01"}, "You may give back 500.00 of one payment"),
        ({"method": "GOLD"}, "Choose cash"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    farida: FlaskClient, paid: Bill, typed: dict[str, str], sentence: str
) -> None:
    answer = farida.post(f"/payments/{paid.payment_id}/refund", data=form(**typed), headers=HTMX)
    assert answer.status_code == 422 and sentence in words(answer.text)
    assert typed.get("reason", "Cut short.") in answer.text and typed.get("amount", "100") in answer.text


def test_what_went_back_meanwhile_is_a_conflict(farida: FlaskClient, cast: Cast, paid: Bill) -> None:
    api.refund(
        cast.people["mona"].actor,
        payment_id=paid.payment_id,
        amount=Decimal(600),
        method="VISA",
        reason="All of it.",
        key="all",
    )
    answer = farida.post(f"/payments/{paid.payment_id}/refund", data=form(), headers=HTMX)
    assert answer.status_code == 409 and "Nothing that was paid is left" in words(answer.text)


def test_more_than_everybody_may_give_back_asks_who_it_is(
    as_person: AsPerson, farida: FlaskClient, paid: Bill
) -> None:
    mona = as_person("mona")
    hour = sql("UPDATE identity.sessions SET proved_at = proved_at - interval '1 hour'")
    db.session.execute(hour)
    assert farida.post(f"/payments/{paid.payment_id}/refund", data=form(), headers=HTMX).status_code == 200
    asked = mona.post(f"/payments/{paid.payment_id}/refund", data=form(amount="500.01"), headers=HTMX)
    assert asked.status_code == 403 and "Is it still you?" in asked.text
    assert len(movements(paid.payment_id)) == 2


def test_who_may_not_is_told_so_and_sees_no_button(as_person: AsPerson, paid: Bill, cast: Cast) -> None:
    amina, omar = as_person("amina"), as_person("omar")
    [receipt] = movements(paid.payment_id)
    base = f"/payments/{paid.payment_id}"
    shown = get(amina, f"{base}/panel")
    assert "Give money back" not in words(shown) and "Shares and ledger" in words(shown)
    for url in (f"{base}/refund", f"{base}/void", f"{base}/reopen", f"{base}/receipts/{receipt.id}/correct"):
        assert amina.post(url, data=form()).status_code == 403
    assert amina.get("/admin/refund-limits").status_code == 403
    for url in (f"{base}/books", f"{base}/receipts/{receipt.id}", f"{base}/receipts/{receipt.id}.pdf"):
        assert omar.get(url).status_code == 404
    assert omar.post(f"{base}/receipts/{receipt.id}/print").status_code == 404
    assert len(movements(paid.payment_id)) == 1


def test_a_receipt_is_corrected_from_its_panel(as_person: AsPerson, paid: Bill) -> None:
    mona = as_person("mona")
    [wrong] = movements(paid.payment_id)
    base = f"/payments/{paid.payment_id}/receipts/{wrong.id}/correct"
    assert base in get(mona, f"/payments/{paid.payment_id}/panel?receipt={wrong.id}")
    assert 'value="600.00"' in get(mona, base)
    assert "above your limit, 500.00" in words(get(as_person("farida"), base))
    same = mona.post(base, data=form(amount="600", method="VISA"), headers=HTMX)
    assert same.status_code == 422 and "says already" in words(same.text)
    answer = mona.post(base, data=form(amount="600"), headers=HTMX)
    assert answer.status_code == 200 and "Corrected to 600.00 EGP" in words(answer.text)
    assert "It replaces another receipt" in words(answer.text)
    old = get(mona, f"/payments/{paid.payment_id}/panel?receipt={wrong.id}")
    assert "It was taken back as a mistake" in words(old) and f'{base}"' not in old
    gone = mona.post(base, data=form(amount="500"), headers=HTMX)
    assert gone.status_code == 409 and "corrected meanwhile" in words(gone.text)


def test_a_void_is_undone_from_the_foot(farida: FlaskClient, bill: Bill) -> None:
    assert "Void the payment" in words(get(farida, f"/payments/{bill.payment_id}/void"))
    url = f"/payments/{bill.payment_id}/void"
    assert farida.post(url, data={"reason": ""}, headers=HTMX).status_code == 422
    answer = farida.post(
        url, data={"reason": "A colleague's child."}, headers=HTMX | {"HX-Target": "payment-panel"}
    )
    assert answer.status_code == 200 and "Payment voided" in answer.text
    assert f'action="/payments/{bill.payment_id}/reopen"' in answer.text and "Undo" in answer.text
    assert farida.post(url, data={"reason": "Twice."}, headers=HTMX).status_code == 409
    undone = farida.post(f"/payments/{bill.payment_id}/reopen", headers=HTMX | {"HX-Target": "last-act"})
    assert undone.status_code == 200 and "Payment is owed again" in undone.text
    assert payment(bill.payment_id).status == "PENDING"


def test_the_books_show_each_leg(farida: FlaskClient, paid: Bill, cast: Cast) -> None:
    api.give_ticket(cast.people["karim"].actor, paid.visit_id, None, cast.karim)
    shown = words(get(farida, f"/payments/{paid.payment_id}/books"))

    assert "Card 600.00" in shown and "Owed to the doctor, Dr Salma 360.00" in shown
    assert "Income of the centre 240.00" in shown and "Owed to the doctor, Dr Karim 360.00" in shown
    assert "360.00 went from Dr Salma to Dr Karim." in shown and "Karim Tester" in shown


# ---- Paper ----


def text_of(answer: TestResponse) -> str:
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    return PdfReader(BytesIO(answer.data)).pages[0].extract_text()


def test_the_first_paper_is_the_original_and_all_others_are_copies(farida: FlaskClient, paid: Bill) -> None:
    [receipt] = movements(paid.payment_id)
    base = f"/payments/{paid.payment_id}/receipts/{receipt.id}"
    assert "Copy" in text_of(farida.get(f"{base}.pdf"))  # nobody asked for paper: it can't be the original
    first = farida.post(f"{base}/print", data={"as": "pdf", "paper": "a4", "language": "en"})
    assert first.status_code == 303
    words_of_original = text_of(farida.get(first.location))
    assert "Copy" not in words_of_original and f"Receipt {receipt.receipt_number}" in words_of_original
    second = farida.post(f"{base}/print", data={"as": "page", "paper": "a4"})
    page = farida.get(second.location)
    assert "Copy" in words(page.text) and 'class="paper paper--a4"' in page.text
    in_panel = farida.post(f"{base}/print", headers=HTMX)
    assert "data-print-now" in in_panel.text and "Copy" in words(in_panel.text)
    assert "Copy" in words(get(farida, f"/payments/{paid.payment_id}/panel?receipt={receipt.id}"))
    prints = db.session.scalars(db.select(ReceiptPrint.number).filter_by(transaction_id=receipt.id))
    assert sorted(prints) == [1, 2, 3]


def test_another_persons_original_is_a_copy(farida: FlaskClient, as_person: AsPerson, paid: Bill) -> None:
    [receipt] = movements(paid.payment_id)
    base = f"/payments/{paid.payment_id}/receipts/{receipt.id}"
    original = farida.post(f"{base}/print", data={"as": "pdf"}).location
    assert "Copy" in text_of(as_person("mona").get(original))


def test_paper_speaks_the_language_it_is_asked_for(farida: FlaskClient, cast: Cast, paid: Bill) -> None:
    db.session.get_one(Facility, cast.facility_id).name_ar = "مركز الحديقة"
    farida.post(f"/payments/{paid.payment_id}/refund", data=form(), headers=HTMX)
    back = movements(paid.payment_id)[1]
    base = f"/payments/{paid.payment_id}/receipts/{back.id}"
    page = farida.get(f"{base}?language=ar&paper=slip").text
    assert '<html lang="ar" dir="rtl"' in page and "١٠٠٫٠٠" in page and "ج.م" in page
    assert back.receipt_number in page and "الأسنان" in page
    made = farida.get(f"{base}.pdf?language=ar")
    assert "الأسنان" in text_of(made) and made.headers["Content-Disposition"].endswith('.pdf"')
    assert PdfReader(BytesIO(made.data)).trailer["/Root"]["/Lang"] == "ar"  # type: ignore[index]


def test_a_receipt_says_whose_it_is_where_they_are_and_their_tax_line(
    farida: FlaskClient, cast: Cast, paid: Bill
) -> None:
    [receipt] = movements(paid.payment_id)
    base = f"/payments/{paid.payment_id}/receipts/{receipt.id}"
    assert "Tax card" not in farida.get(base).text
    here = db.session.get_one(Facility, cast.facility_id)
    here.address, here.city, here.address_ar = "12 Garden Street", "Cairo", "١٢ شارع الحديقة، القاهرة"
    here.phone, here.registration = "02 2555 0100", "Tax card 123-456-789"
    here.registration_ar = "بطاقة ضريبية 123-456-789"
    with transaction():
        push.changed(organization.topic(cast.organization_id))  # as set-up does

    english = ("12 Garden Street, Cairo", "02 2555 0100", "Tax card 123-456-789")
    panel = get(farida, f"/payments/{paid.payment_id}/panel?receipt={receipt.id}")
    for text in (words(farida.get(base).text), words(panel), text_of(farida.get(f"{base}.pdf"))):
        assert all(line in text for line in english), text
    arabic = farida.get(f"{base}?language=ar").text
    assert "١٢ شارع الحديقة، القاهرة" in arabic and "بطاقة ضريبية" in arabic and "Garden Street" not in arabic
    made = text_of(farida.get(f"{base}.pdf?language=ar"))
    assert "شارع" in made and "02 2555 0100" in made


def test_the_last_act_names_the_currency_in_the_readers_language(farida: FlaskClient, bill: Bill) -> None:
    farida.post("/account/settings", data={"locale": "ar", "next": "/"})
    taken = farida.post(f"/payments/{bill.payment_id}/take", data=form(amount="600"), headers=HTMX)
    back = farida.post(f"/payments/{bill.payment_id}/refund", data=form(), headers=HTMX)
    for answer, sum_of in ((taken, "٦٠٠٫٠٠"), (back, "١٠٠٫٠٠")):
        last = answer.text[answer.text.index('id="last-act"') :]
        assert answer.status_code == 200 and f"{sum_of} ج.م" in last and "EGP" not in last


# ---- Limits ----


def test_the_manager_sets_the_limits(as_person: AsPerson, farida: FlaskClient, paid: Bill) -> None:
    mona = as_person("mona")
    page = mona.get("/admin/refund-limits")
    assert "Cashier" in page.text and "Everybody else" in page.text and "Manager</label>" not in page.text
    field = re.search(r'name="([0-9a-f-]{36})"', page.text)
    assert field is not None
    wrong = mona.post("/admin/refund-limits", data={field[1]: "a lot", "everybody": "20"})
    assert wrong.status_code == 422 and 'value="a lot"' in wrong.text and 'value="20"' in wrong.text
    assert mona.post("/admin/refund-limits", data={field[1]: "150", "everybody": ""}).status_code == 303
    assert [each.amount for each in db.session.scalars(db.select(RefundLimit))] == [Decimal(150)]
    assert 'value="150.00"' in get(farida, f"/payments/{paid.payment_id}/refund")
