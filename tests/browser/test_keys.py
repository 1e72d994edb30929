"""Enter does what the element with the focus does; the page's own takes money only where that is meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import text

from clinic_web.kernel import clock, ids
from clinic_web.kernel.db import db
from clinic_web.reception import api as reception
from clinic_web.reception.service import booking, station_calling, station_joining, walking_in
from clinic_web.reception.service.booking import Booking
from clinic_web.reception.service.walking_in import WalkIn
from tests import factories
from tests.browser.conftest import House
from tests.browser.rest import settle
from tests.browser.test_a_day_at_the_clinic import walk_in

pytestmark = pytest.mark.browser

Open = Callable[..., Page]

TAKES = "#hand [data-take-button]"
BESIDE = """(kind) => {
  const made = {
    link: "<a href='#main'>x</a>",
    button: "<button type='button'>x</button>",
    summary: "<details><summary>x</summary></details>",
    select: "<select><option>x</option></select>",
    option: "<div role='listbox'><div role='option' tabindex='0'>x</div></div>",
    row: "<div tabindex='0'>x</div>",
  };
  const hand = document.getElementById("hand");
  document.getElementById("beside")?.remove();
  hand.insertAdjacentHTML("beforeend", `<div id="beside">${made[kind]}</div>`);
  document.querySelector("#beside :is(a, button, summary, select, [tabindex])").focus();
}"""


@pytest.fixture
def desk(house: House, browser_of: Open) -> Page:
    """Amina's desk with a payment of Mona's in hand."""
    factories.patient(organization_id=house.cast.organization_id, first_name="Mona", last_name="Tahhan")
    db.session.commit()
    page = browser_of("amina")
    page.goto(f"{house.url}/desk?clinic={house.cast.dental}")
    walk_in(page, "Mona")
    settle(page)  # a key pressed in the very instant of a swap finds nothing to press
    page.keyboard.press("F8")
    expect(page.locator(TAKES)).to_be_visible()
    return page


PRINTS = "() => { document.title = ''; window.print = () => { document.title += 'x'; }; }"


def test_the_slip_prints_at_once_but_never_between_the_letters_of_the_next_name(
    house: House, browser_of: Open
) -> None:
    for name in ("Mona", "Nadia"):
        factories.patient(organization_id=house.cast.organization_id, first_name=name, last_name="Tahhan")
    db.session.commit()
    page = browser_of("amina")
    page.goto(f"{house.url}/desk?clinic={house.cast.dental}")
    page.evaluate(PRINTS)
    walk_in(page, "Mona")
    expect(page).to_have_title("x")

    held: list[Route] = []  # the slip of the next is under way while the receptionist goes on
    page.route(re.compile(r"/done"), lambda route: held.append(route))  # noqa: PLW0108 - it inspects what it is given
    page.evaluate(PRINTS)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("Nadia")
    expect(page.locator(".hits [aria-selected=true]")).to_contain_text("Nadia")
    page.keyboard.press("Enter")
    expect(page.locator("#hand")).to_contain_text("Nadia")
    page.keyboard.press("F2")
    expect(page.locator("#hand-walk-in")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#hand .done .id .ticket > span").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("Sa")
    held[0].continue_()
    expect(page.locator("#hand [data-unprinted]")).to_be_visible()
    page.keyboard.type("lma")
    expect(page.locator("[data-key='/']").first).to_have_value("Salma")
    expect(page).not_to_have_title(re.compile("x"))
    page.locator("#hand [data-print-slip]").click()
    expect(page).to_have_title("x")
    expect(page.locator("#hand [data-unprinted]")).to_be_hidden()


def taken() -> int:
    db.session.rollback()
    return int(db.session.execute(text("SELECT count(*) FROM payments.payment_transactions")).scalar() or 0)


def test_enter_on_another_element_takes_no_money(desk: Page) -> None:
    for kind in ("link", "button", "summary", "option", "row", "select"):
        desk.evaluate(BESIDE, kind)
        desk.keyboard.press("Enter")
        settle(desk)
        assert taken() == 0, kind
        expect(desk.locator(TAKES)).to_be_visible()
    desk.wait_for_timeout(400)
    assert taken() == 0


def test_enter_on_a_button_of_the_form_does_what_that_button_does(desk: Page) -> None:
    desk.locator("#hand [data-part]").focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("#hand [data-part]")).to_have_attribute("aria-pressed", "true")
    assert taken() == 0


@pytest.mark.parametrize("focus", ["field", "nothing", "panel"])
def test_enter_in_the_form_or_on_the_page_takes_it_once(desk: Page, focus: str) -> None:
    if focus == "nothing":
        desk.evaluate("document.activeElement.blur()")
    if focus == "panel":
        desk.evaluate("const hand = document.getElementById('hand'); hand.tabIndex = -1; hand.focus()")
    desk.keyboard.press("Enter")
    expect(desk.locator("#hand .receipt")).to_be_visible()
    assert taken() == 1


def test_the_receipt_goes_to_paper_once_a_press_and_the_second_says_copy(desk: Page) -> None:
    desk.keyboard.press("Enter")
    expect(desk.locator("#hand .receipt")).to_be_visible()
    desk.evaluate("() => { document.title = ''; window.print = () => { document.title += 'x'; }; }")
    for papers in (1, 2):
        desk.get_by_role("button", name="Print the receipt").click()
        expect(desk).to_have_title("x" * papers)
        expect(desk.locator("#hand .receipt .copy")).to_have_count(papers - 1)


def test_a_new_patient_is_typed_and_registered_at_the_desk(house: House, browser_of: Open) -> None:
    """Leaving a field asks for likely duplicates; what was typed stays, and the form with it."""
    page = browser_of("amina")
    page.goto(f"{house.url}/desk?clinic={house.cast.dental}")
    settle(page)
    page.keyboard.press("F2")
    expect(page.locator("#hand [name=name]")).to_be_focused()
    with page.expect_response(lambda answer: "/patients/alike" in answer.url):
        page.keyboard.type("Zebedee Quux")
        page.keyboard.press("Tab")
    page.keyboard.type("+20 100 111 2233")
    page.keyboard.press("Tab")
    page.keyboard.type("34")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    settle(page)
    expect(page.locator("#hand [name=name]")).to_have_value("Zebedee Quux")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#hand")).to_contain_text("Zebedee Quux")
    expect(page.locator("#new-patient")).to_have_count(0)


def test_ctrl_enter_in_a_reason_answers_that_question_and_no_other(house: House, browser_of: Open) -> None:
    cast = house.cast
    patient = factories.patient(organization_id=cast.organization_id, last_name="Tahhan")
    db.session.commit()
    at = (clock.now() + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    wanted = Booking(patient_id=patient, service_id=cast.cleaning, doctor_id=cast.salma, start_time=at)
    booked = booking.book(cast.people["amina"].actor, wanted, key=str(ids.new_id()))
    page = browser_of("amina")
    page.goto(f"{house.url}/appointments/{booked.appointment_id}")
    settle(page)
    page.keyboard.press("x")
    expect(page.locator("#cancel-reason")).to_be_focused()
    page.keyboard.type("phoned, is ill")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#last-act")).to_contain_text("cancelled")
    db.session.rollback()
    state = db.session.execute(text("SELECT status FROM reception.appointments")).scalar()
    assert state == "CANCELLED"


def test_the_station_says_paid_as_soon_as_it_is_beside_the_receipt(house: House, browser_of: Open) -> None:
    cast = house.cast
    amina, farida = cast.people["amina"].actor, cast.people["farida"].actor
    patient = factories.patient(organization_id=cast.organization_id)
    wish = WalkIn(patient_id=patient, service_id=cast.cleaning)
    visit = walking_in.open_walk_in(amina, wish, key=str(ids.new_id()))
    place = {"facility_id": cast.facility_id, "room_id": cast.room}
    station = reception.ensure_station(amina, kind="CASHIER", prefix="K", name="Cashier", **place)
    station_joining.send(amina, visit.visit_id, station, key=str(ids.new_id()))
    station_calling.call_next(farida, station, key=str(ids.new_id()))
    page = browser_of("farida")
    page.goto(f"{house.url}/stations/{station}")
    expect(page.locator("#station-owed")).to_have_text("owes 450.00")
    expect(page.locator(TAKES)).to_be_visible()
    settle(page)
    page.locator(TAKES).click()
    expect(page.locator("#hand .receipt")).to_be_visible()
    expect(page.locator("#station-owed")).to_have_text("paid")
    expect(page.locator("#hand .receipt")).to_be_visible()
