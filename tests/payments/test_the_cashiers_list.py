"""Which payments stand on a day's list, in which order, through which filters, and at what cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from clinic_web.kernel import clock, keyset, listing, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.listing import Asked, Cursor
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.payments import api, live
from clinic_web.payments.queries import lists as queries
from clinic_web.ui.sockets import Joiner
from tests import factories
from tests.cast import Cast
from tests.payments.conftest import Opens, movements

CAIRO = "Africa/Cairo"


@pytest.fixture
def farida(cast: Cast) -> Actor:
    return cast.people["farida"].actor


def asked(actor: Actor, **address: str) -> Asked:
    today = clock.today(CAIRO)
    return listing.read(queries.GRAMMAR, address, today)


def listed(actor: Actor, day: date | None = None, **address: Any) -> list[UUID]:
    if day:
        address["day"] = day.isoformat()
    given = {name: str(value) for name, value in address.items()}
    return [each.row.id for each in queries.payments_page(actor, asked(actor, **given)).rows]


def shown(browser: FlaskClient, address: str) -> list[UUID]:
    answer = browser.get(address, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.text
    return [UUID(each) for each in re.findall(r'data-payment="([0-9a-f-]{36})"', answer.text)]


def pay(actor: Actor, payment_id: UUID, amount: str = "600", method: str = "CASH") -> None:
    api.take(actor, payment_id=payment_id, amount=Decimal(amount), method=method, key=str(new_id()))


@pytest.fixture
def at_noon() -> Any:
    """The clock of the program stands at noon of a summer day in Cairo (09:00 UTC)."""
    noon = datetime(2026, 7, 15, 9, 0, tzinfo=UTC)
    clock.shift(noon - datetime.now(UTC))
    yield noon
    clock.shift(timedelta(0))


def test_todays_list_holds_what_is_due_today_and_what_moved_today(
    at_noon: datetime, farida: Actor, opens: Opens
) -> None:
    walk_in = opens().payment_id
    booked = opens(due_at=at_noon + timedelta(hours=3)).payment_id
    tomorrow = opens(due_at=at_noon + timedelta(days=1)).payment_id
    paid_ahead = opens(due_at=at_noon + timedelta(days=9)).payment_id
    pay(farida, paid_ahead, "100")

    assert set(listed(farida)) == {walk_in, booked, paid_ahead}
    assert listed(farida, date(2026, 7, 16)) == [tomorrow]
    assert listed(farida, date(2026, 7, 24)) == [paid_ahead]


def test_a_day_is_the_facilitys_own(at_noon: datetime, farida: Actor, opens: Opens) -> None:
    before_midnight = opens(due_at=datetime(2026, 7, 14, 20, 59, tzinfo=UTC)).payment_id  # 23:59 in Cairo
    after_midnight = opens(due_at=datetime(2026, 7, 14, 21, 0, tzinfo=UTC)).payment_id

    assert listed(farida, date(2026, 7, 14)) == [before_midnight]
    assert listed(farida, date(2026, 7, 15)) == [after_midnight]


def test_what_happened_last_stands_first_and_the_expected_below(
    at_noon: datetime, farida: Actor, opens: Opens
) -> None:
    clock.shift(clock.offset() - timedelta(days=2))
    expected = opens(due_at=at_noon + timedelta(hours=1)).payment_id
    clock.shift(clock.offset() + timedelta(days=2))
    early = opens(due_at=at_noon - timedelta(hours=3)).payment_id
    late = opens(due_at=at_noon - timedelta(hours=1)).payment_id
    assert listed(farida) == [late, early, expected]

    pay(farida, early, "10")
    assert listed(farida) == [early, late, expected]


def test_filters_narrow_the_list_and_counts_follow(farida: Actor, opens: Opens, cast: Cast) -> None:
    salmas, karims = opens().payment_id, opens(doctor_id=cast.karim).payment_id
    at_eye = opens(clinic_id=cast.eye, doctor_id=None, service_id=None).payment_id
    pay(farida, salmas, "600", "VISA")
    pay(farida, karims, "100")

    assert listed(farida, state="paid") == [salmas]
    assert listed(farida, state="part-paid") == [karims]
    assert listed(farida, state="to-pay") == [at_eye]
    assert set(listed(farida, state="owing")) == {karims, at_eye}
    assert listed(farida, method="VISA") == [salmas]
    assert listed(farida, doctor=cast.karim) == [karims]
    assert listed(farida, clinic=cast.eye) == [at_eye]
    assert listed(farida, service=cast.filling, state="paid") == [salmas]
    page = queries.payments_page(farida, asked(farida, method="VISA"))
    assert (page.page.number, page.number_in("paid"), page.number_in("to-pay")) == (1, 1, 0)
    assert page.sums.taken == {"CASH": Decimal(100), "VISA": Decimal(600)}  # the equation stays whole


def test_days_patient_and_words_narrow_the_list_too(
    at_noon: datetime, farida: Actor, opens: Opens, cast: Cast
) -> None:
    nadia = factories.patient(organization_id=cast.organization_id, first_name="Nadia")
    today = opens(patient_id=nadia, ticket="D-007").payment_id
    next_week = opens(due_at=at_noon + timedelta(days=7)).payment_id
    old = opens(due_at=at_noon - timedelta(days=40), patient_id=nadia, ticket=None).payment_id
    pay(farida, today)
    number = movements(today)[0].payment_number

    assert set(listed(farida, when="any")) == {today, next_week, old}
    assert set(listed(farida, **{"from": "2026-07-15", "to": "2026-07-30"})) == {today, next_week}
    assert listed(farida, to="2026-06-30") == [old]
    assert listed(farida, when="month") == [today, next_week]
    assert set(listed(farida, when="any", patient=nadia)) == {today, old}
    assert listed(farida, q="nadia") == listed(farida, q="d-7") == listed(farida, q=number.lower()) == [today]
    assert listed(farida, q="nobody at all") == []
    assert listed(farida, when="any", sort="left")[0] == today


def test_any_time_stands_in_the_order_of_what_happened_and_adds_up_only_what_is_owed(
    at_noon: datetime, farida: Actor, opens: Opens, cast: Cast, as_person: Callable[[str], FlaskClient]
) -> None:
    clock.shift(clock.offset() - timedelta(days=3))
    to_come = opens(due_at=at_noon + timedelta(days=2)).payment_id
    clock.shift(clock.offset() + timedelta(days=3))
    old = opens(due_at=at_noon - timedelta(days=400)).payment_id
    lately = opens("900.00", due_at=at_noon - timedelta(days=1), doctor_id=cast.karim).payment_id
    assert listed(farida, when="any") == [lately, to_come, old]
    pay(farida, old, "600")
    assert listed(farida, when="any") == [old, lately, to_come]
    assert listed(farida, when="any", sort="time") == [to_come, lately, old]
    assert listed(farida, when="any", sort="left") == [old, to_come, lately]
    assert set(listed(farida, when="any", state="owing")) == {to_come, lately}
    assert listed(farida, when="any", method="CASH") == [old]
    assert listed(farida, when="any", doctor=cast.karim) == [lately]

    page = queries.payments_page(farida, asked(farida, when="any", doctor=str(cast.salma)))
    assert page.sums.taken is None and page.sums.owed == Decimal(600)
    assert {doctor.id for doctor in page.doctors} >= {cast.salma, cast.karim}
    text = as_person("farida").get("/payments?when=any", headers={"HX-Request": "true"}).text
    assert "adds up for days" in text and "1,500.00" in text


def test_pages_of_any_time_and_several_states_follow_without_gaps(
    at_noon: datetime, farida: Actor, opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "PAGE", 3)
    made = [opens(due_at=at_noon + timedelta(days=days)).payment_id for days in (-9, -4, -4, -4, -1, 0, 3, 5)]
    for each in made[:3]:
        pay(farida, each, "100")
    for order in ("time", "-time", "left", "-left", "state", "-due"):
        for state in ("owing", ""):
            seen: list[UUID] = []
            address = {"when": "any", "sort": order} | ({"state": state} if state else {})
            question = asked(farida, **address)
            while True:
                page = queries.payments_page(farida, question).page
                seen += [row.id for row in page.rows]
                if page.after is None:
                    break
                question = question.at(page.after)
            assert sorted(seen) == sorted(made), (order, state)
            assert page.before is not None
            back = queries.payments_page(farida, question.at(page.before)).page
            assert [row.id for row in back.rows] == seen[-len(page.rows) - 3 : -len(page.rows)]


def test_a_change_is_seen_at_once_although_the_list_is_kept(
    as_person: Callable[[str], FlaskClient], farida: Actor, opens: Opens, cast: Cast
) -> None:
    browser = as_person("farida")
    first = opens().payment_id
    assert shown(browser, "/payments") == [first]

    second = opens().payment_id
    assert set(shown(browser, "/payments")) == {first, second}
    pay(farida, first)
    assert shown(browser, "/payments?state=paid") == [first]

    # also of a clinic that was opened a moment ago, or is closed
    new = organization.create_clinic(cast.system, facility_id=cast.facility_id, code="SKIN", name="Skin")
    third = opens(clinic_id=new, doctor_id=None, service_id=None).payment_id
    assert third in shown(browser, "/payments")
    pay(farida, third)
    assert set(shown(browser, "/payments?state=paid")) == {first, third}


def test_older_pages_follow_without_gaps_while_money_is_taken(
    as_person: Callable[[str], FlaskClient],
    farida: Actor,
    opens: Opens,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keyset, "PAGE", 3)
    browser = as_person("farida")
    patient_id = factories.patient(organization_id=cast.organization_id)
    made = {opens(patient_id=patient_id).payment_id for _ in range(8)}

    seen: list[UUID] = []
    address = "/payments"
    for _ in range(3):
        page = browser.get(address, headers={"HX-Request": "true"}).text
        seen += [UUID(each) for each in re.findall(r'data-payment="([0-9a-f-]{36})"', page)]
        opens(patient_id=patient_id)
        link = re.search(r'href="([^"]+)"[^>]*id="list-next"', page)
        address = unescape(link[1]) if link else ""

    assert not address
    assert len(seen) == 8 and set(seen) == made


@pytest.mark.parametrize("rows", [1, 50])
def test_a_list_costs_six_statements_whatever_its_length(
    as_person: Callable[[str], FlaskClient],
    farida: Actor,
    opens: Opens,
    cast: Cast,
    count_queries: Callable[[], Any],
    rows: int,
) -> None:
    with transaction():
        push.changed(organization.topic(cast.organization_id))  # as every change of the organization does
    for _ in range(rows):
        pay(farida, opens().payment_id, "10")
    browser = as_person("farida")
    browser.get("/account")  # who she is, is known from here on

    with count_queries() as queries_made:
        assert len(shown(browser, "/payments")) == rows
    with count_queries() as again:
        assert len(shown(browser, "/payments")) == rows

    # who asks, where everything stands, rows with their sums, names, where the visits are, who saw
    assert len(queries_made) <= 6, queries_made
    assert len(again) == 2  # who asks; whether everything stands as it did, and who saw


def test_an_address_with_impossible_filters_is_refused(farida: Actor) -> None:
    for wrong in (
        {"day": "yesterday"},
        {"day": "0001-01-01"},
        {"state": "rich"},
        {"method": "BARTER"},
        {"clinic": "1"},
        {"before": "2026-07-15"},
        {"asof": "2026-07-15T10:00:00"},
    ):
        with pytest.raises(RuleBroken):
            asked(farida, **wrong)


def test_an_address_says_what_is_filtered_and_nothing_else(farida: Actor) -> None:
    day = clock.today(CAIRO) + timedelta(days=2)
    cursor = Cursor((datetime(2026, 7, 15, 10, 0, tzinfo=UTC),), new_id())
    address = asked(farida, state="paid", day=day.isoformat(), tab="x").at(cursor).to_address()

    assert address == {
        "state": "paid",
        "from": day.isoformat(),
        "to": day.isoformat(),
        "after": cursor.to_text(),
    }
    assert asked(farida, **address).cursor == cursor


def test_the_file_has_the_same_rows_with_plain_sums(
    as_person: Callable[[str], FlaskClient], farida: Actor, opens: Opens
) -> None:
    pay(farida, opens("1234.50").payment_id, "1000")
    opens()
    lines = as_person("mona").get("/payments/list.csv?state=part-paid").text.strip().splitlines()
    assert len(lines) == 2 and "Cash,EGP,1234.50,1000.00,234.50,Part paid" in lines[1]
    assert as_person("farida").get("/payments/list.csv").status_code == 403


def test_only_people_of_the_facility_with_the_right_hear_its_payments(cast: Cast) -> None:
    def may(name: str) -> bool:
        joiner = Joiner(actor=cast.people[name].actor, display_id=None)
        return live.may_join(joiner, live.payments_topic(cast.dental))

    assert may("farida") and may("amina")
    assert not may("salma")
    assert not may("omar")
    assert not live.may_join(Joiner(actor=None, display_id=new_id()), live.payments_topic(cast.dental))


def test_the_page_offers_the_services_and_keeps_the_chosen_one_while_one_searches(
    at_noon: datetime, opens: Opens, cast: Cast, as_person: Callable[[str], FlaskClient]
) -> None:
    opens()
    html = as_person("farida").get(f"/payments?service={cast.filling}").text
    assert re.search(rf'href="[^"]*service={cast.filling}[^"]*" aria-current="true"', html)
    assert f"service={cast.cleaning}" in html
    ask = re.search(r'<form class="list-ask".*?</form>', html, re.S)
    assert ask is not None and f'name="service" value="{cast.filling}"' in ask[0]
