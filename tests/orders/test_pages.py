"""What doctors, pharmacists and strangers see of orders, and what they press."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient

from clinic_web.events.pharmacy import StockReleased, StockReservationFailed, StockReserved
from clinic_web.orders.models import LAB
from clinic_web.orders.service import watching
from clinic_web.patients.models import Allergy
from tests import factories
from tests.cast import hire
from tests.orders.room import Room

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


def fields_of(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


def test_a_prescription_is_written_in_the_visit(room: Room, as_person: Browser) -> None:
    factories._add(
        Allergy(
            organization_id=room.cast.organization_id,
            patient_id=room.desk.visit(room.visit_id).patient_id,
            allergen_type="MEDICATION",
            allergen_name="Penicillin",
            severity="SEVERE",
        )
    )
    salma = as_person("salma")
    assert f'data-own="/visits/{room.visit_id}/orders"' in salma.get("/doctor/room").text
    region = salma.get(f"/visits/{room.visit_id}/orders", headers=HTMX).text
    assert "Nothing is ordered" in region and "kind=prescription" in region
    form = salma.get(f"/visits/{room.visit_id}/orders/new?kind=prescription", headers=HTMX).text
    assert "Allergic to Penicillin" in form
    hits = salma.get("/orders/items?kind=prescription&q=parac", headers=HTMX).text
    assert "Paracetamol 500 mg" in hits
    line = salma.get(f"/orders/items/{room.paracetamol}/line?kind=prescription", headers=HTMX).text
    assert 'name="quantity"' in line and "data-focus" in line
    sent: dict[str, Any] = {
        **fields_of(form),
        "item": [str(room.paracetamol), str(room.amoxicillin)],
        "quantity": ["٢٠", "none"],
        "directions": ["1 x 3", "5 ml"],
        "priority": "URGENT",
        "note": "for the fever",
    }
    wrong = salma.post(f"/visits/{room.visit_id}/orders", data=sent, headers=HTMX)
    assert wrong.status_code == 422 and "A number above 0" in wrong.text
    assert "٢٠" in wrong.text and "for the fever" in wrong.text and "5 ml" in wrong.text
    sent["quantity"] = ["٢٠", "1"]
    done = salma.post(f"/visits/{room.visit_id}/orders", data=sent, headers=HTMX)
    assert done.status_code == 200 and "is ordered" in done.text
    assert salma.post(f"/visits/{room.visit_id}/orders", data=sent, headers=HTMX).status_code == 200
    orders = salma.get(f"/visits/{room.visit_id}/orders/lines", headers=HTMX).text
    assert orders.count("<article") == 1 and "Reserving" in orders and "Urgent" in orders
    assert f'data-live="visit-orders:{room.visit_id}"' in orders


def test_the_line_says_what_failed_and_why_and_what_can_be_done(room: Room, as_person: Browser) -> None:
    order_id = room.place().order_id
    room.answer(order_id, StockReservationFailed, reason="SHORT", available=3)
    salma = as_person("salma")
    page = salma.get(f"/orders/{order_id}").text
    assert "There is not enough of Paracetamol 500 mg on the shelf." in page and "Free now: 3." in page
    assert "Not reserved" in page and "Try again" in page and "Nothing had been done yet" in page
    form = salma.get(f"/orders/{order_id}/change", headers=HTMX).text
    assert "Instead of" in form and "1 x 3 after meals" in form
    again = salma.post(f"/orders/{order_id}/retry", data={"idempotency_key": "k"}, headers=HTMX)
    assert again.status_code == 200
    other = salma.post(f"/orders/{order_id}/retry", data={"idempotency_key": "other tab"}, headers=HTMX)
    assert other.status_code == 409
    assert "Taken up again as" in salma.get(f"/orders/{order_id}").text


def test_an_order_is_cancelled_with_a_reason(room: Room, as_person: Browser) -> None:
    order_id = room.place().order_id
    room.answer(order_id, StockReserved)
    salma = as_person("salma")
    assert "What was done of it is undone" in salma.get(f"/orders/{order_id}/cancel", headers=HTMX).text
    empty = salma.post(f"/orders/{order_id}/cancel", data={"reason": " "}, headers=HTMX)
    assert empty.status_code == 422 and "Why?" in empty.text
    done = salma.post(f"/orders/{order_id}/cancel", data={"reason": "allergic"}, headers=HTMX)
    assert done.status_code == 200 and "is being cancelled" in done.text
    late = salma.post(f"/orders/{order_id}/cancel", data={"reason": "again"}, headers=HTMX)
    assert late.status_code == 409 and "is being undone" in late.text
    page = salma.get(f"/orders/{order_id}").text
    assert "Cancelled: allergic" in page and "Taking the bill back" in page


def test_the_list_shows_what_needs_attention_in_few_statements(
    room: Room, as_person: Browser, later: Callable[[timedelta], None], count_queries: Any
) -> None:
    stuck = room.place()
    for pause in (timedelta(minutes=10), timedelta(hours=11)):
        later(pause)
        watching.watch()
    others = [room.place(LAB)]
    done = room.place()
    room.complete(done.order_id)
    salma = as_person("salma")
    salma.get("/orders?when=any")
    with count_queries() as queries:
        page = salma.get("/orders?when=any").text
    assert all(each.order_number in page for each in (stuck, *others, done))
    assert len(queries) <= 11, queries
    attention = salma.get("/orders?when=any&state=attention").text
    assert stuck.order_number in attention and done.order_number not in attention
    found = salma.get(f"/orders?when=any&q={done.order_number}").text
    assert done.order_number in found and stuck.order_number not in found
    assert salma.get("/orders.csv").status_code == 403
    sheet = as_person("mona").get("/orders.csv?when=any").text
    assert done.order_number in sheet and "Paracetamol 500 mg" in sheet


def test_who_fulfils_it_reads_directions_and_allergies(room: Room, as_person: Browser) -> None:
    cast = room.cast
    hire(cast, "peter", "pharmacist", cast.organization_id, cast.facility_id)
    order_id = room.place(note="crush it").order_id
    panel = as_person("peter").get(f"/orders/{order_id}/panel", headers=HTMX).text
    assert "1 x 3 after meals" in panel and "crush it" in panel and "No allergy is written down" in panel
    assert "Try again" not in panel
    patient_id = room.order(order_id).patient_id
    history = as_person("peter").get(f"/patients/{patient_id}/orders", headers=HTMX).text
    assert room.order(order_id).order_number in history
    assert as_person("peter").post(f"/orders/{order_id}/cancel", data={"reason": "x"}).status_code == 403
    assert as_person("amina").get(f"/orders/{order_id}").status_code == 403
    assert as_person("salma").get(f"/orders/{uuid4()}").status_code == 404


def test_a_needed_human_closes_with_a_reason(
    room: Room, as_person: Browser, later: Callable[[timedelta], None]
) -> None:
    order_id = room.place().order_id
    for pause in (timedelta(minutes=10), timedelta(hours=24)):
        later(pause)
        watching.watch()
    salma = as_person("salma")
    page = salma.get(f"/orders/{order_id}").text
    assert "Needs a human" in page and "Ask once more" in page
    assert salma.post(f"/orders/{order_id}/again", headers=HTMX).status_code == 200
    assert salma.post(f"/orders/{order_id}/again", headers=HTMX).status_code == 409
    later(timedelta(hours=25))
    watching.watch()
    salma = as_person("salma")  # her session of yesterday has ended
    assert "Say what was done instead" in salma.get(f"/orders/{order_id}/close", headers=HTMX).text
    closed = salma.post(f"/orders/{order_id}/close", data={"reason": "by telephone"}, headers=HTMX)
    assert closed.status_code == 200
    room.answer(order_id, StockReleased)
    assert "Closed by hand" in salma.get(f"/orders/{order_id}").text
